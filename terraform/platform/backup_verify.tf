# Reads every export to its end, keeps the good ones, and pages when there is no fresh one.

module "backup_verify" {
  source = "../modules/function"

  name        = "backup_verify"
  description = "Reads every export to its end, and says which may be relied on."
  # It reads whole files: what is slow for the others is usual here.
  common      = merge(local.functions, { alerts = merge(local.functions.alerts, { function_latency_ms_max = 540000 }) })
  seconds_max = 600
  subscriptions = {
    backup-verify-objects     = { topic = module.backup_objects.id, filter = "NOT hasPrefix(attributes.objectId, \"counts/\")" }
    backup-verify-checks      = { topic = module.backup_checks.id }
    backup-verify-acceptances = { topic = module.backup_acceptances.id }
  }
  access = {
    publishes = { rollout_events = module.rollout_events.id }
    buckets = {
      ledger  = { bucket = module.ledger.name, role = module.ledger_writer.id }
      exports = { bucket = module.exports.name, role = module.object_reader.id }
      backups = { bucket = module.backups.name, role = module.ledger_writer.id }
    }
  }
}

# Lists belong to the project.
resource "google_project_iam_member" "backup_verify" {
  project = local.project
  role    = module.sql_reader.id
  member  = module.backup_verify.member
}

module "backup_objects" {
  source = "../modules/topic"

  project        = local.project
  name           = "backup-objects"
  regions        = local.storage_regions
  encryption_key = local.key.automation
  publishers     = { storage = "serviceAccount:service-${local.number}@gs-project-accounts.iam.gserviceaccount.com" }
}

resource "google_storage_notification" "exports" {
  bucket         = module.exports.name
  topic          = module.backup_objects.id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]

  depends_on = [module.backup_objects] # Cloud Storage publishes once to see whether it may
}

module "backup_checks" {
  source = "../modules/topic"

  project        = local.project
  name           = "backup-checks"
  regions        = local.storage_regions
  encryption_key = local.key.automation
}

# A person's word that what an export lacks was given up on purpose.
module "backup_acceptances" {
  source = "../modules/topic"

  project        = local.project
  name           = "backup-acceptances"
  regions        = local.storage_regions
  encryption_key = local.key.automation
  publishers     = { for operator in local.whole.operators : operator => operator }
}

resource "google_cloud_scheduler_job" "backup_check" {
  project     = local.project
  region      = local.automation
  name        = "backup-check"
  description = "Asks backup_verify whether every database has a fresh verified export"
  schedule    = "45 * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = module.backup_checks.id
    data       = base64encode("{}")
    attributes = { job = "backup-check" }
  }

  # The next is an hour away.
  retry_config {
    retry_count = 0
  }
}

# What the backups tell, by kind and instance: "export.verified", "drill.passed" …
resource "google_logging_metric" "backups" {
  project     = local.project
  name        = "delivery/backups"
  description = "What notify told people about exports, backups and drills"
  filter = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=\"${module.notify.name}\"",
    "jsonPayload.service=\"backups\"",
    "jsonPayload.event=~\"^(export|backup|drill)\\.\"",
  ])

  label_extractors = {
    kind     = "EXTRACT(jsonPayload.event)"
    instance = "EXTRACT(jsonPayload.details.instance)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key         = "kind"
      value_type  = "STRING"
      description = "The announcement's kind"
    }

    labels {
      key         = "instance"
      value_type  = "STRING"
      description = "The Cloud SQL instance it is about"
    }
  }
}

locals {
  # An export that was read and is whole, and one whose loss a person has said was meant.
  _reliable = "metric.labels.kind=one_of(\"export.verified\",\"export.accepted\")"

  _backup_news = {
    for name in keys(local.whole.databases) :
    name => "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.backups.name}\" AND metric.labels.instance=\"${name}\""
  }
}

# What pages is the absence of a fresh verified backup, not only a failed job. An alignment reaches 25 hours at most and
# a duration 23.5; together they are the configured age.
module "no_verified_backup" {
  source   = "../modules/alert"
  for_each = local.whole.databases

  project  = local.project
  place    = local.place
  name     = "NoVerifiedBackup"
  subject  = each.key
  severity = "CRITICAL"
  channels = local.people

  thresholds = [
    {
      name      = "no export was verified"
      filter    = "${local._backup_news[each.key]} AND ${local._reliable}"
      below     = 1
      alignment = 90000
      seconds   = min(max(each.value.backups.verified_age_hours_max - 25, 0), 23) * 3600
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      missing   = "EVALUATION_MISSING_DATA_ACTIVE"
    },
    {
      name    = "the hourly check found none that is fresh"
      filter  = "${local._backup_news[each.key]} AND metric.labels.kind=\"export.missing\""
      above   = 0
      aligner = "ALIGN_DELTA"
      reducer = "REDUCE_SUM"
    },
  ]
}

# Cloud SQL's own backup is another thing than an export: a restore to a point in time starts from it.
module "no_instance_backup" {
  source   = "../modules/alert"
  for_each = local.whole.databases

  project  = local.project
  place    = local.place
  name     = "NoInstanceBackup"
  subject  = each.key
  severity = "CRITICAL"
  channels = local.people

  thresholds = [{
    name    = "Cloud SQL made no backup in time, or makes none"
    filter  = "${local._backup_news[each.key]} AND metric.labels.kind=one_of(\"backup.missing\",\"backup.disabled\")"
    above   = 0
    aligner = "ALIGN_DELTA"
    reducer = "REDUCE_SUM"
  }]
}

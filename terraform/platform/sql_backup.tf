# Starts the night's export of every database, and returns at once.

module "sql_backup" {
  source = "../modules/function"

  name        = "sql_backup"
  description = "Starts the night's export of every database, once."
  common      = local.functions
  subscriptions = {
    sql-backup = { topic = module.backup_requests.id }
    # The source was counted: its export follows.
    sql-backup-counts = { topic = module.backup_objects.id, filter = "hasPrefix(attributes.objectId, \"counts/\")" }
  }
  access = {
    publishes = { rollout_events = module.rollout_events.id }
    buckets = {
      ledger = { bucket = module.ledger.name, role = module.object_reader.id }
    }
  }
}

# Which delivery may start what is entered in the ledger; nothing else of it is for this function to write.
resource "google_storage_bucket_iam_member" "sql_backup_starts" {
  bucket = module.ledger.name
  role   = module.ledger_writer.id
  member = module.sql_backup.member

  condition {
    title      = "only starts/"
    expression = "resource.name.startsWith(\"projects/_/buckets/${module.ledger.name}/objects/starts/\")"
  }
}

# An instance has no policy of its own; the condition names those it is about.
resource "google_project_iam_member" "sql_backup" {
  for_each = local.whole.databases

  project = local.project
  role    = module.sql_exporter.id
  member  = module.sql_backup.member

  condition {
    title      = "only ${each.key}"
    expression = "resource.type == \"sqladmin.googleapis.com/Instance\" && resource.name == \"projects/${local.project}/instances/${each.key}\""
  }
}

# Lists belong to the project.
resource "google_project_iam_member" "sql_backup_reads" {
  project = local.project
  role    = module.sql_reader.id
  member  = module.sql_backup.member
}

module "backup_requests" {
  source = "../modules/topic"

  project        = local.project
  name           = "backup-requests"
  regions        = local.storage_regions
  encryption_key = local.key.automation
  publishers     = { for operator in local.whole.operators : operator => operator } # one more export, on demand
}

# One tick serves every database; each has its own schedule all the same, for they may differ.
resource "google_cloud_scheduler_job" "export" {
  for_each = local.whole.databases

  project     = local.project
  region      = local.automation
  name        = "export-${each.key}"
  description = "Asks sql_backup for the night's exports"
  schedule    = each.value.backups.export_schedule
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = module.backup_requests.id
    data       = base64encode("{}")
    attributes = { job = "export-${each.key}" }
  }

  retry_config {
    retry_count = 3
  }
}

module "export_fails" {
  source   = "../modules/alert"
  for_each = local.whole.databases

  project  = local.project
  place    = local.place
  name     = "ExportFails"
  subject  = each.key
  severity = "CRITICAL"
  channels = local.people

  thresholds = [{
    name    = "an export was given up, is late, broken or lost, or takes long to read"
    filter  = "${local._backup_news[each.key]} AND metric.labels.kind=one_of(\"export.given_up\",\"export.late\",\"export.broken\",\"export.lost\",\"export.slow\")"
    above   = 0
    aligner = "ALIGN_DELTA"
    reducer = "REDUCE_SUM"
  }]
}

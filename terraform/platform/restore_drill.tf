# Restores the newest verified export into a throw-away instance once a week, and proves what it restored.

module "restore_drill" {
  source = "../modules/function"

  name        = "restore_drill"
  description = "Restores the newest verified export for real, and proves it."
  # A copy between regions takes its time.
  common      = merge(local.functions, { alerts = merge(local.functions.alerts, { function_latency_ms_max = 540000 }) })
  seconds_max = 600
  subscriptions = {
    restore-drill-requests = { topic = module.drill_requests.id }
    restore-drill-ticks    = { topic = module.drill_ticks.id }
  }
  access = {
    publishes = { rollout_events = module.rollout_events.id }
    buckets = {
      ledger  = { bucket = module.ledger.name, role = module.ledger_writer.id }
      backups = { bucket = module.backups.name, role = module.object_reader.id }
      drills  = { bucket = module.drills.name, role = module.ledger_writer.id }
      admits  = { bucket = module.drills.name, role = module.drill_doorkeeper.id }
    }
  }
}

# What it makes, fills and deletes is called drill-…; no condition lets it near another instance.
resource "google_project_iam_member" "restore_drill" {
  for_each = { keeper = module.drill_keeper.id, restorer = module.drill_restorer.id }

  project = local.project
  role    = each.value
  member  = module.restore_drill.member

  condition {
    title      = "only drill-*"
    expression = "resource.type == \"sqladmin.googleapis.com/Instance\" && resource.name.startsWith(\"projects/${local.project}/instances/drill-\")"
  }
}

# Lists belong to the project.
resource "google_project_iam_member" "restore_drill_reads" {
  project = local.project
  role    = module.sql_reader.id
  member  = module.restore_drill.member
}

# What a throw-away instance may read and write: a copy of the export, and the answers to what it is asked. Real chats
# lie here for a day and no longer: what is deleted is gone.
module "drills" {
  source = "../modules/bucket"

  project        = local.project
  name           = local.buckets.drills
  location       = local.serving
  encryption_key = local.key.serving
  expire_days    = 1
  recoverable    = false
}

module "drill_requests" {
  source = "../modules/topic"

  project        = local.project
  name           = "drill-requests"
  regions        = local.storage_regions
  encryption_key = local.key.automation
  publishers     = { for operator in local.whole.operators : operator => operator }
}

resource "google_cloud_scheduler_job" "drill" {
  for_each = local.whole.databases

  project     = local.project
  region      = local.automation
  name        = "drill-${each.key}"
  description = "Asks restore_drill to restore the newest verified export of ${each.key}"
  schedule    = each.value.backups.drill_schedule
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = module.drill_requests.id
    data       = base64encode("{}")
    attributes = { job = "drill-${each.key}", instance = each.key }
  }

  retry_config {
    retry_count = 3
  }
}

module "drill_ticks" {
  source = "../modules/topic"

  project        = local.project
  name           = "drill-ticks"
  regions        = local.storage_regions
  encryption_key = local.key.automation
}

resource "google_cloud_scheduler_job" "drill_tick" {
  project     = local.project
  region      = local.automation
  name        = "drill-tick"
  description = "Takes every drill that runs one step on"
  schedule    = "*/5 * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = module.drill_ticks.id
    data       = base64encode("{}")
    attributes = { job = "drill-tick" }
  }

  # The next is five minutes away.
  retry_config {
    retry_count = 0
  }
}

module "drill_fails" {
  source   = "../modules/alert"
  for_each = local.whole.databases

  project  = local.project
  place    = local.place
  name     = "DrillFails"
  subject  = each.key
  severity = "CRITICAL"
  channels = local.people

  thresholds = [{
    name    = "a drill failed, is overdue, or left its instance"
    filter  = "${local._backup_news[each.key]} AND metric.labels.kind=one_of(\"drill.failed\",\"drill.missing\",\"drill.leftover\")"
    above   = 0
    aligner = "ALIGN_DELTA"
    reducer = "REDUCE_SUM"
  }]
}

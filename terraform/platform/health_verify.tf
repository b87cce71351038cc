# Measures, once a minute and whenever a revision changes. It may not write, and nobody else publishes verdicts.

module "health_verify" {
  source = "../modules/function"

  name           = "health_verify"
  description    = "Measures every service that has something to do, and publishes verdicts."
  common         = local.functions
  seconds_max    = 60
  private_egress = true # the tagged URLs answer only the load balancer and the network
  subscriptions = {
    health-verify           = { topic = module.rollout_ticks.id }
    health-verify-revisions = { topic = module.revision_changes.id }
  }
  access = {
    publishes = { verdicts = module.verdicts.id }
    buckets = {
      ledger  = { bucket = module.ledger.name, role = module.object_reader.id }
      control = { bucket = module.control.name, role = module.object_reader.id }
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "health_verify" {
  for_each = local.targets

  project  = each.value.project
  location = each.value.region
  name     = each.key
  role     = module.service_reader.id
  member   = module.health_verify.member
}

# Metrics belong to a project; there is no narrower place to grant this.
resource "google_project_iam_member" "health_verify" {
  project = local.project
  role    = module.metric_reader.id
  member  = module.health_verify.member
}

module "rollout_ticks" {
  source = "../modules/topic"

  project        = local.project
  name           = "rollout-ticks"
  regions        = local.storage_regions
  encryption_key = local.key.automation
}

resource "google_cloud_scheduler_job" "rollout_tick" {
  project     = local.project
  region      = local.automation
  name        = "rollout-tick"
  description = "Asks health_verify to look at every service"
  schedule    = "* * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = module.rollout_ticks.id
    data       = base64encode("{}") # a push without data would be answered 400 for ever
    attributes = { job = "rollout-tick" }
  }

  # A tick that comes late is worth nothing: the next is a minute away.
  retry_config {
    retry_count = 0
  }
}

# Cloud Run says in the audit log that a revision became ready or failed: worth a look before the next tick.
module "revision_changes" {
  source = "../modules/topic"

  project        = local.project
  name           = "revision-changes"
  regions        = local.storage_regions
  encryption_key = local.key.automation
  publishers     = { sink = google_logging_project_sink.revision_changes.writer_identity }
}

resource "google_logging_project_sink" "revision_changes" {
  project                = local.project
  name                   = "revision-changes"
  description            = "Revisions of the services that became ready or failed"
  destination            = "pubsub.googleapis.com/${module.revision_changes.id}"
  unique_writer_identity = true

  filter = join(" AND ", [
    "log_id(\"cloudaudit.googleapis.com/system_event\")",
    "resource.type=\"cloud_run_revision\"",
    "protoPayload.methodName=\"/InternalServices.ReplaceInternalService\"",
    "resource.labels.service_name=(${join(" OR ", [for name in sort(keys(local.whole.services)) : "\"${name}\""])})",
  ])
}

module "no_tick" {
  source = "../modules/alert"

  project  = local.project
  place    = local.place
  name     = "NoTick"
  severity = "CRITICAL"
  channels = local.people

  absences = [{
    name    = "the scheduler has sent no tick"
    filter  = "resource.type=\"pubsub_topic\" AND resource.labels.topic_id=\"${module.rollout_ticks.name}\" AND metric.type=\"pubsub.googleapis.com/topic/send_message_operation_count\""
    seconds = local.whole.alerts.tick_silence_minutes * 60
  }]
}

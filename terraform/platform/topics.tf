# The topics of the chain. Who reads each: the subscriptions of the functions named; who writes: their `publishes`.

locals {
  _registry_topics = "projects/${local.registry.project.id}/topics"

  # In the registry's project, under names that Google prescribes; bootstrap/ makes them.
  gcr          = "${local._registry_topics}/gcr"
  cloud_builds = "${local._registry_topics}/cloud-builds"
}

# From image_pushed, build_finished and whoever drops a queued request; to canary_deploy.
module "deploy_requests" {
  source = "../modules/topic"

  project        = local.project
  name           = "deploy-requests"
  regions        = local.storage_regions
  encryption_key = local.key.automation
}

# From health_verify alone; to traffic_shift and auto_rollback.
module "verdicts" {
  source = "../modules/topic"

  project        = local.project
  name           = "verdicts"
  regions        = local.storage_regions
  encryption_key = local.key.automation
}

# From Cloud Monitoring; to auto_rollback.
module "alerts" {
  source = "../modules/topic"

  project        = local.project
  name           = "alerts"
  regions        = local.storage_regions
  encryption_key = local.key.automation
}

# From people, and from the scheduler at the edges of a freeze window; to auto_rollback and rollout_command.
module "commands" {
  source = "../modules/topic"

  project        = local.project
  name           = "commands"
  regions        = local.storage_regions
  encryption_key = local.key.automation
  publishers     = { for operator in local.whole.operators : operator => operator }
}

# From every function that decides; to notify.
module "rollout_events" {
  source = "../modules/topic"

  project        = local.project
  name           = "rollout-events"
  regions        = local.storage_regions
  encryption_key = local.key.automation
}

# What is written to topics and subscriptions is in Google's audit log; publishing a message is not: Pub/Sub writes no
# Data Access entry for it. So a command's `by` is its sender's own word, and IAM alone says who could have sent it.
# https://cloud.google.com/pubsub/docs/audit-logging
resource "google_project_iam_audit_config" "pubsub" {
  project = local.project
  service = "pubsub.googleapis.com"

  audit_log_config {
    log_type = "DATA_WRITE"
  }
}

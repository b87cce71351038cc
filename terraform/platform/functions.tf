# What all functions share: where their zips lie, who builds them, and what each is told about the environment.

module "zips" {
  source = "../modules/bucket"

  project        = local.project
  name           = local.buckets.zips
  location       = local.automation
  encryption_key = local.key.automation
  expire_days    = 0 # an old zip is an old release: a destroyed one could not be deployed again
}

module "function_builds" {
  source = "../modules/function_builds"

  project        = local.project
  project_number = local.number
  region         = local.automation
  encryption_key = local.key.automation
  zips_bucket    = module.zips.name
}

locals {
  functions = {
    alerts = {
      unacked_seconds_max     = local.whole.alerts.unacked_seconds_max
      function_latency_ms_max = local.whole.alerts.function_latency_ms_max
    }
    build_account        = module.function_builds.account
    channels             = local.people
    delivery_environment = module.configuration.functions
    encryption_key       = local.key.automation
    network = {
      network    = google_compute_network.this.id
      subnetwork = google_compute_subnetwork.automation.id
    }
    place           = local.place
    project         = local.project
    project_number  = local.number
    region          = local.automation
    rejected_events = module.rejected_events.id
    repository      = module.function_builds.repository
    storage_regions = local.storage_regions
    zips            = { bucket = module.zips.name, directory = var.zips }
  }
}

locals {
  deployed = {
    image_pushed    = module.image_pushed
    build_finished  = module.build_finished
    canary_deploy   = module.canary_deploy
    health_verify   = module.health_verify
    traffic_shift   = module.traffic_shift
    auto_rollback   = module.auto_rollback
    rollout_command = module.rollout_command
    notify          = module.notify
    sql_backup      = module.sql_backup
    backup_verify   = module.backup_verify
    restore_drill   = module.restore_drill
  }
}

# A person's word that is not a rollback: pause, resume, promote, release_pin, freeze, unfreeze.

module "rollout_command" {
  source = "../modules/function"

  name        = "rollout_command"
  description = "Takes every command but rollback and abort."
  common      = local.functions
  subscriptions = {
    rollout-command = {
      topic  = module.commands.id
      filter = "NOT attributes.command = \"rollback\" AND NOT attributes.command = \"abort\""
    }
  }
  access = {
    publishes = {
      rollout_events  = module.rollout_events.id
      deploy_requests = module.deploy_requests.id
    }
    buckets = {
      ledger  = { bucket = module.ledger.name, role = module.object_reader.id }
      control = { bucket = module.control.name, role = module.freeze_keeper.id }
    }
  }
}

module "rollout_command_moves" {
  source = "../modules/service_mover"

  member   = module.rollout_command.member
  role     = module.service_mover.id
  services = local.targets
}

# The edges of a freeze window are commands like a person's.
resource "google_cloud_scheduler_job" "freeze_window" {
  for_each = merge([
    for window in local.whole.freeze_windows : {
      "${window.name}-starts" = { window = window, schedule = window.starts, command = "freeze" }
      "${window.name}-ends"   = { window = window, schedule = window.ends, command = "unfreeze" }
    }
  ]...)

  project     = local.project
  region      = local.automation
  name        = "freeze-window-${each.key}"
  description = each.value.window.why
  schedule    = each.value.schedule
  time_zone   = each.value.window.time_zone

  pubsub_target {
    topic_name = module.commands.id
    attributes = { command = each.value.command, service = "*" }
    data = base64encode(jsonencode({
      command    = each.value.command
      service    = "*"
      by         = "freeze window ${each.value.window.name}"
      why        = each.value.window.why
      request_id = "freeze-window-${each.key}"
    }))
  }

  retry_config {
    retry_count = 5
  }
}

# Puts all traffic back: on a bad verdict, an alert, or a person's word.

module "auto_rollback" {
  source = "../modules/function"

  name        = "auto_rollback"
  description = "Puts all traffic back on the last good revision."
  common      = local.functions
  subscriptions = {
    auto-rollback-verdicts = { topic = module.verdicts.id, filter = "attributes.verdict = \"unhealthy\"" }
    auto-rollback-alerts   = { topic = module.alerts.id }
    auto-rollback-commands = {
      topic  = module.commands.id
      filter = "attributes.command = \"rollback\" OR attributes.command = \"abort\""
    }
  }

  # A rollback is tried again at once, and for about an hour and a half: an outage of Cloud Run's API must not swallow it.
  retry = { backoff_seconds_min = 1, backoff_seconds_max = 60, attempts_max = 100 }
  access = {
    publishes = { rollout_events = module.rollout_events.id }
    # A verdict may find that an apply has put an old record back; the newest is in the ledger.
    buckets = { ledger = { bucket = module.ledger.name, role = module.object_reader.id } }
  }
}

module "auto_rollback_moves" {
  source = "../modules/service_mover"

  member   = module.auto_rollback.member
  role     = module.service_mover.id
  services = local.targets
}

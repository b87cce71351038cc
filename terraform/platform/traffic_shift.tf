# Moves traffic forward, or holds, on a verdict it has no say in.

module "traffic_shift" {
  source = "../modules/function"

  name        = "traffic_shift"
  description = "Moves traffic forward, or holds, on a verdict."
  common      = local.functions
  subscriptions = {
    # The complement of auto-rollback-verdicts; NOT also matches a message without the attribute.
    traffic-shift = { topic = module.verdicts.id, filter = "NOT attributes.verdict = \"unhealthy\"" }
  }
  access = {
    publishes = {
      rollout_events  = module.rollout_events.id
      deploy_requests = module.deploy_requests.id
    }
    buckets = {
      ledger  = { bucket = module.ledger.name, role = module.object_reader.id }
      control = { bucket = module.control.name, role = module.object_reader.id }
    }
  }
}

module "traffic_shift_moves" {
  source = "../modules/service_mover"

  member   = module.traffic_shift.member
  role     = module.service_mover.id
  services = local.targets
}

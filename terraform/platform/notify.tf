# Tells people, once, and writes the ledger.

module "notify" {
  source = "../modules/function"

  name          = "notify"
  description   = "Writes every announcement to the ledger and tells people."
  common        = local.functions
  subscriptions = { notify = { topic = module.rollout_events.id } }
  access = {
    buckets = {
      ledger = { bucket = module.ledger.name, role = module.ledger_writer.id }
    }
  }
}

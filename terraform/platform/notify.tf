# Tells people, once, and writes the ledger.

module "notify" {
  source = "../modules/function"

  name        = "notify"
  description = "Writes every announcement to the ledger and tells people; keeps what verdicts are made of."
  common      = local.functions
  subscriptions = {
    notify          = { topic = module.rollout_events.id }
    notify-evidence = { topic = module.verdicts.id, filter = "attributes.evidence = \"yes\"" }
  }
  access = {
    buckets = {
      ledger = { bucket = module.ledger.name, role = module.ledger_writer.id }
    }
  }
}

# The append-only record of everything, and beside it the environment's freeze, which must be replaceable.

module "ledger" {
  source = "../modules/bucket"

  project        = local.project
  name           = local.buckets.ledger
  location       = local.automation
  encryption_key = local.key.automation
  retention = {
    days   = local.whole.protection.ledger_days
    locked = local.whole.protection.ledger_locked
  }
}

module "control" {
  source = "../modules/bucket"

  project        = local.project
  name           = local.buckets.control
  location       = local.automation
  encryption_key = local.key.automation
  versioned      = true
}

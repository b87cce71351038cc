# A build ended: Cloud Build's messages become deploy requests, or reports.

module "build_finished" {
  source = "../modules/function"

  name          = "build_finished"
  description   = "Turns finished builds into deploy requests or reports."
  common        = local.functions
  subscriptions = { build-finished = { topic = local.cloud_builds } }
  access = {
    publishes = {
      deploy_requests = module.deploy_requests.id
      rollout_events  = module.rollout_events.id
    }
  }
}

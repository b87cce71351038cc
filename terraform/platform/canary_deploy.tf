# A release wants in: one write makes its revision, without traffic.

module "canary_deploy" {
  source = "../modules/function"

  name          = "canary_deploy"
  description   = "Starts the canary of a requested release."
  common        = local.functions
  subscriptions = { canary-deploy = { topic = module.deploy_requests.id } }
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

module "canary_deploy_moves" {
  source = "../modules/service_mover"

  member   = module.canary_deploy.member
  role     = module.service_mover.id
  services = local.targets
}

# Cloud Run asks whoever names an image whether they may read it.
resource "google_artifact_registry_repository_iam_member" "canary_deploy" {
  project    = local.registry.project.id
  location   = local.registry.region
  repository = local.registry.repository
  role       = "roles/artifactregistry.reader"
  member     = module.canary_deploy.member
}

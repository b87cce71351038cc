# The services that are delivered.

module "service" {
  source   = "../modules/service"
  for_each = local.whole.services

  project             = local.project
  region              = local.serving
  name                = each.key
  settings            = each.value
  deletion_protection = local.whole.protection.deletion
  encryption_key      = local.key.serving
  network = {
    network    = google_compute_network.this.id
    subnetwork = google_compute_subnetwork.serving.id
  }

  depends_on = [google_secret_manager_secret.this, google_artifact_registry_repository_iam_member.cloud_run]
}

locals {
  # What the functions that measure and move must know of each service.
  targets = { for name, service in module.service : name => service.target }
}

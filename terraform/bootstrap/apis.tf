# The Google APIs that each project uses. Taking one out of the list does not switch it off.

locals {
  registry_apis = [
    "artifactregistry.googleapis.com",
    "binaryauthorization.googleapis.com",
    "cloudbilling.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "containeranalysis.googleapis.com",
    "containerscanning.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "pubsub.googleapis.com",
    "serviceusage.googleapis.com",
    "sts.googleapis.com",
    "storage.googleapis.com",
  ]

  environment_apis = [
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudresourcemanager.googleapis.com", # rights on a whole project, and its audit log
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "containeranalysis.googleapis.com", # asked by the functions, whose project pays
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com",
    "serviceusage.googleapis.com",
    "sqladmin.googleapis.com",
    "storage.googleapis.com",
  ]
}

resource "google_project_service" "registry" {
  for_each = toset(local.registry_apis)

  project            = local.registry.project.id
  service            = each.value
  disable_on_destroy = false
}

resource "google_project_service" "environment" {
  for_each = merge([
    for name, environment in local.environments : {
      for api in local.environment_apis : "${name}/${api}" => { project = environment.project.id, api = api }
    }
  ]...)

  project            = each.value.project
  service            = each.value.api
  disable_on_destroy = false
}

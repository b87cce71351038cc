# Once, by a person who owns the four projects: what every later apply needs to exist.
# Its state is local until the bucket exists; README.md says how it moves there.

terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
    google-beta = { # only Google's own accounts are made through it
      source  = "hashicorp/google-beta"
      version = "~> 7.46"
    }
  }
}

provider "google" {
  project = local.registry.project.id
}

provider "google-beta" {
  project = local.registry.project.id
}

module "environment" {
  source   = "../modules/configuration"
  for_each = toset(["dev", "staging", "production"])

  environment = each.value
}

locals {
  environments = { for name, row in module.environment : name => row.whole }
  registry     = local.environments.dev.registry # the same for all of them, from common.yaml
  github       = local.environments.dev.github
}

# A key of our own for what all environments share, if registry.encryption_key names one.
module "encryption" {
  source = "../modules/encryption"

  project        = local.registry.project.id
  project_number = local.registry.project.number
  key            = local.registry.encryption_key
  services       = ["artifactregistry", "pubsub", "storage"]

  depends_on = [google_project_service.registry]
}

module "state" {
  source = "../modules/bucket"

  project        = local.registry.project.id
  name           = "${local.registry.project.id}-terraform-state"
  location       = local.registry.region
  encryption_key = module.encryption.key
  versioned      = true
}

module "registry" {
  source = "../modules/registry"

  project        = local.registry.project.id
  region         = local.registry.region
  name           = local.registry.repository
  encryption_key = module.encryption.key
  untagged_days  = local.registry.untagged_days
  kept_releases  = local.registry.kept_releases

  depends_on = [google_project_service.registry]
}

# Every release's own files, for the load balancers of all environments: names carry the content's hash.
module "assets" {
  source = "../modules/bucket"

  project        = local.registry.project.id
  name           = module.environment["dev"].buckets.assets
  location       = local.registry.region
  encryption_key = module.encryption.key
  unused_days    = 365 # since the last release that named it: an unchanged file outlives the release that brought it
}

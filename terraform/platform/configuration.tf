# What the environment's files say, under short names.

terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 7.46"
    }
  }
}

module "configuration" {
  source = "../modules/configuration"

  environment = var.environment
}

locals {
  whole      = module.configuration.whole
  project    = local.whole.project.id
  number     = local.whole.project.number
  serving    = local.whole.regions.serving
  automation = local.whole.regions.automation
  buckets    = module.configuration.buckets
  registry   = local.whole.registry

  # Messages may lie where they are made and where they are read.
  storage_regions = distinct([local.automation, local.serving])
}

# The production environment: everything is in the platform, and all that differs in environment.yaml.

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

  backend "gcs" {
    bucket = "pushnchat-registry-terraform-state"
    prefix = "environments/production"
  }
}

variable "zips" {
  description = "Where scripts/package_functions.py has put the functions' zips."
  type        = string
  default     = "../../../build/zips"
}

locals {
  own = yamldecode(file("${path.module}/environment.yaml"))
}

provider "google" {
  project               = local.own.project.id
  billing_project       = local.own.project.id
  user_project_override = true

  default_labels = {
    environment = "production"
    managed-by  = "terraform"
  }
}

provider "google-beta" {
  project               = local.own.project.id
  billing_project       = local.own.project.id
  user_project_override = true
}

module "platform" {
  source = "../../platform"

  environment = "production"
  zips        = var.zips
}

output "addresses" {
  description = "What the domain's A and AAAA records must say."
  value       = module.platform.addresses
}

output "configuration" {
  description = "What the environment's files say, as Terraform understands them."
  value       = module.platform.configuration
}

output "functions" {
  description = "Each function's name on Cloud Run, its account, its subscriptions and its alert."
  value       = module.platform.functions
}

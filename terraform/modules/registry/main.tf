# Where images lie: tags that never move, old images that go, every image scanned, and the topics that say what happened.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

variable "encryption_key" {
  description = "A Cloud KMS key, or \"\" for Google's."
  type        = string
}

variable "kept_releases" {
  description = "So many newest versions of each image are always kept."
  type        = number
}

variable "name" {
  description = "The repository's name."
  type        = string
}

variable "project" {
  description = "The registry's project."
  type        = string
}

variable "region" {
  description = "Its location."
  type        = string
}

variable "untagged_days" {
  description = "Untagged images are deleted after so many days."
  type        = number
}

resource "google_artifact_registry_repository" "this" {
  project       = var.project
  location      = var.region
  repository_id = var.name
  format        = "DOCKER"
  kms_key_name  = var.encryption_key == "" ? null : var.encryption_key
  description   = "Images of the services; a promotion adds a new tag to the same digest"

  docker_config {
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  cleanup_policies {
    id     = "keep-releases"
    action = "KEEP"

    most_recent_versions {
      keep_count = var.kept_releases
    }
  }

  # What is tagged is or was a release somewhere, and a rollback may need it.
  cleanup_policies {
    id     = "delete-untagged"
    action = "DELETE"

    condition {
      tag_state  = "UNTAGGED"
      older_than = "${var.untagged_days * 86400}s"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Google publishes to topics of exactly these names in the registry's project, where they exist.
module "topic" {
  source   = "../topic"
  for_each = toset(["gcr", "cloud-builds"])

  project        = var.project
  name           = each.value
  regions        = [var.region]
  encryption_key = var.encryption_key
}

output "host" {
  description = "The registry's host name."
  value       = "${var.region}-docker.pkg.dev"
}

output "path" {
  description = "What every image's name begins with."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.this.repository_id}"
}

output "repository" {
  description = "The repository's short name."
  value       = google_artifact_registry_repository.this.repository_id
}

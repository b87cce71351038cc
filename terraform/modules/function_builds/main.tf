# Who makes containers of the functions' zips, and where they are kept: an account that may read zips, write images and
# log, and nothing else.

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

variable "project" {
  description = "The project's id."
  type        = string
}

variable "project_number" {
  description = "Its number: the bucket that Cloud Functions copies zips to is named by it."
  type        = string
}

variable "region" {
  description = "Where the functions are."
  type        = string
}

variable "zips_bucket" {
  description = "Where their zips are."
  type        = string
}

resource "google_artifact_registry_repository" "this" {
  project       = var.project
  location      = var.region
  repository_id = "functions"
  format        = "DOCKER"
  description   = "What Cloud Build makes of the functions' zips"
  kms_key_name  = var.encryption_key == "" ? null : var.encryption_key

  cleanup_policies {
    id     = "keep-ten"
    action = "KEEP"

    most_recent_versions {
      keep_count = 10
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "2592000s"
    }
  }
}

resource "google_service_account" "this" {
  project      = var.project
  account_id   = "function-builds"
  display_name = "Builds the functions' containers from their zips"
}

resource "google_storage_bucket_iam_member" "reads_zips" {
  bucket = var.zips_bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.this.member
}

# Cloud Functions copies a zip into a bucket of its own, made with the first function, and builds from there. The name is
# known, the bucket is not: only the project can carry the grant.
# https://cloud.google.com/functions/docs/securing/build-custom-sa
resource "google_project_iam_member" "reads_copies" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = google_service_account.this.member

  condition {
    title      = "only gcf-v2-sources"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${var.project_number}-${var.region}\")"
  }
}

resource "google_artifact_registry_repository_iam_member" "writes_images" {
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.this.repository_id
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.this.member
}

# On the whole project, for a build's log has no narrower home.
resource "google_project_iam_member" "logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.this.member
}

output "account" {
  description = "The builds' account, once it may do what a build needs."
  value       = google_service_account.this.id
  depends_on = [
    google_artifact_registry_repository_iam_member.writes_images,
    google_project_iam_member.logs,
    google_project_iam_member.reads_copies,
    google_storage_bucket_iam_member.reads_zips,
  ]
}

output "repository" {
  description = "The id of the repository of their containers."
  value       = google_artifact_registry_repository.this.id
}

# A Cloud KMS key of our own in one region: Google's services that keep something there must be able to use it before the
# first thing is encrypted. Without a key, nothing.

terraform {
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

variable "key" {
  description = "projects/P/locations/REGION/keyRings/R/cryptoKeys/K, or \"\" for Google's own."
  type        = string
}

variable "project" {
  description = "The project whose data is encrypted."
  type        = string
}

variable "project_number" {
  description = "Its number: Google's accounts are named by it."
  type        = string
}

variable "services" {
  description = "Whose data lies in the key's region."
  type        = set(string)

  validation {
    condition = length(setsubtract(var.services, [
      "artifactregistry", "cloudfunctions", "pubsub", "run", "secretmanager", "sqladmin", "storage"
    ])) == 0
    error_message = "Only services whose account is known here."
  }
}

locals {
  services = var.key == "" ? [] : var.services

  # https://cloud.google.com/iam/docs/service-agents
  _agents = {
    artifactregistry = "gcp-sa-artifactregistry"
    cloudfunctions   = "gcf-admin-robot"
    pubsub           = "gcp-sa-pubsub"
    run              = "serverless-robot-prod"
    secretmanager    = "gcp-sa-secretmanager"
    sqladmin         = "gcp-sa-cloud-sql"
    storage          = "gs-project-accounts"
  }
}

# Google makes a service's account with its first use, and the key is needed before that: asking for it makes it.
resource "google_project_service_identity" "agent" {
  provider = google-beta
  for_each = setsubtract(local.services, ["storage"])

  project = var.project
  service = "${each.value}.googleapis.com"
}

# Cloud Storage has an older way of its own: the account is made when it is asked for.
data "google_storage_project_service_account" "agent" {
  for_each = setintersection(local.services, ["storage"])

  project = var.project
}

resource "google_kms_crypto_key_iam_member" "uses" {
  for_each = local.services

  crypto_key_id = var.key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${var.project_number}@${local._agents[each.value]}.iam.gserviceaccount.com"

  depends_on = [google_project_service_identity.agent, data.google_storage_project_service_account.agent]
}

output "key" {
  description = "The key, once it may be used."
  value       = var.key
  depends_on  = [google_kms_crypto_key_iam_member.uses]
}

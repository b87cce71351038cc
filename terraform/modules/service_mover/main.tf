# The right to move services: change each of them, and act as what it runs as, which every change of a service needs.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

variable "member" {
  description = "Who."
  type        = string
}

variable "role" {
  description = "The custom role with run.services.get and run.services.update."
  type        = string
}

variable "services" {
  description = "The services, by name: each one's project, region and the id of its account."
  type        = map(object({ project = string, region = string, account = string }))
}

resource "google_cloud_run_v2_service_iam_member" "moves" {
  for_each = var.services

  project  = each.value.project
  location = each.value.region
  name     = each.key
  role     = var.role
  member   = var.member
}

resource "google_service_account_iam_member" "acts_as" {
  for_each = var.services

  service_account_id = each.value.account
  role               = "roles/iam.serviceAccountUser"
  member             = var.member
}

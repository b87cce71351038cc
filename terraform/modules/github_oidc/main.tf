# GitHub's workflows sign in without a key: their token is exchanged for an account's, if it comes from our repository,
# by its numbers, which survive a rename and cannot be taken over.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

variable "accounts" {
  description = "Accounts to be signed in as: each one's project, what it is for, and the GitHub environment that a job must run in."
  type        = map(object({ project = string, purpose = string, environment = string }))

  validation {
    condition     = alltrue([for row in var.accounts : row.environment != ""])
    error_message = "Without a GitHub environment anybody who may push a branch could sign in."
  }
}

variable "owner_id" {
  description = "The numeric id of the repository's owner."
  type        = string
}

variable "project" {
  description = "Where the identity pool is."
  type        = string
}

variable "project_number" {
  description = "Its number."
  type        = string
}

variable "repository_id" {
  description = "The repository's numeric id."
  type        = string
}

resource "google_iam_workload_identity_pool" "github" {
  project                   = var.project
  workload_identity_pool_id = "github"
  display_name              = "GitHub Actions"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub Actions"

  # Jobs of main only, and of this repository only. A rollback is started from main too.
  attribute_condition = join(" && ", [
    "assertion.repository_owner_id == '${var.owner_id}'",
    "assertion.repository_id == '${var.repository_id}'",
    "assertion.ref == 'refs/heads/main'",
    "assertion.ref_type == 'branch'",
  ])

  attribute_mapping = {
    "google.subject"        = "assertion.sub"
    "attribute.environment" = "assertion.environment"
    "attribute.repository"  = "assertion.repository_id"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "this" {
  for_each = var.accounts

  project      = each.value.project
  account_id   = "github-${each.key}"
  display_name = each.value.purpose
}

# Which GitHub environment may be which account: its reviewers and branch rules are the gate.
resource "google_service_account_iam_member" "signs_in" {
  for_each = var.accounts

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/projects/${var.project_number}/locations/global/workloadIdentityPools/github/attribute.environment/${each.value.environment}"
}

output "members" {
  description = "Each account, as IAM names it."
  value       = { for name, account in google_service_account.this : name => account.member }
}

output "emails" {
  description = "Each account's address: GitHub's variables PUSHER, PROMOTER and OPERATOR."
  value       = { for name, account in google_service_account.this : name => account.email }
}

output "provider" {
  description = "GitHub's variable WORKLOAD_IDENTITY_PROVIDER."
  value       = "projects/${var.project_number}/locations/global/workloadIdentityPools/github/providers/github"
}

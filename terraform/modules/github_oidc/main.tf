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
  description = <<-EOT
    Accounts to be signed in as: each one's project, what it is for, and the gates a job may come through.
    A gate is "environment:NAME" (a job of main in that GitHub environment, behind its reviewers), "main" (a job of main in
    none) or "pull_request" (any job of a pull request: code that nobody has read yet).
  EOT
  type        = map(object({ project = string, purpose = string, gates = list(string) }))

  validation {
    condition     = alltrue(flatten([for row in var.accounts : [for gate in row.gates : can(regex("^(main|pull_request|environment:[a-z]+)$", gate))]]))
    error_message = "A gate is main, pull_request or environment:NAME."
  }

  validation {
    condition     = alltrue([for row in var.accounts : length(row.gates) > 0])
    error_message = "An account without a gate is signed in as by nobody."
  }

  validation {
    condition     = alltrue([for name, row in var.accounts : startswith(name, "planner-") || !contains(row.gates, "pull_request")])
    error_message = "Code that nobody has read yet may only plan."
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

  # Of this repository only: jobs of main, from where a rollback is started too, and of pull requests, which plan.
  attribute_condition = join(" && ", [
    "assertion.repository_owner_id == '${var.owner_id}'",
    "assertion.repository_id == '${var.repository_id}'",
    "(assertion.event_name == 'pull_request' || (assertion.ref == 'refs/heads/main' && assertion.ref_type == 'branch'))",
  ])

  # A pull request's job has one gate whatever environment it names, for it is code that nobody has read yet.
  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.gate"       = "assertion.event_name == 'pull_request' ? 'pull_request' : has(assertion.environment) ? 'environment:' + assertion.environment : 'main'"
    "attribute.repository" = "assertion.repository_id"
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

# Which job may be which account: an environment's reviewers and branch rules are the gate.
resource "google_service_account_iam_member" "signs_in" {
  for_each = merge([
    for name, row in var.accounts : { for gate in row.gates : "${name}/${gate}" => { account = name, gate = gate } }
  ]...)

  service_account_id = google_service_account.this[each.value.account].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/projects/${var.project_number}/locations/global/workloadIdentityPools/github/attribute.gate/${each.value.gate}"
}

output "members" {
  description = "Each account, as IAM names it."
  value       = { for name, account in google_service_account.this : name => account.member }
}

output "emails" {
  description = "Each account's address, as scripts/environments.py tells it to the workflows."
  value       = { for name, account in google_service_account.this : name => account.email }
}

output "provider" {
  description = "What exchanges GitHub's token, as scripts/environments.py tells it to the workflows."
  value       = "projects/${var.project_number}/locations/global/workloadIdentityPools/github/providers/github"
}

# A role of our own, where Google's smallest is too wide.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

variable "description" {
  description = "What its holder may do, in one sentence."
  type        = string
}

variable "id" {
  description = "The role's id."
  type        = string
}

variable "permissions" {
  description = "Every permission."
  type        = list(string)
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "title" {
  description = "How the console calls it."
  type        = string
}

resource "google_project_iam_custom_role" "this" {
  project     = var.project
  role_id     = var.id
  title       = "Delivery: ${var.title}"
  description = var.description
  permissions = var.permissions
}

output "id" {
  description = "As IAM names it, known before the role is."
  value       = "projects/${var.project}/roles/${var.id}"
  depends_on  = [google_project_iam_custom_role.this]
}

# A topic and who may publish to it. `publishers` are those that are no function of ours; a function's own rights stand
# with the function.

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
  default     = ""
}

variable "name" {
  description = "The topic's short name."
  type        = string
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "publishers" {
  description = "Principals that may publish, by a name that is known before they are."
  type        = map(string)
  default     = {}
}

variable "regions" {
  description = "Where messages may be stored."
  type        = list(string)
}

resource "google_pubsub_topic" "this" {
  project                    = var.project
  name                       = var.name
  kms_key_name               = var.encryption_key == "" ? null : var.encryption_key
  message_retention_duration = "604800s" # seven days: a subscription made anew can seek back

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.publishers

  project = var.project
  topic   = google_pubsub_topic.this.name
  role    = "roles/pubsub.publisher"
  member  = each.value
}

output "id" {
  description = "projects/P/topics/T, known before the topic is."
  value       = "projects/${var.project}/topics/${var.name}"
  depends_on  = [google_pubsub_topic.this]
}

output "name" {
  description = "The short name."
  value       = google_pubsub_topic.this.name
}

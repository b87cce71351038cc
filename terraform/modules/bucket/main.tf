# A private bucket: access by IAM alone, never public, never emptied by Terraform.

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

variable "expire_days" {
  description = "Objects are deleted after so many days; 0 keeps them."
  type        = number
  default     = 0
}

variable "location" {
  description = "A region."
  type        = string
}

variable "name" {
  description = "The bucket's name, unique in the world."
  type        = string
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "recoverable" {
  description = "Whether a deleted object can be had back for a week, as Google does unless told otherwise."
  type        = bool
  default     = true
}

variable "retention" {
  description = "No object can be changed or deleted before so many days; once locked, that cannot be shortened."
  type        = object({ days = number, locked = bool })
  default     = null
}

variable "unused_days" {
  description = "Objects are deleted so many days after their custom time, which whoever still needs them moves forward; 0 keeps them."
  type        = number
  default     = 0
}

variable "versioned" {
  description = "Whether an overwritten object can be had back for 30 days."
  type        = bool
  default     = false
}

resource "google_storage_bucket" "this" {
  project                     = var.project
  name                        = var.name
  location                    = var.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = var.versioned
  }

  dynamic "encryption" {
    for_each = var.encryption_key == "" ? [] : [var.encryption_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

  dynamic "retention_policy" {
    for_each = var.retention == null ? [] : [var.retention]
    content {
      retention_period = tostring(retention_policy.value.days * 86400)
      is_locked        = retention_policy.value.locked
    }
  }

  dynamic "soft_delete_policy" {
    for_each = var.recoverable ? [] : [0]
    content {
      retention_duration_seconds = soft_delete_policy.value
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.expire_days == 0 ? [] : [var.expire_days]
    content {
      action {
        type = "Delete"
      }
      condition {
        age = lifecycle_rule.value
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.unused_days == 0 ? [] : [var.unused_days]
    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_custom_time = lifecycle_rule.value
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.versioned ? [30] : []
    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        with_state                 = "ARCHIVED"
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

output "name" {
  description = "The bucket's name."
  value       = google_storage_bucket.this.name
}

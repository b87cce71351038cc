# A PostgreSQL instance that only the network reaches, with its own backups, and the database of the same name in it.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

variable "backup_location" {
  description = "Where its own backups lie: not where it runs."
  type        = string
}

variable "deletion_protection" {
  description = "Whether Google and Terraform refuse to delete it."
  type        = bool
}

variable "encryption_key" {
  description = "A Cloud KMS key, or \"\" for Google's."
  type        = string
}

variable "exports_bucket" {
  description = "Where it may write its exports."
  type        = string
}

variable "name" {
  description = "The instance's name."
  type        = string
}

variable "network" {
  description = "The network that reaches it; its peering with Google's services must exist."
  type        = string
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "Where it runs."
  type        = string
}

variable "settings" {
  description = "The database's row of the environment's configuration."
  type = object({
    version           = string
    tier              = string
    high_availability = bool
    disk_gib          = number
    connections_max   = number
    people            = list(string)
    maintenance       = object({ day = number, hour = number })
    backups           = object({ kept = number, point_in_time_days = number })
  })
}

locals {
  flags = {
    "cloudsql.iam_authentication" = "on" # people sign in as themselves: `people`
    "log_checkpoints"             = "on"
    "log_connections"             = "on"
    "log_disconnections"          = "on"
    "log_lock_waits"              = "on"
    "log_min_duration_statement"  = "1000"
    "log_temp_files"              = "0"
    "max_connections"             = tostring(var.settings.connections_max)
  }
}

resource "google_sql_database_instance" "this" {
  project             = var.project
  region              = var.region
  name                = var.name
  database_version    = var.settings.version
  deletion_protection = var.deletion_protection
  encryption_key_name = var.encryption_key == "" ? null : var.encryption_key

  settings {
    tier                        = var.settings.tier
    edition                     = "ENTERPRISE" # shared-core and custom machines exist in this edition alone
    availability_type           = var.settings.high_availability ? "REGIONAL" : "ZONAL"
    deletion_protection_enabled = var.deletion_protection
    disk_type                   = "PD_SSD"
    disk_size                   = var.settings.disk_gib
    disk_autoresize             = true
    retain_backups_on_delete    = true

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      location                       = var.backup_location
      start_time                     = "00:00"
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = var.settings.backups.point_in_time_days

      backup_retention_settings {
        retained_backups = var.settings.backups.kept
        retention_unit   = "COUNT"
      }
    }

    maintenance_window {
      day          = var.settings.maintenance.day
      hour         = var.settings.maintenance.hour
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      record_application_tags = true
      record_client_address   = false
    }

    dynamic "database_flags" {
      for_each = local.flags
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    prevent_destroy = true
    ignore_changes  = [settings[0].disk_size] # it grows by itself
  }
}

resource "google_sql_database" "this" {
  project         = var.project
  instance        = google_sql_database_instance.this.name
  name            = var.name
  deletion_policy = "ABANDON" # taking it out of Terraform must not drop it
}

# A person or a group, by the address and without a password; rights on tables are granted in the database.
resource "google_sql_user" "person" {
  for_each = toset(var.settings.people)

  project  = var.project
  instance = google_sql_database_instance.this.name
  name     = split(":", each.value)[1]
  type     = startswith(each.value, "group:") ? "CLOUD_IAM_GROUP" : "CLOUD_IAM_USER"
}

# An instance has no policy of its own; the condition names it.
resource "google_project_iam_member" "signs_in" {
  for_each = {
    for pair in setproduct(var.settings.people, ["roles/cloudsql.client", "roles/cloudsql.instanceUser"]) :
    "${pair[0]} ${pair[1]}" => { member = pair[0], role = pair[1] }
  }

  project = var.project
  role    = each.value.role
  member  = each.value.member

  condition {
    title      = "only ${var.name}"
    expression = "resource.type == \"sqladmin.googleapis.com/Instance\" && resource.name == \"projects/${var.project}/instances/${var.name}\""
  }
}

# An export is written by the instance's own account.
resource "google_storage_bucket_iam_member" "exports" {
  bucket = var.exports_bucket
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${google_sql_database_instance.this.service_account_email_address}"
}

output "connection_name" {
  description = "project:region:instance"
  value       = google_sql_database_instance.this.connection_name
}

output "name" {
  description = "The instance's name."
  value       = google_sql_database_instance.this.name
}

# What all functions share: where their zips lie, who builds them, and what each is told about the environment.

module "zips" {
  source = "../modules/bucket"

  project        = local.project
  name           = local.buckets.zips
  location       = local.automation
  encryption_key = local.encryption_key
  expire_days    = 0 # an old zip is an old release: a destroyed one could not be deployed again
}

resource "google_artifact_registry_repository" "functions" {
  project       = local.project
  location      = local.automation
  repository_id = "functions"
  format        = "DOCKER"
  description   = "What Cloud Build makes of the functions' zips"
  kms_key_name  = local.encryption_key == "" ? null : local.encryption_key

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

# Builds the functions, and may do nothing else.
resource "google_service_account" "function_builds" {
  project      = local.project
  account_id   = "function-builds"
  display_name = "Builds the functions' containers from their zips"
}

resource "google_storage_bucket_iam_member" "function_builds" {
  bucket = module.zips.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.function_builds.member
}

resource "google_artifact_registry_repository_iam_member" "function_builds" {
  project    = local.project
  location   = local.automation
  repository = google_artifact_registry_repository.functions.repository_id
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.function_builds.member
}

# The only role here on a whole project: a build's log has no narrower home.
resource "google_project_iam_member" "function_builds" {
  project = local.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.function_builds.member
}

locals {
  functions = {
    alerts = {
      unacked_seconds_max     = local.whole.alerts.unacked_seconds_max
      function_latency_ms_max = local.whole.alerts.function_latency_ms_max
    }
    build_account        = google_service_account.function_builds.id
    channels             = local.people
    delivery_environment = module.configuration.functions
    encryption_key       = local.encryption_key
    network = {
      network    = google_compute_network.this.id
      subnetwork = google_compute_subnetwork.automation.id
    }
    project         = local.project
    project_number  = local.number
    region          = local.automation
    rejected_events = module.rejected_events.id
    repository      = google_artifact_registry_repository.functions.id
    storage_regions = local.storage_regions
    zips            = { bucket = module.zips.name, directory = var.zips }
  }
}

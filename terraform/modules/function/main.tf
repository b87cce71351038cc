# A function: its zip, its own account, the subscriptions that push to it, and what they could not deliver.
# Deployed without an event trigger, because Terraform cannot put a dead letter on the subscription a trigger makes.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

locals {
  # Cloud Run's own name for the function; an underscore is not allowed in it.
  run_name = replace(var.name, "_", "-")

  # Cloud Run's deterministic URL, known before the function is: it is the token's audience, which the function is told.
  # https://cloud.google.com/run/docs/triggering/https-request#deterministic
  url = "https://${local.run_name}-${var.common.project_number}.${var.common.region}.run.app"

  _zips  = tolist(fileset(var.common.zips.directory, "${var.name}-*.zip"))
  zip    = length(local._zips) == 1 ? local._zips[0] : null
  pascal = join("", [for word in split("_", var.name) : title(word)])

  pubsub_agent = "serviceAccount:service-${var.common.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_service_account" "function" {
  project      = var.common.project
  account_id   = local.run_name
  display_name = "${var.name}: ${var.description}"
}

# Signs this function's pushes and no other's.
resource "google_service_account" "push" {
  project      = var.common.project
  account_id   = "push-${local.run_name}"
  display_name = "Pub/Sub's calls of ${var.name}"
}

# The name carries the content's hash: a deploy happens when something changed and only then.
resource "google_storage_bucket_object" "zip" {
  bucket = var.common.zips.bucket
  name   = coalesce(local.zip, "missing.zip")
  source = "${var.common.zips.directory}/${coalesce(local.zip, "missing.zip")}"

  lifecycle {
    precondition {
      condition     = local.zip != null
      error_message = "There must be one zip of ${var.name}, not ${length(local._zips)}; run scripts/package_functions.py --output build/zips."
    }
  }
}

resource "google_cloudfunctions2_function" "this" {
  project      = var.common.project
  location     = var.common.region
  name         = local.run_name
  description  = var.description
  kms_key_name = var.common.encryption_key == "" ? null : var.common.encryption_key

  build_config {
    runtime           = "python311"
    entry_point       = var.name
    service_account   = var.common.build_account
    docker_repository = var.common.repository

    source {
      storage_source {
        bucket = google_storage_bucket_object.zip.bucket
        object = google_storage_bucket_object.zip.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function.email
    ingress_settings                 = "ALLOW_INTERNAL_ONLY" # Pub/Sub's pushes from the same project are internal
    all_traffic_on_latest_revision   = true
    available_cpu                    = "1"
    available_memory                 = "512Mi"
    max_instance_count               = 5
    min_instance_count               = 0
    max_instance_request_concurrency = 8
    timeout_seconds                  = var.seconds_max
    direct_vpc_egress                = var.private_egress ? "VPC_EGRESS_ALL_TRAFFIC" : null

    environment_variables = {
      DELIVERY_ENVIRONMENT = var.common.delivery_environment
      LOG_EXECUTION_ID     = "true"
      PUSH_AUDIENCE        = local.url
      PUSH_CALLER          = google_service_account.push.email
      THREADS              = "8" # as many as requests at a time, or they queue inside the container
    }

    dynamic "direct_vpc_network_interface" {
      for_each = var.private_egress ? [var.common.network] : []
      content {
        network    = direct_vpc_network_interface.value.network
        subnetwork = direct_vpc_network_interface.value.subnetwork
      }
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "push" {
  project  = var.common.project
  location = var.common.region
  name     = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = merge(var.access.publishes, { rejected_events = var.common.rejected_events })

  project = var.common.project
  topic   = each.value
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function.member
}

resource "google_storage_bucket_iam_member" "uses" {
  for_each = var.access.buckets

  bucket = each.value.bucket
  role   = each.value.role
  member = google_service_account.function.member
}

# A Cloud Run service whose image, traffic and revisions belong to the rollout, and whose shape belongs to Terraform.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to destroy it."
  type        = bool
}

variable "encryption_key" {
  description = "A Cloud KMS key, or \"\" for Google's."
  type        = string
}

variable "name" {
  description = "The service's name."
  type        = string
}

variable "network" {
  description = "Where its own calls leave from."
  type        = object({ network = string, subnetwork = string })
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "Where it serves."
  type        = string
}

variable "settings" {
  description = "The service's row of the environment's configuration."
  type = object({
    kind                = string
    port                = number
    cpu                 = string
    memory_mib          = number
    concurrency         = number
    request_seconds_max = number
    scaling             = object({ instances_min = number, instances_max = number })
    health              = object({ startup_path = string, startup_seconds_max = number, liveness_path = string })
    variables           = map(string)
    secrets             = map(object({ secret = string, version = string }))
  })
}

locals {
  _startup_period = 2
}

resource "google_service_account" "this" {
  project      = var.project
  account_id   = "service-${var.name}"
  display_name = "What ${var.name} runs as"
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = toset([for row in var.settings.secrets : row.secret])

  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}

resource "google_cloud_run_v2_service" "this" {
  project              = var.project
  location             = var.region
  name                 = var.name
  deletion_protection  = var.deletion_protection
  ingress              = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  invoker_iam_disabled = true  # users carry no Google identity; ingress keeps everybody but the load balancer out
  default_uri_disabled = false # the canary is probed through its tagged URL, from inside the network

  # Of the service and not of the revision: shared out by traffic, so that two revisions do not cost twice.
  scaling {
    min_instance_count = var.settings.scaling.instances_min
  }

  template {
    service_account                  = google_service_account.this.email
    timeout                          = "${var.settings.request_seconds_max}s"
    max_instance_request_concurrency = var.settings.concurrency
    session_affinity                 = false # it overrides the traffic split
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    encryption_key                   = var.encryption_key == "" ? null : var.encryption_key

    scaling {
      max_instance_count = var.settings.scaling.instances_max
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = var.network.network
        subnetwork = var.network.subnetwork
      }
    }

    containers {
      # Until the first rollout; from then on the image is the rollout's.
      image = "us-docker.pkg.dev/cloudrun/container/hello"

      ports {
        container_port = var.settings.port
      }

      resources {
        cpu_idle          = true
        startup_cpu_boost = true
        limits = {
          cpu    = var.settings.cpu
          memory = "${var.settings.memory_mib}Mi"
        }
      }

      startup_probe {
        period_seconds    = local._startup_period
        timeout_seconds   = local._startup_period
        failure_threshold = ceil(var.settings.health.startup_seconds_max / local._startup_period)

        http_get {
          path = var.settings.health.startup_path
        }
      }

      liveness_probe {
        period_seconds    = 10
        timeout_seconds   = 4
        failure_threshold = 3

        http_get {
          path = var.settings.health.liveness_path
        }
      }

      dynamic "env" {
        for_each = var.settings.variables
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.settings.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value.secret
              version = env.value.version
            }
          }
        }
      }
    }
  }

  lifecycle {
    # What a rollout writes. Ignored values are read at plan and written at apply: apply inside a freeze.
    # `revision` stays empty, so that a changed setting makes a revision, which gets no traffic without a rollout.
    ignore_changes = [
      annotations["delivery.pushnchat.dev/rollout"],
      client,
      client_version,
      template[0].annotations["delivery.pushnchat.dev/rollout-id"],
      template[0].containers[0].image,
      template[0].revision,
      traffic,
    ]
  }

  depends_on = [google_secret_manager_secret_iam_member.reads]
}

output "account" {
  description = "The id of what it runs as."
  value       = google_service_account.this.name
}

output "member" {
  description = "What it runs as, as IAM names it."
  value       = google_service_account.this.member
}

output "name" {
  description = "Its name."
  value       = google_cloud_run_v2_service.this.name
}

output "target" {
  description = "What a mover must know of it."
  value = {
    project = var.project
    region  = var.region
    account = google_service_account.this.name
  }
}

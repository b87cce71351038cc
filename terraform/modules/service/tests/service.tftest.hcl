# The shape is Terraform's; image, traffic and revisions are the rollout's.

mock_provider "google" {
  override_during = plan
}

variables {
  name                = "backend"
  project             = "project"
  region              = "africa-south1"
  deletion_protection = true
  encryption_key      = ""
  network             = { network = "network", subnetwork = "subnetwork" }

  settings = {
    kind                = "backend"
    port                = 8080
    cpu                 = "1"
    memory_mib          = 512
    concurrency         = 250
    request_seconds_max = 3600
    scaling             = { instances_min = 0, instances_max = 3 }
    health              = { startup_path = "/health/ready", startup_seconds_max = 61, liveness_path = "/health/live" }
    variables           = { COLOUR = "blue" }
    secrets             = { DATABASE_URL = { secret = "backend-database-url", version = "1" } }
  }
}

run "only_the_load_balancer_reaches_it" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.this.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    error_message = "The service must not answer the internet directly."
  }

  assert {
    condition     = google_cloud_run_v2_service.this.invoker_iam_disabled && !google_cloud_run_v2_service.this.default_uri_disabled
    error_message = "Users have no Google identity, and the canary is probed through its tagged URL."
  }
}

run "a_rollout_can_split_its_traffic" {
  command = plan

  assert {
    condition     = !google_cloud_run_v2_service.this.template[0].session_affinity
    error_message = "Session affinity overrides the split."
  }

  assert {
    condition     = google_cloud_run_v2_service.this.template[0].revision == null || !can(regex("^backend-", google_cloud_run_v2_service.this.template[0].revision))
    error_message = "A named revision collides with the next change."
  }
}

run "it_starts_fast_and_within_its_time" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.this.template[0].containers[0].resources[0].startup_cpu_boost
    error_message = "A cold start gets more CPU."
  }

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].failure_threshold *
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].period_seconds
    ) == 62
    error_message = "The probe waits as long as configured, rounded up to its period."
  }
}

run "a_secret_is_a_reference_that_only_this_service_may_read" {
  command = plan

  assert {
    condition = alltrue([
      for row in google_cloud_run_v2_service.this.template[0].containers[0].env :
      row.value_source[0].secret_key_ref[0].version == "1" if row.name == "DATABASE_URL"
    ])
    error_message = "By name and version."
  }

  assert {
    condition     = keys(google_secret_manager_secret_iam_member.reads) == ["backend-database-url"]
    error_message = "Each secret it names, and no other."
  }
}

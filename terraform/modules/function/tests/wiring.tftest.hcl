# Whatever a function is given, its deliveries are retried, kept and signed.

mock_provider "google" {
  override_during = plan

  mock_resource "google_service_account" {
    defaults = {
      email  = "made-up@project.iam.gserviceaccount.com"
      member = "serviceAccount:made-up@project.iam.gserviceaccount.com"
    }
  }
}

variables {
  name        = "auto_rollback"
  description = "Puts all traffic back."

  subscriptions = {
    auto-rollback-alerts   = { topic = "projects/project/topics/alerts" }
    auto-rollback-verdicts = { topic = "projects/project/topics/verdicts", filter = "attributes.verdict = \"unhealthy\"" }
  }

  common = {
    alerts               = { unacked_seconds_max = 600, function_latency_ms_max = 20000 }
    build_account        = "projects/project/serviceAccounts/builds"
    channels             = ["projects/project/notificationChannels/1"]
    delivery_environment = "{}"
    encryption_key       = ""
    network              = { network = "network", subnetwork = "subnetwork" }
    project              = "project"
    place                = { environment = "dev", serving = "africa-south1", automation = "europe-west1" }
    project_number       = "123456789012"
    region               = "europe-west1"
    rejected_events      = "projects/project/topics/rejected-events"
    repository           = "projects/project/locations/europe-west1/repositories/functions"
    storage_regions      = ["europe-west1"]
    zips                 = { bucket = "zips", directory = "tests/zips" }
  }
}

run "every_subscription_is_retried_kept_and_signed" {
  command = plan

  assert {
    condition     = length(google_pubsub_subscription.push) == 2
    error_message = "One push subscription each."
  }

  assert {
    condition = alltrue([
      for row in google_pubsub_subscription.push :
      row.retry_policy[0].minimum_backoff == "10s" && row.retry_policy[0].maximum_backoff == "600s"
    ])
    error_message = "Without a retry policy Pub/Sub tries again at once, for ever."
  }

  assert {
    condition = alltrue([
      for name, row in google_pubsub_subscription.push :
      row.dead_letter_policy[0].dead_letter_topic == google_pubsub_subscription.dead_letters[name].topic
    ])
    error_message = "What lands in a dead letter topic without a subscription is lost."
  }

  assert {
    condition = alltrue([
      for row in google_pubsub_subscription.push :
      row.push_config[0].oidc_token[0].audience == google_cloudfunctions2_function.this.service_config[0].environment_variables.PUSH_AUDIENCE
    ])
    error_message = "The function refuses a token that was made for another."
  }

  assert {
    condition = alltrue([
      for row in concat(values(google_pubsub_subscription.push), values(google_pubsub_subscription.dead_letters)) :
      row.expiration_policy[0].ttl == ""
    ])
    error_message = "A quiet subscription must not expire."
  }

  assert {
    condition     = google_cloudfunctions2_function.this.name == "auto-rollback"
    error_message = "Cloud Run takes no underscores."
  }
}

run "it_is_called_by_its_own_pushes_alone" {
  command = plan

  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"
    error_message = "Nobody outside calls a function."
  }

  assert {
    condition     = google_cloud_run_v2_service_iam_member.push.role == "roles/run.invoker"
    error_message = "The push account invokes."
  }

  assert {
    condition     = length(google_cloudfunctions2_function.this.event_trigger) == 0
    error_message = "A trigger's own subscription has no dead letter."
  }
}

run "a_missing_zip_says_how_to_make_it" {
  command = plan

  variables {
    name = "notify"
  }

  expect_failures = [google_storage_bucket_object.zip]
}

run "too_few_attempts_are_refused" {
  command = plan

  variables {
    retry = { attempts_max = 1 }
  }

  expect_failures = [var.retry]
}

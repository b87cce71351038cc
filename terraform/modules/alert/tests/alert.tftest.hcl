# An alert is its runbook.

mock_provider "google" {}

variables {
  project  = "project"
  name     = "NoTick"
  severity = "CRITICAL"
  place    = { environment = "moon", serving = "europe-west1", automation = "moon-west1" }
  channels = ["projects/project/notificationChannels/1"]
  absences = [{ name = "silence", filter = "resource.type=\"pubsub_topic\"", seconds = 300 }]
}

run "it_carries_the_whole_runbook" {
  command = plan

  assert {
    condition     = startswith(google_monitoring_alert_policy.this.documentation[0].content, "# NoTick\n\n```sh\nexport PROJECT=project REGION=moon-west1\n")
    error_message = "The page brings its runbook, with the project and the region that it is about."
  }

  assert {
    condition     = google_monitoring_alert_policy.this.display_name == "NoTick"
    error_message = "It is called as the runbook is."
  }
}

run "one_runbook_may_serve_several_of_a_kind" {
  command = plan

  variables {
    name    = "DatabaseDown"
    subject = "chat"
  }

  assert {
    condition     = google_monitoring_alert_policy.this.display_name == "DatabaseDown: chat"
    error_message = "The subject tells them apart."
  }
}

run "a_burn_rate_takes_no_aggregation" {
  command = plan

  variables {
    name       = "BudgetBurnsFast"
    absences   = []
    combiner   = "AND"
    burn_rates = [{ name = "an hour", slo = "projects/p/services/s/serviceLevelObjectives/o", seconds = 3600, above = 14.4 }]
  }

  assert {
    condition     = google_monitoring_alert_policy.this.conditions[0].condition_threshold[0].filter == "select_slo_burn_rate(\"projects/p/services/s/serviceLevelObjectives/o\", \"3600s\")"
    error_message = "The selector names the objective and the window."
  }

  assert {
    condition     = length(google_monitoring_alert_policy.this.conditions[0].condition_threshold[0].aggregations) == 0
    error_message = "Google refuses one beside the selector."
  }
}

run "a_name_that_can_be_no_runbook_is_refused" {
  command = plan

  variables {
    name = "no-tick"
  }

  expect_failures = [var.name]
}

run "missing_data_takes_a_duration" {
  command = plan

  variables {
    thresholds = [{ name = "none", filter = "x", below = 1, missing = "EVALUATION_MISSING_DATA_ACTIVE" }]
  }

  expect_failures = [var.thresholds]
}

run "a_threshold_has_one_side" {
  command = plan

  variables {
    thresholds = [{ name = "both", filter = "x", above = 1, below = 1 }]
  }

  expect_failures = [var.thresholds]
}

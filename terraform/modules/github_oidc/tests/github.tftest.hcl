# Nobody signs in but a job of our repository, on main, in the environment the account is for.

mock_provider "google" {}

variables {
  project        = "registry"
  project_number = "123456789012"
  owner_id       = "2"
  repository_id  = "1"
  accounts = {
    pusher = { project = "registry", purpose = "Pushes images", environment = "dev" }
  }
}

run "the_numbers_and_the_branch_are_pinned" {
  command = plan

  assert {
    condition = google_iam_workload_identity_pool_provider.github.attribute_condition == join(" && ", [
      "assertion.repository_owner_id == '2'",
      "assertion.repository_id == '1'",
      "assertion.ref == 'refs/heads/main'",
      "assertion.ref_type == 'branch'",
    ])
    error_message = "Every part must hold."
  }
}

run "an_account_is_for_one_environment" {
  command = plan

  assert {
    condition     = endswith(google_service_account_iam_member.signs_in["pusher"].member, "/attribute.environment/dev")
    error_message = "The GitHub environment is the gate."
  }
}

run "an_account_without_a_gate_is_refused" {
  command = plan

  variables {
    accounts = { pusher = { project = "registry", purpose = "Pushes images", environment = "" } }
  }

  expect_failures = [var.accounts]
}

# Nobody signs in but a job of our repository, through a gate that the account is for.

mock_provider "google" {}

variables {
  project        = "registry"
  project_number = "123456789012"
  owner_id       = "2"
  repository_id  = "1"
  accounts = {
    pusher      = { project = "registry", purpose = "Pushes images", gates = ["main"] }
    planner-dev = { project = "dev", purpose = "Plans", gates = ["pull_request", "main"] }
  }
}

run "the_numbers_and_the_branch_are_pinned" {
  command = plan

  assert {
    condition = google_iam_workload_identity_pool_provider.github.attribute_condition == join(" && ", [
      "assertion.repository_owner_id == '2'",
      "assertion.repository_id == '1'",
      "(assertion.event_name == 'pull_request' || (assertion.ref == 'refs/heads/main' && assertion.ref_type == 'branch'))",
    ])
    error_message = "Every part must hold."
  }
}

run "an_account_is_behind_its_gates" {
  command = plan

  assert {
    condition = { for key, row in google_service_account_iam_member.signs_in : key => split("/attribute.gate/", row.member)[1] } == {
      "pusher/main"              = "main"
      "planner-dev/main"         = "main"
      "planner-dev/pull_request" = "pull_request"
    }
    error_message = "The gate is what a job cannot choose for itself."
  }
}

run "an_account_without_a_gate_is_refused" {
  command = plan

  variables {
    accounts = { pusher = { project = "registry", purpose = "Pushes images", gates = [] } }
  }

  expect_failures = [var.accounts]
}

run "a_gate_that_does_not_exist_is_refused" {
  command = plan

  variables {
    accounts = { pusher = { project = "registry", purpose = "Pushes images", gates = ["environment:"] } }
  }

  expect_failures = [var.accounts]
}

run "a_pull_request_may_only_plan" {
  command = plan

  variables {
    accounts = { deployer-dev = { project = "dev", purpose = "Applies", gates = ["pull_request"] } }
  }

  expect_failures = [var.accounts]
}

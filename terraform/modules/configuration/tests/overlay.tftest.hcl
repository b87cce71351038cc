# The environment's own file is laid over the common one, key by key; no provider is asked.

variables {
  environment = "production"
}

run "what_only_one_file_says_is_there" {
  command = plan

  assert {
    condition     = output.whole.name == "production" && output.whole.registry.repository == "apps"
    error_message = "One field from each file."
  }
}

run "mappings_merge_at_every_depth" {
  command = plan

  assert {
    condition     = output.whole.services.backend.scaling == { instances_min = 1, instances_max = 40 }
    error_message = "instances_min and instances_max come from the environment."
  }

  assert {
    condition     = output.whole.databases.chat.backups.verified_age_hours_max == 36 && output.whole.databases.chat.backups.kept == 30
    error_message = "Four keys deep, one from each file."
  }
}

run "a_secret_keeps_its_name_beside_its_version" {
  command = plan

  assert {
    condition     = keys(output.whole.services.backend.secrets.DATABASE_URL) == ["secret", "version"]
    error_message = "Five keys deep."
  }
}

run "lists_are_replaced" {
  command = plan

  assert {
    condition     = length(output.whole.freeze_windows) == 1
    error_message = "The common file has none, production one."
  }
}

run "the_functions_get_their_part_and_no_more" {
  command = plan

  assert {
    condition     = toset(keys(jsondecode(output.functions))) == toset(["name", "project", "region", "ledger_bucket", "control_bucket", "services", "backups"])
    error_message = "Their loader refuses a field it does not know."
  }

  assert {
    condition = alltrue([
      for service in values(jsondecode(output.functions).services) :
      length(setsubtract(keys(service), ["image", "deploy_tags", "deploys_on", "probe_paths", "probe_expects", "connectivity", "assets_bucket", "supply", "strategy", "database", "backup_age_max_seconds"])) == 0
    ])
    error_message = "Their loader refuses a field it does not know."
  }
}

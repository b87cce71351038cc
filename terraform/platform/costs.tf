# What is spent: a budget that mails, and logs that end.

resource "google_billing_budget" "this" {
  billing_account = local.whole.costs.billing_account
  display_name    = "PushNchat ${local.whole.name}"

  budget_filter {
    projects        = ["projects/${local.number}"]
    calendar_period = "MONTH"
  }

  amount {
    specified_amount {
      currency_code = local.whole.costs.currency
      units         = tostring(local.whole.costs.monthly_budget)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  all_updates_rule {
    monitoring_notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]
    disable_default_iam_recipients   = false
  }
}

resource "google_logging_project_bucket_config" "default" {
  project        = local.project
  location       = "global"
  bucket_id      = "_Default"
  retention_days = local.whole.costs.log_days
}

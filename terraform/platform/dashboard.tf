# One page that answers: is it healthy, what is being deployed, what did the last rollouts do, are backups fresh.

locals {
  _services  = sort(keys(local.whole.services))
  _databases = sort(keys(local.whole.databases))
  _functions = join(",", [for function in values(local.deployed) : "\"${function.name}\""])

  _of_functions     = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=one_of(${local._functions})"
  _of_subscriptions = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription"
  _of_databases     = "resource.type=\"cloudsql_database\" AND metric.type=\"cloudsql.googleapis.com/database"
  _news             = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user"
  _day_seconds      = 86400

  _console = "https://console.cloud.google.com"
  _links = {
    "Services"          = "${local._console}/run?project=${local.project}"
    "Objectives"        = "${local._console}/monitoring/services?project=${local.project}"
    "Alerts"            = "${local._console}/monitoring/alerting?project=${local.project}"
    "Errors"            = "${local._console}/errors?project=${local.project}"
    "Logs of decisions" = "${local._console}/logs/query;query=${urlencode("resource.labels.service_name=\"${module.notify.name}\"")}?project=${local.project}"
    "Ledger"            = "${local._console}/storage/browser/${local.buckets.ledger}?project=${local.project}"
    "Backups"           = "${local._console}/storage/browser/${local.buckets.backups}?project=${local.project}"
    "Runbooks"          = "https://github.com/${local.whole.github.repository}/tree/main/docs/runbooks"
  }

  _now = [
    {
      height = 5
      tiles = [{
        title = "Where to look next"
        text  = join(" · ", [for name, address in local._links : "[${name}](${address})"])
      }]
    },
    {
      tiles = [
        { title = "Open alerts; each carries its runbook", incidents = true },
        {
          title = "The last rollouts, in words"
          logs  = "${google_logging_metric.announcements.filter} AND NOT jsonPayload.service=\"backups\""
        },
        { title = "The last exports and drills, in words", logs = google_logging_metric.backups.filter },
      ]
    },
    {
      tiles = [for key in sort(keys(local.objectives)) : {
        title  = "${google_monitoring_slo.this[key].display_name}, error budget left"
        number = { red_below = 0 }
        series = { filter = "select_slo_budget_fraction(\"${local._slos[key]}\")", aligner = "ALIGN_NEXT_OLDER", seconds = 3600 }
      }]
    },
    {
      tiles = [for key in sort(keys(local.objectives)) : {
        title  = "${google_monitoring_slo.this[key].display_name}, share of good requests"
        series = { filter = "select_slo_compliance(\"${local._slos[key]}\")", aligner = "ALIGN_MEAN", seconds = 3600 }
      }]
    },
    {
      tiles = [for name, check in google_monitoring_uptime_check_config.front_door : {
        title = "${name}: share of checks from outside that pass"
        series = {
          filter  = local._checks[name]
          aligner = "ALIGN_FRACTION_TRUE"
          reducer = "REDUCE_MEAN"
          groups  = ["metric.label.checker_location"]
          seconds = 300
        }
      }]
    },
  ]

  _of_services = flatten([for name in local._services : [
    {
      tiles = [
        {
          title  = "${name}: requests by answer"
          plot   = "STACKED_AREA"
          series = { filter = local._requests[name], aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", groups = ["metric.label.response_code_class"] }
        },
        {
          title  = "${name}: requests by revision (a rollout is the second colour)"
          plot   = "STACKED_AREA"
          series = { filter = local._requests[name], aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", groups = ["resource.label.revision_name"] }
        },
      ]
    },
    {
      tiles = [
        {
          title  = "${name}: 95th percentile of latency by revision, sockets left out, ms"
          series = { filter = local._latencies[name], aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", groups = ["resource.label.revision_name"] }
        },
        {
          title = "${name}: instances by revision"
          series = {
            filter  = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${name}\" AND metric.type=\"run.googleapis.com/container/instance_count\""
            aligner = "ALIGN_MAX"
            reducer = "REDUCE_SUM"
            groups  = ["resource.label.revision_name"]
          }
        },
      ]
    },
  ]])

  _of_deliveries = [
    {
      tiles = [
        {
          title = "What rollouts told"
          plot  = "STACKED_BAR"
          series = {
            filter  = "${local._news}/${google_logging_metric.announcements.name}\" AND metric.labels.service!=\"backups\""
            aligner = "ALIGN_DELTA"
            reducer = "REDUCE_SUM"
            groups  = ["metric.label.service", "metric.label.kind"]
            seconds = 3600
          }
        },
        {
          title = "Functions: dead letters that wait"
          series = {
            filter  = "${local._of_subscriptions}/num_undelivered_messages\" AND resource.labels.subscription_id=ends_with(\"-dead-letters\")"
            aligner = "ALIGN_MAX"
            reducer = "REDUCE_MAX"
            groups  = ["resource.label.subscription_id"]
          }
        },
        {
          title = "Functions: age of the oldest message not taken, s"
          series = {
            filter  = "${local._of_subscriptions}/oldest_unacked_message_age\""
            aligner = "ALIGN_MAX"
            reducer = "REDUCE_MAX"
            groups  = ["resource.label.subscription_id"]
          }
        },
      ]
    },
    {
      tiles = [
        {
          title = "Functions: answers that ask for the message again or crash"
          plot  = "STACKED_BAR"
          series = {
            filter  = "${local._of_functions} AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
            aligner = "ALIGN_DELTA"
            reducer = "REDUCE_SUM"
            groups  = ["resource.label.service_name", "metric.label.response_code"]
            seconds = 300
          }
        },
        {
          title = "Functions: 99th percentile of latency, ms"
          series = {
            filter  = "${local._of_functions} AND metric.type=\"run.googleapis.com/request_latencies\""
            aligner = "ALIGN_PERCENTILE_99"
            reducer = "REDUCE_MAX"
            groups  = ["resource.label.service_name"]
            seconds = 300
          }
        },
      ]
    },
  ]

  _of_data = [for row in [
    {
      tiles = [
        {
          title = "Exports to rely on, verified or accepted, a day (no bar: none)"
          plot  = "STACKED_BAR"
          series = {
            filter  = "${local._news}/${google_logging_metric.backups.name}\" AND ${local._reliable}"
            aligner = "ALIGN_DELTA"
            reducer = "REDUCE_SUM"
            groups  = ["metric.label.instance"]
            seconds = local._day_seconds
          }
        },
        {
          title = "Restore drills a day, by outcome"
          plot  = "STACKED_BAR"
          series = {
            filter  = "${local._news}/${google_logging_metric.backups.name}\" AND metric.labels.kind=starts_with(\"drill.\")"
            aligner = "ALIGN_DELTA"
            reducer = "REDUCE_SUM"
            groups  = ["metric.label.instance", "metric.label.kind"]
            seconds = local._day_seconds
          }
        },
      ]
    },
    {
      tiles = [
        {
          title  = "Databases: CPU"
          series = { filter = "${local._of_databases}/cpu/utilization\"", aligner = "ALIGN_MEAN", reducer = "REDUCE_MAX", groups = ["resource.label.database_id"] }
        },
        {
          title  = "Databases: disk"
          series = { filter = "${local._of_databases}/disk/utilization\"", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", groups = ["resource.label.database_id"], seconds = 3600 }
        },
        {
          title  = "Databases: connections"
          series = { filter = "${local._of_databases}/postgresql/num_backends\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", groups = ["resource.label.database_id"] }
        },
      ]
    },
  ] : row if length(local._databases) > 0]
}

module "dashboard" {
  source = "../modules/dashboard"

  project = local.project
  name    = "PushNchat ${local.whole.name}"
  rows    = concat(local._now, local._of_services, local._of_deliveries, local._of_data)
}

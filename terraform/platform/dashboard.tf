# One page that answers: is it healthy, what is being deployed, what did the last rollouts do, are backups fresh.

locals {
  _services   = sort(keys(local.whole.services))
  _width      = 48
  _row_height = 14

  # Every chart: its title, its series, how each is aligned and reduced, and what tells the lines apart.
  _charts = concat(
    [for name in local._services : {
      title   = "${name}: requests by answer"
      filter  = local._requests[name]
      aligner = "ALIGN_RATE"
      reducer = "REDUCE_SUM"
      groups  = ["metric.label.response_code_class"]
      plot    = "STACKED_AREA"
    }],
    [for name in local._services : {
      title   = "${name}: requests by revision (a rollout is the second colour)"
      filter  = local._requests[name]
      aligner = "ALIGN_RATE"
      reducer = "REDUCE_SUM"
      groups  = ["resource.label.revision_name"]
      plot    = "STACKED_AREA"
    }],
    [for name in local._services : {
      title   = "${name}: 95th percentile of latency by revision, ms"
      filter  = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${name}\" AND metric.type=\"run.googleapis.com/request_latencies\""
      aligner = "ALIGN_PERCENTILE_95"
      reducer = "REDUCE_MAX"
      groups  = ["resource.label.revision_name"]
      plot    = "LINE"
    }],
    [for name in local._services : {
      title   = "${name}: instances by revision"
      filter  = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${name}\" AND metric.type=\"run.googleapis.com/container/instance_count\""
      aligner = "ALIGN_MAX"
      reducer = "REDUCE_SUM"
      groups  = ["resource.label.revision_name"]
      plot    = "LINE"
    }],
    [
      {
        title   = "What rollouts told"
        filter  = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.announcements.name}\""
        aligner = "ALIGN_DELTA"
        reducer = "REDUCE_SUM"
        groups  = ["metric.label.service", "metric.label.kind"]
        plot    = "STACKED_BAR"
      },
      {
        title   = "Verified backups (a day without a bar is a day without one)"
        filter  = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.backups.name}\" AND metric.labels.kind=\"export.verified\""
        aligner = "ALIGN_DELTA"
        reducer = "REDUCE_SUM"
        groups  = ["metric.label.service"]
        plot    = "STACKED_BAR"
      },
      {
        title   = "Functions: age of the oldest message not taken, s"
        filter  = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
        aligner = "ALIGN_MAX"
        reducer = "REDUCE_MAX"
        groups  = ["resource.label.subscription_id"]
        plot    = "LINE"
      },
      {
        title   = "Databases: connections"
        filter  = "resource.type=\"cloudsql_database\" AND metric.type=\"cloudsql.googleapis.com/database/postgresql/num_backends\""
        aligner = "ALIGN_MAX"
        reducer = "REDUCE_MAX"
        groups  = ["resource.label.database_id"]
        plot    = "LINE"
      },
    ],
  )

  _tiles = [for index, chart in local._charts : {
    xPos   = (index % 2) * local._width / 2
    yPos   = (1 + floor(index / 2)) * local._row_height
    width  = local._width / 2
    height = local._row_height

    widget = {
      title = chart.title
      xyChart = {
        dataSets = [{
          plotType = chart.plot
          timeSeriesQuery = {
            timeSeriesFilter = {
              filter = chart.filter
              aggregation = {
                alignmentPeriod    = "60s"
                perSeriesAligner   = chart.aligner
                crossSeriesReducer = chart.reducer
                groupByFields      = chart.groups
              }
            }
          }
        }]
      }
    }
  }]

  _open_alerts = {
    xPos   = 0
    yPos   = 0
    width  = local._width / 2
    height = local._row_height
    widget = {
      title        = "Open alerts; each carries its runbook"
      incidentList = {}
    }
  }

  _last_words = {
    xPos   = local._width / 2
    yPos   = 0
    width  = local._width / 2
    height = local._row_height
    widget = {
      title = "The last rollouts, in words"
      logsPanel = {
        filter        = google_logging_metric.announcements.filter
        resourceNames = ["projects/${local.project}"]
      }
    }
  }
}

resource "google_monitoring_dashboard" "this" {
  project = local.project

  dashboard_json = jsonencode({
    displayName = "PushNchat ${local.whole.name}"
    mosaicLayout = {
      columns = local._width
      tiles   = concat([local._open_alerts, local._last_words], local._tiles)
    }
  })
}

# What users may expect of each service, and how fast the rest may be spent.
# The windows and rates are those of the SRE Workbook, chapter 5: a page for 2 % of the budget in an hour or 5 % in six,
# a ticket for 10 % in three days; a short window beside each long one closes the alert soon after the harm ends.

locals {
  _requests = {
    for name, service in local.whole.services :
    name => "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${name}\" AND metric.type=\"run.googleapis.com/request_count\""
  }

  # A WebSocket counts as a request of class 1xx that lasted as long as it was open, up to an hour: neither its length nor
  # its number says anything about answers.
  _answered = "metric.labels.response_code_class!=\"1xx\""
  _answers  = { for name, filter in local._requests : name => "${filter} AND ${local._answered}" }
  _latencies = {
    for name, filter in local._answers : name => replace(filter, "/request_count", "/request_latencies")
  }

  objectives = merge([
    for name, service in local.whole.services : {
      "${name}-availability" = { service = name, kind = "availability" }
      "${name}-latency"      = { service = name, kind = "latency" }
    }
  ]...)
}

resource "google_monitoring_custom_service" "this" {
  for_each = local.whole.services

  project      = local.project
  service_id   = each.key
  display_name = each.key
}

resource "google_monitoring_slo" "this" {
  for_each = local.objectives

  project             = local.project
  service             = google_monitoring_custom_service.this[each.value.service].service_id
  slo_id              = each.value.kind
  display_name        = "${each.value.service}: ${each.value.kind}"
  rolling_period_days = 28

  goal = (
    each.value.kind == "availability"
    ? local.whole.services[each.value.service].objective.availability_percent / 100
    : local.whole.services[each.value.service].objective.latency_percent / 100
  )

  request_based_sli {
    dynamic "good_total_ratio" {
      for_each = each.value.kind == "availability" ? [1] : []
      content {
        bad_service_filter   = "${local._answers[each.value.service]} AND metric.labels.response_code_class=\"5xx\""
        total_service_filter = local._answers[each.value.service]
      }
    }

    dynamic "distribution_cut" {
      for_each = each.value.kind == "latency" ? [1] : []
      content {
        distribution_filter = local._latencies[each.value.service]

        range {
          max = local.whole.services[each.value.service].objective.latency_ms
        }
      }
    }
  }
}

locals {
  _slos = {
    for name, row in local.objectives :
    name => "projects/${local.project}/services/${row.service}/serviceLevelObjectives/${row.kind}"
  }
}

module "budget_burns_fast" {
  source   = "../modules/alert"
  for_each = local.objectives

  project  = local.project
  place    = local.place
  name     = "BudgetBurnsFast"
  subject  = google_monitoring_slo.this[each.key].display_name
  severity = "CRITICAL"
  channels = local.people
  combiner = "AND"

  burn_rates = [
    { name = "over an hour", slo = local._slos[each.key], seconds = 3600, above = 14.4 },
    { name = "and now", slo = local._slos[each.key], seconds = 300, above = 14.4 },
  ]
}

module "budget_burns_steadily" {
  source   = "../modules/alert"
  for_each = local.objectives

  project  = local.project
  place    = local.place
  name     = "BudgetBurnsSteadily"
  subject  = google_monitoring_slo.this[each.key].display_name
  severity = "CRITICAL"
  channels = local.people
  combiner = "AND"

  burn_rates = [
    { name = "over six hours", slo = local._slos[each.key], seconds = 21600, above = 6 },
    { name = "and now", slo = local._slos[each.key], seconds = 1800, above = 6 },
  ]
}

module "budget_burns_slowly" {
  source   = "../modules/alert"
  for_each = local.objectives

  project  = local.project
  place    = local.place
  name     = "BudgetBurnsSlowly"
  subject  = google_monitoring_slo.this[each.key].display_name
  severity = "WARNING"
  channels = local.people
  combiner = "AND"

  burn_rates = [
    { name = "over three days", slo = local._slos[each.key], seconds = 259200, above = 1 },
    { name = "and now", slo = local._slos[each.key], seconds = 21600, above = 1 },
  ]
}

# Asked from outside, through the load balancer, on a path of each service. Checkers in Europe are the nearest there are
# to Africa.
resource "google_monitoring_uptime_check_config" "front_door" {
  for_each = local.whole.services

  project          = local.project
  display_name     = "${local.whole.domain}${each.value.uptime_path}"
  timeout          = "10s"
  period           = "60s"
  selected_regions = ["EUROPE", "ASIA_PACIFIC", "USA_VIRGINIA"]

  http_check {
    path         = each.value.uptime_path
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = local.project
      host       = local.whole.domain
    }
  }
}

locals {
  _checks = {
    for name, check in google_monitoring_uptime_check_config.front_door :
    name => "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${check.uptime_check_id}\""
  }
}

module "site_unreachable" {
  source   = "../modules/alert"
  for_each = local.whole.services

  project  = local.project
  place    = local.place
  name     = "SiteUnreachable"
  subject  = each.key
  severity = "CRITICAL"
  channels = local.people

  thresholds = [{
    name      = "two regions of checkers get no answer"
    filter    = local._checks[each.key]
    above     = 1
    seconds   = 60
    alignment = 120
    aligner   = "ALIGN_NEXT_OLDER"
    reducer   = "REDUCE_COUNT_FALSE"
    group_by  = ["resource.label.host"]
  }]
}

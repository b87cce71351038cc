# What rollouts tell, as metrics, and the alerts on them.

# Every announcement, by kind and service: "rollout.advanced", "rollout.rolled_back", "export.verified" …
resource "google_logging_metric" "announcements" {
  project     = local.project
  name        = "delivery/announcements"
  description = "What notify told people, by kind and service"
  filter = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=\"${module.notify.name}\"",
    "jsonPayload.event=~\"^(rollout|service|traffic|environment|build|export|backup|drill)\\.\"",
  ])

  label_extractors = {
    kind    = "EXTRACT(jsonPayload.event)"
    service = "EXTRACT(jsonPayload.service)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key         = "kind"
      value_type  = "STRING"
      description = "The announcement's kind"
    }

    labels {
      key         = "service"
      value_type  = "STRING"
      description = "The service it is about"
    }
  }
}

# Announcements that ask for a person, by service.
resource "google_logging_metric" "pages" {
  project     = local.project
  name        = "delivery/pages"
  description = "Announcements of notify that ask for a person"
  filter = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=\"${module.notify.name}\"",
    "severity=CRITICAL",
    "jsonPayload.rollout:*",
    "NOT jsonPayload.service=\"backups\"", # they have alerts of their own
  ])

  label_extractors = {
    service = "EXTRACT(jsonPayload.service)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key         = "service"
      value_type  = "STRING"
      description = "The service it is about"
    }
  }
}

module "rollout_needs_person" {
  source = "../modules/alert"

  project  = local.project
  place    = local.place
  name     = "RolloutNeedsPerson"
  severity = "CRITICAL"
  channels = local.people

  thresholds = [{
    name     = "an announcement asks for a person"
    filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.pages.name}\""
    above    = 0
    aligner  = "ALIGN_DELTA"
    reducer  = "REDUCE_SUM"
    group_by = ["metric.label.service"]
  }]
}

# The emergency brake beside the judge: grossly more errors on one revision. auto_rollback acts on it only where that
# revision is in a rollout; each incident names its service and its revision.
module "revision_fails" {
  source   = "../modules/alert"
  for_each = local.whole.services

  project  = local.project
  place    = local.place
  name     = "RevisionFails"
  subject  = each.key
  severity = "CRITICAL"
  channels = local.people_and_rollback
  labels   = { rollback = "true" }
  combiner = "AND_WITH_MATCHING_RESOURCE"

  thresholds = [
    {
      name        = "share of server errors"
      filter      = "${local._answers[each.key]} AND metric.labels.response_code_class=\"5xx\""
      denominator = local._answers[each.key]
      above       = local.whole.alerts.canary_error_percent / 100
      alignment   = 300
      aligner     = "ALIGN_DELTA"
      reducer     = "REDUCE_SUM"
      group_by    = ["resource.label.service_name", "resource.label.revision_name"]
    },
    {
      name      = "more than a handful"
      filter    = "${local._answers[each.key]} AND metric.labels.response_code_class=\"5xx\""
      above     = 10
      alignment = 300
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      group_by  = ["resource.label.service_name", "resource.label.revision_name"]
    },
  ]
}

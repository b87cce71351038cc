# An alert policy whose name is a runbook's file name. The runbook itself is its documentation: it arrives with the page,
# and without the file nothing can be planned.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

variable "absences" {
  description = "Opens when the series brings nothing for so long."
  type = list(object({
    name     = string
    filter   = string
    seconds  = number
    group_by = optional(list(string), [])
  }))
  default = []
}

variable "burn_rates" {
  description = "Opens when an objective's error budget burns `above` times too fast, looking so many seconds back."
  type = list(object({
    name    = string
    slo     = string
    seconds = number
    above   = number
  }))
  default = []
}

variable "channels" {
  description = "Who is told: ids of notification channels."
  type        = list(string)
}

variable "combiner" {
  description = "OR: any condition opens it; AND: all at once; AND_WITH_MATCHING_RESOURCE: all, for the same resource."
  type        = string
  default     = "OR"

  validation {
    condition     = contains(["OR", "AND", "AND_WITH_MATCHING_RESOURCE"], var.combiner)
    error_message = "OR, AND or AND_WITH_MATCHING_RESOURCE."
  }
}

variable "labels" {
  description = "User labels; rollback=\"true\" lets auto_rollback act on an incident."
  type        = map(string)
  default     = {}
}

variable "name" {
  description = "The runbook's file name without its end: AutoRollbackFailing."
  type        = string

  validation {
    condition     = can(regex("^([A-Z][a-z0-9]+)+$", var.name))
    error_message = "An alert is called as its runbook's file: words with capitals, run together."
  }
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "place" {
  description = "The environment and its regions: runbooks are written for production, and a page's commands must be its own."
  type        = object({ environment = string, serving = string, automation = string })
}

variable "severity" {
  description = "CRITICAL wakes somebody, WARNING waits for the morning."
  type        = string

  validation {
    condition     = contains(["CRITICAL", "WARNING"], var.severity)
    error_message = "CRITICAL or WARNING."
  }
}

variable "subject" {
  description = "What it is about, where one runbook serves several of a kind."
  type        = string
  default     = ""
}

variable "thresholds" {
  description = "Opens when the aligned series is above `above` (below `below`) for so long. `missing`: what no data counts as, EVALUATION_MISSING_DATA_ACTIVE or _INACTIVE."
  type = list(object({
    name        = string
    filter      = string
    above       = optional(number)
    below       = optional(number)
    seconds     = optional(number, 0)
    alignment   = optional(number, 60)
    aligner     = optional(string, "ALIGN_MAX")
    reducer     = optional(string, "REDUCE_MAX")
    group_by    = optional(list(string), [])
    denominator = optional(string, "")
    missing     = optional(string)
  }))
  default = []

  validation {
    condition     = alltrue([for row in var.thresholds : (row.above == null) != (row.below == null)])
    error_message = "Each threshold has either `above` or `below`."
  }

  validation {
    condition     = alltrue([for row in var.thresholds : row.missing == null || row.seconds >= 60])
    error_message = "Google takes `missing` only beside a duration of a minute at least."
  }
}

locals {
  _runbook = file("${path.module}/../../../docs/runbooks/${var.name}.md")

  # In two steps, for one environment's serving region may be called as the runbook calls the other.
  _marked = replace(replace(local._runbook, "africa-south1", "<serving>"), "europe-west1", "<automation>")
  _placed = replace(replace(local._marked, "<serving>", var.place.serving), "<automation>", var.place.automation)
  runbook = replace(
    replace(local._placed, "pushnchat-production", var.project), "environments/production", "environments/${var.place.environment}"
  )
}

resource "google_monitoring_alert_policy" "this" {
  project               = var.project
  display_name          = var.subject == "" ? var.name : "${var.name}: ${var.subject}"
  combiner              = var.combiner
  severity              = var.severity
  notification_channels = var.channels
  user_labels           = merge({ runbook = lower(var.name) }, var.labels)

  documentation {
    mime_type = "text/markdown"
    subject   = var.subject == "" ? var.name : "${var.name}: ${var.subject}"
    content   = local.runbook
  }

  alert_strategy {
    auto_close = "604800s"
  }

  dynamic "conditions" {
    for_each = var.thresholds
    content {
      display_name = conditions.value.name

      condition_threshold {
        filter                  = conditions.value.filter
        comparison              = conditions.value.above == null ? "COMPARISON_LT" : "COMPARISON_GT"
        threshold_value         = conditions.value.above == null ? conditions.value.below : conditions.value.above
        duration                = "${conditions.value.seconds}s"
        denominator_filter      = conditions.value.denominator == "" ? null : conditions.value.denominator
        evaluation_missing_data = conditions.value.missing

        aggregations {
          alignment_period     = "${conditions.value.alignment}s"
          per_series_aligner   = conditions.value.aligner
          cross_series_reducer = conditions.value.reducer
          group_by_fields      = conditions.value.group_by
        }

        dynamic "denominator_aggregations" {
          for_each = conditions.value.denominator == "" ? [] : [conditions.value]
          content {
            alignment_period     = "${denominator_aggregations.value.alignment}s"
            per_series_aligner   = denominator_aggregations.value.aligner
            cross_series_reducer = denominator_aggregations.value.reducer
            group_by_fields      = denominator_aggregations.value.group_by
          }
        }

        trigger {
          count = 1
        }
      }
    }
  }

  dynamic "conditions" {
    for_each = var.burn_rates
    content {
      display_name = conditions.value.name

      # The selector computes the rate; such a condition takes no aggregation.
      condition_threshold {
        filter          = "select_slo_burn_rate(\"${conditions.value.slo}\", \"${conditions.value.seconds}s\")"
        comparison      = "COMPARISON_GT"
        threshold_value = conditions.value.above
        duration        = "0s"

        trigger {
          count = 1
        }
      }
    }
  }

  dynamic "conditions" {
    for_each = var.absences
    content {
      display_name = conditions.value.name

      condition_absent {
        filter   = conditions.value.filter
        duration = "${conditions.value.seconds}s"

        aggregations {
          alignment_period     = "60s"
          per_series_aligner   = "ALIGN_DELTA"
          cross_series_reducer = "REDUCE_SUM"
          group_by_fields      = conditions.value.group_by
        }

        trigger {
          count = 1
        }
      }
    }
  }
}

output "policy" {
  description = "The policy's name as Monitoring gives it."
  value       = google_monitoring_alert_policy.this.name
}

output "name" {
  description = "The runbook it leads to."
  value       = var.name
}

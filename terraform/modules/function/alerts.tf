# One alert per function, named after it; its runbook says what is lost while it fails.

locals {
  _subscriptions = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id="
  _answers       = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${local.run_name}\""
  _pushes        = join(",", [for name in sort(keys(var.subscriptions)) : "\"${name}\""])
  _dead          = join(",", [for name in sort(keys(var.subscriptions)) : "\"${name}-dead-letters\""])
}

module "failing" {
  source = "../alert"

  project  = var.common.project
  place    = var.common.place
  name     = "${local.pascal}Failing"
  severity = "CRITICAL"
  channels = var.common.channels

  thresholds = [
    {
      name     = "dead letters wait"
      filter   = "${local._subscriptions}one_of(${local._dead}) AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      above    = 0
      group_by = ["resource.label.subscription_id"]
    },
    {
      name     = "the oldest message is not taken"
      filter   = "${local._subscriptions}one_of(${local._pushes}) AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      above    = var.common.alerts.unacked_seconds_max
      seconds  = 60
      group_by = ["resource.label.subscription_id"]
    },
    # 500 is our bug, 504 a message that takes longer than it may. Not 503: that is how a function asks for the message
    # again, after a lost race or while an API is away; what stays away is seen by the oldest message's age.
    {
      name      = "it crashes or runs out of time"
      filter    = "${local._answers} AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code=one_of(\"500\",\"504\")"
      above     = 2
      alignment = 600
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
    },
    {
      name      = "it is slow"
      filter    = "${local._answers} AND metric.type=\"run.googleapis.com/request_latencies\""
      above     = var.common.alerts.function_latency_ms_max
      alignment = 600
      aligner   = "ALIGN_PERCENTILE_99"
      seconds   = 600
    },
  ]
}

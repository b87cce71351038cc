# Messages nobody can ever use: acked, and kept here with the reason. RejectedEvents opens at the first.

module "rejected_events" {
  source = "../modules/topic"

  project        = local.project
  name           = "rejected-events"
  regions        = local.storage_regions
  encryption_key = local.key.automation
}

resource "google_pubsub_subscription" "rejected_events" {
  project                    = local.project
  name                       = "rejected-events"
  topic                      = module.rejected_events.id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"

  expiration_policy {
    ttl = ""
  }
}

module "rejected_events_alert" {
  source = "../modules/alert"

  project  = local.project
  place    = local.place
  name     = "RejectedEvents"
  severity = "WARNING"
  channels = local.people

  thresholds = [{
    name   = "a message was rejected"
    filter = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.rejected_events.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
    above  = 0
  }]
}

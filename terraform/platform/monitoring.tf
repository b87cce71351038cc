# Who is told. Pages go to people; a policy labelled rollback="true" goes to the alerts topic as well.

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(local.whole.channels.emails)

  project      = local.project
  display_name = each.value
  type         = "email"
  labels       = { email_address = each.value }
}

resource "google_monitoring_notification_channel" "chat" {
  for_each = toset(local.whole.channels.chat_spaces)

  project      = local.project
  display_name = each.value
  type         = "google_chat"
  labels       = { space = each.value }
}

resource "google_monitoring_notification_channel" "auto_rollback" {
  project      = local.project
  display_name = "auto_rollback"
  type         = "pubsub"
  labels       = { topic = module.alerts.id }
}

# Monitoring's own account is made with the first such channel.
resource "google_pubsub_topic_iam_member" "monitoring" {
  project = local.project
  topic   = module.alerts.name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:service-${local.number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"

  depends_on = [google_monitoring_notification_channel.auto_rollback]
}

locals {
  place = { environment = local.whole.name, serving = local.serving, automation = local.automation }

  people = concat(
    [for channel in google_monitoring_notification_channel.email : channel.id],
    [for channel in google_monitoring_notification_channel.chat : channel.id],
  )
  people_and_rollback = concat(local.people, [google_monitoring_notification_channel.auto_rollback.id])
}

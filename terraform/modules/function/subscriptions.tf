# A retry policy, a dead letter topic and the subscription that keeps what lands there are part of every subscription.

resource "google_pubsub_subscription" "push" {
  for_each = var.subscriptions

  project                    = var.common.project
  name                       = each.key
  topic                      = each.value.topic
  filter                     = each.value.filter == "" ? null : each.value.filter
  ack_deadline_seconds       = var.seconds_max
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = "${local.url}/${each.value.topic}"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.url
    }
  }

  retry_policy {
    minimum_backoff = "${var.retry.backoff_seconds_min}s"
    maximum_backoff = "${var.retry.backoff_seconds_max}s"
  }

  dead_letter_policy {
    dead_letter_topic     = module.dead_letters[each.key].id
    max_delivery_attempts = var.retry.attempts_max
  }

  expiration_policy {
    ttl = "" # never: a quiet subscription is not an abandoned one
  }
}

module "dead_letters" {
  source   = "../topic"
  for_each = var.subscriptions

  project        = var.common.project
  name           = "${each.key}-dead-letters"
  regions        = var.common.storage_regions
  encryption_key = var.common.encryption_key
  publishers     = { pubsub = local.pubsub_agent }
}

# Without a subscription a dead letter topic loses what it gets.
resource "google_pubsub_subscription" "dead_letters" {
  for_each = var.subscriptions

  project                    = var.common.project
  name                       = "${each.key}-dead-letters"
  topic                      = module.dead_letters[each.key].id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s" # 31 days, the most there is
  retain_acked_messages      = false

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub acks what it moves to the dead letters.
resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each = var.subscriptions

  project      = var.common.project
  subscription = google_pubsub_subscription.push[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# links: what pollers publish, one message a URL. events: every article and every other fate, for consumers who want
# them as they come. dead-letters: what nobody will try again, as it stood on the topic of links.
resource "google_pubsub_topic" "this" {
  provider                   = google-beta
  for_each                   = toset(["links", "events", "dead-letters"])
  name                       = "${var.name}-${each.value}"
  labels                     = local.labels
  message_retention_duration = "604800s"

  depends_on = [google_project_service.this]
}

resource "google_pubsub_subscription" "links" {
  provider                   = google-beta
  name                       = "${var.name}-links"
  topic                      = google_pubsub_topic.this["links"].id
  labels                     = local.labels
  ack_deadline_seconds       = 600
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # The job sends what fails to the dead letters itself and acknowledges it. This is for a message that even that
  # cannot stop, so the limit is the highest: Dataflow hands messages back also for reasons of its own.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.this["dead-letters"].id
    max_delivery_attempts = 100
  }
}

# Keeps dead letters until somebody has looked: docs/operations.md says how to read and replay them.
resource "google_pubsub_subscription" "dead_letters" {
  provider                   = google-beta
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.this["dead-letters"].id
  labels                     = local.labels
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself moves messages to the dead letters: publish there, acknowledge here.
resource "google_pubsub_topic_iam_member" "agent" {
  provider = google-beta
  topic    = google_pubsub_topic.this["dead-letters"].id
  role     = "roles/pubsub.publisher"
  member   = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "agent" {
  provider     = google-beta
  subscription = google_pubsub_subscription.links.id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

resource "google_pubsub_topic_iam_member" "consumers" {
  provider = google-beta
  for_each = toset(var.consumers)
  topic    = google_pubsub_topic.this["events"].id
  role     = "roles/pubsub.subscriber"
  member   = each.value
}

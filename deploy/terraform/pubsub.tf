# links: what the poller publishes, one message per URL. events: every article and other outcome, for consumers that want
# them as they happen. dead-letters: messages that nobody will retry, with the body that they had on the links topic.
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

  # The job itself publishes failures to the dead letters and acknowledges them. This policy is for messages that the job
  # never acknowledges. The limit is the highest allowed, because Dataflow also returns messages for reasons of its own.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.this["dead-letters"].id
    max_delivery_attempts = 100
  }
}

# Keeps dead letters for seven days. docs/operations.md says how to read and replay them.
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

# Pub/Sub's own agent moves messages to the dead letters: it needs to publish there and acknowledge here.
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

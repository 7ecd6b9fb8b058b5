# Two service accounts, each with only the permissions that its process needs.
resource "google_service_account" "poller" {
  provider     = google-beta
  account_id   = "${var.name}-poller"
  display_name = "newsbeam: polls feeds, publishes URLs"
}

resource "google_service_account" "job" {
  provider     = google-beta
  account_id   = "${var.name}-job"
  display_name = "newsbeam: fetches articles, writes rows"
}

locals {
  poller = "serviceAccount:${google_service_account.poller.email}"
  job    = "serviceAccount:${google_service_account.job.email}"
}

resource "google_pubsub_topic_iam_member" "poller" {
  provider = google-beta
  topic    = google_pubsub_topic.this["links"].id
  role     = "roles/pubsub.publisher"
  member   = local.poller
}

resource "google_secret_manager_secret_iam_member" "ledger" {
  provider  = google-beta
  for_each  = { poller = local.poller, job = local.job }
  secret_id = google_secret_manager_secret.ledger.id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value
}

resource "google_storage_bucket_iam_member" "poller" {
  provider = google-beta
  bucket   = google_storage_bucket.this.name
  role     = "roles/storage.objectViewer"
  member   = local.poller

  condition {
    title      = "the list of feeds"
    expression = "resource.name.startsWith('projects/_/buckets/${google_storage_bucket.this.name}/objects/feeds/') || resource.type == 'storage.googleapis.com/Bucket'"
  }
}

resource "google_storage_bucket_iam_member" "job" {
  provider = google-beta
  bucket   = google_storage_bucket.this.name
  role     = "roles/storage.objectAdmin"
  member   = local.job
}

resource "google_project_iam_member" "job" {
  provider = google-beta
  for_each = toset(["roles/dataflow.worker", "roles/bigquery.jobUser", "roles/monitoring.metricWriter"])
  project  = var.project
  role     = each.value
  member   = local.job
}

# viewer, because Beam looks up the subscription before it reads from it
resource "google_pubsub_subscription_iam_member" "job" {
  provider     = google-beta
  for_each     = toset(["roles/pubsub.subscriber", "roles/pubsub.viewer"])
  subscription = google_pubsub_subscription.links.id
  role         = each.value
  member       = local.job
}

resource "google_pubsub_topic_iam_member" "job" {
  provider = google-beta
  for_each = toset(["events", "dead-letters"])
  topic    = google_pubsub_topic.this[each.value].id
  role     = "roles/pubsub.publisher"
  member   = local.job
}

resource "google_bigquery_dataset_iam_member" "job" {
  provider   = google-beta
  dataset_id = google_bigquery_dataset.this.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = local.job
}

resource "google_artifact_registry_repository_iam_member" "job" {
  provider   = google-beta
  repository = google_artifact_registry_repository.images.repository_id
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = local.job
}

resource "google_bigquery_dataset_iam_member" "consumers" {
  provider   = google-beta
  for_each   = toset(var.consumers)
  dataset_id = google_bigquery_dataset.this.dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.value
}

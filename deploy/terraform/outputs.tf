output "repository" {
  description = "Repository to push images to, as REPOSITORY/newsbeam:TAG."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "dataset" {
  description = "BigQuery dataset, for consumers."
  value       = "${var.project}.${google_bigquery_dataset.this.dataset_id}"
}

output "links_topic" {
  description = "Topic to publish URLs to, for `newsbeam publish --topic`."
  value       = google_pubsub_topic.this["links"].id
}

output "events_topic" {
  description = "Topic of events, one per article or other outcome."
  value       = google_pubsub_topic.this["events"].id
}

output "dead_letters_subscription" {
  description = "Subscription to the dead letters."
  value       = google_pubsub_subscription.dead_letters.id
}

output "job_id" {
  description = "ID of the Dataflow job, for gcloud dataflow jobs show."
  value       = google_dataflow_flex_template_job.this.job_id
}

output "template" {
  description = "Path of the Flex Template's specification, for gcloud dataflow flex-template run."
  value       = google_dataflow_flex_template_job.this.container_spec_gcs_path
}

output "ledger_secret" {
  description = "Version of the secret that holds the database URL of the ledger."
  value       = google_secret_manager_secret_version.ledger.name
}

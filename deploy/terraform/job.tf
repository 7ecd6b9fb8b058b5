# What `gcloud dataflow flex-template build` would write: the image and the metadata of its parameters. A new image or
# parameter makes a new file, which updates the job.
locals {
  template = jsonencode({
    image    = var.dataflow_image
    sdkInfo  = { language = "PYTHON" }
    metadata = jsondecode(file("${path.module}/../dataflow/metadata.json"))
  })
}

resource "google_storage_bucket_object" "template" {
  provider     = google-beta
  bucket       = google_storage_bucket.this.name
  name         = "templates/newsbeam-${substr(md5(local.template), 0, 12)}.json"
  content      = local.template
  content_type = "application/json"
}

resource "google_dataflow_flex_template_job" "this" {
  provider                = google-beta
  name                    = var.name
  region                  = var.region
  container_spec_gcs_path = "gs://${google_storage_bucket.this.name}/${google_storage_bucket_object.template.name}"
  labels                  = merge(local.labels, { version = replace(lower(local.image_version), "/[^a-z0-9_-]/", "-") })

  # finish the work in progress before the job ends
  on_delete = "drain"

  parameters = {
    source             = "pubsub:${google_pubsub_subscription.links.id}"
    sink               = "bigquery:${var.project}.${google_bigquery_dataset.this.dataset_id}"
    ledger             = google_secret_manager_secret_version.ledger.name
    dead_letter_topic  = google_pubsub_topic.this["dead-letters"].id
    output_topic       = google_pubsub_topic.this["events"].id
    bigquery_method    = var.bigquery_method
    bigquery_frequency = tostring(var.bigquery_frequency)
    host_delay         = tostring(var.host_delay)
    host_concurrency   = tostring(var.host_concurrency)
  }

  sdk_container_image     = var.dataflow_image
  service_account_email   = google_service_account.job.email
  network                 = google_compute_network.this.name
  subnetwork              = "regions/${var.region}/subnetworks/${google_compute_subnetwork.this.name}"
  staging_location        = "gs://${google_storage_bucket.this.name}/staging"
  temp_location           = "gs://${google_storage_bucket.this.name}/temp"
  enable_streaming_engine = true
  autoscaling_algorithm   = "THROUGHPUT_BASED"
  machine_type            = var.machine_type
  num_workers             = 1
  max_workers             = var.max_workers
  launcher_machine_type   = "n2-standard-2"
  # Rows are keyed and the views show the newest, so duplicates are harmless and the cheaper at-least-once mode is enough.
  # FILE_LOADS keeps state that needs exactly-once mode.
  additional_experiments = var.bigquery_method == "FILE_LOADS" ? ["use_runner_v2"] : ["use_runner_v2", "streaming_mode_at_least_once"]

  lifecycle {
    # the service changes it while the job runs
    ignore_changes = [num_workers]
  }

  depends_on = [
    google_project_iam_member.job,
    google_pubsub_subscription_iam_member.job,
    google_pubsub_topic_iam_member.job,
    google_bigquery_dataset_iam_member.job,
    google_bigquery_table.tables,
    google_storage_bucket_iam_member.job,
    google_artifact_registry_repository_iam_member.job,
    google_secret_manager_secret_iam_member.ledger,
  ]
}

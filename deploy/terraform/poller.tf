# The poller runs all the time and answers no requests, so it is a Cloud Run worker pool: CPU always on, a fixed number of
# instances. Pollers share the feeds by leases in the ledger: several are safe, one is enough.
resource "google_storage_bucket_object" "feeds" {
  provider = google-beta
  bucket   = google_storage_bucket.this.name
  name     = "feeds/${basename(var.feeds_file)}"
  source   = var.feeds_file
}

resource "google_cloud_run_v2_worker_pool" "poller" {
  provider            = google-beta
  name                = "${var.name}-poller"
  location            = var.region
  description         = "Polls feeds into the ledger and publishes new URLs."
  labels              = local.labels
  deletion_protection = false
  launch_stage        = "GA"

  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = 1
  }

  template {
    service_account = google_service_account.poller.email
    # a changed list of feeds makes a new revision, which reads it
    annotations = { "newsbeam/feeds" = filemd5(var.feeds_file) }

    containers {
      image = var.image
      args = [
        "poll", "/config/${google_storage_bucket_object.feeds.name}",
        "--topic", google_pubsub_topic.this["links"].id,
        "--host-delay", tostring(var.host_delay),
        "--host-concurrency", tostring(var.host_concurrency),
      ]

      env {
        name  = "NEWSBEAM_CONTACT"
        value = var.contact
      }

      env {
        name = "NEWSBEAM_DB"
        value_source {
          secret_key_ref {
            secret  = google_secret_manager_secret.ledger.secret_id
            version = google_secret_manager_secret_version.ledger.version
          }
        }
      }

      resources {
        limits = { cpu = "1", memory = "1Gi" }
      }

      volume_mounts {
        name       = "config"
        mount_path = "/config"
      }
    }

    volumes {
      name = "config"
      gcs {
        bucket    = google_storage_bucket.this.name
        read_only = true
      }
    }

    # the database is reached through the network, feeds directly
    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = google_compute_network.this.name
        subnetwork = google_compute_subnetwork.this.name
      }
    }
  }

  depends_on = [
    google_secret_manager_secret_iam_member.ledger,
    google_storage_bucket_iam_member.poller,
    google_pubsub_topic_iam_member.poller,
  ]
}

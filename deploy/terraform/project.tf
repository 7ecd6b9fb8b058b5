data "google_project" "this" {
  provider   = google-beta
  project_id = var.project
}

locals {
  services = [
    "artifactregistry", "bigquery", "compute", "dataflow", "logging", "monitoring", "pubsub", "run", "secretmanager",
    "servicenetworking", "sqladmin", "storage",
  ]
  labels        = { app = var.name }
  pubsub_agent  = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  bucket        = "${var.project}-${var.name}"
  image_version = regex("[^:/]+$", var.dataflow_image)
}

resource "google_project_service" "this" {
  provider           = google-beta
  for_each           = toset(local.services)
  service            = "${each.value}.googleapis.com"
  disable_on_destroy = false
}

# Images of the poller and the job. Apply this first (-target), push the images, then apply the rest.
resource "google_artifact_registry_repository" "images" {
  provider      = google-beta
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images of newsbeam."
  labels        = local.labels

  docker_config {
    immutable_tags = true
  }

  depends_on = [google_project_service.this]
}

# Staging and temporary files of the job, the template's specification and the list of feeds.
resource "google_storage_bucket" "this" {
  provider                    = google-beta
  name                        = local.bucket
  location                    = var.location
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 14
      matches_prefix = ["temp/", "staging/"]
    }
  }

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  depends_on = [google_project_service.this]
}

resource "google_compute_network" "this" {
  provider                = google-beta
  name                    = var.name
  auto_create_subnetworks = false

  depends_on = [google_project_service.this]
}

# Workers fetch from the web with external addresses of their own, since a NAT is billed by the byte. Without ingress rules
# nothing can connect to them; the only rule, below, is for the workers themselves.
resource "google_compute_subnetwork" "this" {
  provider                 = google-beta
  name                     = var.name
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = "10.20.0.0/20"
  private_ip_google_access = true
}

resource "google_compute_firewall" "workers" {
  provider    = google-beta
  name        = "${var.name}-workers"
  network     = google_compute_network.this.id
  description = "Lets the workers of a Dataflow job reach one another."
  direction   = "INGRESS"
  source_tags = ["dataflow"]
  target_tags = ["dataflow"]

  allow {
    protocol = "tcp"
    ports    = ["12345-12346"]
  }
}

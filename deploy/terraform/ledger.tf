# The poller's ledger: PostgreSQL, reachable only from the network of this installation.
resource "google_compute_global_address" "database" {
  provider      = google-beta
  name          = "${var.name}-database"
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "database" {
  provider                = google-beta
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.database.name]
}

resource "google_sql_database_instance" "ledger" {
  provider            = google-beta
  name                = var.name
  region              = var.region
  database_version    = "POSTGRES_16"
  deletion_protection = var.protect

  settings {
    tier                  = var.database_tier
    edition               = "ENTERPRISE"
    disk_autoresize       = true
    user_labels           = local.labels
    availability_type     = "ZONAL"
    disk_type             = "PD_SSD"
    activation_policy     = "ALWAYS"
    connector_enforcement = "NOT_REQUIRED"

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.this.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }

    insights_config {
      query_insights_enabled = true
    }
  }

  depends_on = [google_service_networking_connection.database]
}

resource "google_sql_database" "ledger" {
  provider = google-beta
  name     = "newsbeam"
  instance = google_sql_database_instance.ledger.name
}

resource "random_password" "ledger" {
  length  = 40
  special = false
}

resource "google_sql_user" "ledger" {
  provider = google-beta
  name     = "newsbeam"
  instance = google_sql_database_instance.ledger.name
  password = random_password.ledger.result
}

# The database URL with its password, as NEWSBEAM_DB and --ledger take it.
resource "google_secret_manager_secret" "ledger" {
  provider  = google-beta
  secret_id = "${var.name}-ledger"
  labels    = local.labels

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_version" "ledger" {
  provider = google-beta
  secret   = google_secret_manager_secret.ledger.id
  secret_data = format(
    "postgresql://%s:%s@%s/%s?sslmode=require",
    google_sql_user.ledger.name,
    random_password.ledger.result,
    google_sql_database_instance.ledger.private_ip_address,
    google_sql_database.ledger.name,
  )
}

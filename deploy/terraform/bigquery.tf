# tables.json is written by `make tables` from pipeline/schema.py; a test fails while it is stale.
locals {
  bigquery   = jsondecode(file("${path.module}/tables.json"))
  dataset_id = replace(var.name, "-", "_")
}

resource "google_bigquery_dataset" "this" {
  provider    = google-beta
  dataset_id  = local.dataset_id
  location    = var.location
  description = "Articles, their entities, and the fate of every URL. Append-only tables; read the views."
  labels      = local.labels
  # compressed text costs a third as physical bytes
  storage_billing_model = "PHYSICAL"

  depends_on = [google_project_service.this]
}

resource "google_bigquery_table" "tables" {
  provider            = google-beta
  for_each            = local.bigquery.tables
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.key
  description         = each.value.description
  schema              = jsonencode(each.value.schema)
  clustering          = each.value.clustering
  deletion_protection = var.protect
  labels              = local.labels

  time_partitioning {
    type  = "DAY"
    field = each.value.partition
  }
}

resource "google_bigquery_table" "views" {
  provider            = google-beta
  for_each            = local.bigquery.views
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.key
  description         = each.value.description
  deletion_protection = false
  labels              = local.labels

  view {
    query          = replace(each.value.query, "{dataset}", "${var.project}.${local.dataset_id}")
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.tables]
}

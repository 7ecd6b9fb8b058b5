# `make tables` writes tables.json from the tables declared in pipeline/tables/; a test fails if it is stale.
locals {
  bigquery   = jsondecode(file("${path.module}/tables.json"))
  dataset_id = replace(var.name, "-", "_")
  tables     = { for table in local.bigquery.tables : table.name => table }
  views = {
    for view in local.bigquery.views :
    view.name => merge(view, { query = replace(view.query, "PROJECT.DATASET", "${var.project}.${local.dataset_id}") })
  }

  # A view must exist before another can read it, so views are created in layers. reads: the views that each one reads.
  reads = {
    for name, view in local.views :
    name => [for other in keys(local.views) : other if strcontains(view.query, ".${other}`")]
  }
  layer0 = [for name, read in local.reads : name if length(read) == 0]
  layer1 = [for name, read in local.reads : name if length(read) > 0 && length(setsubtract(read, local.layer0)) == 0]
  below2 = concat(local.layer0, local.layer1)
  layer2 = [for name, read in local.reads : name if !contains(local.below2, name) && length(setsubtract(read, local.below2)) == 0]
  below3 = concat(local.below2, local.layer2)
  layer3 = [for name, read in local.reads : name if !contains(local.below3, name)]
}

resource "google_bigquery_dataset" "this" {
  provider    = google-beta
  dataset_id  = local.dataset_id
  location    = var.location
  description = "Articles, their entities, and the outcome of every URL. The tables are append-only: read the views."
  labels      = local.labels
  # text compresses well, so physical billing costs a third
  storage_billing_model = "PHYSICAL"

  depends_on = [google_project_service.this]
}

resource "google_bigquery_table" "tables" {
  provider            = google-beta
  for_each            = local.tables
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.key
  description         = each.value.description
  schema              = jsonencode(each.value.fields)
  clustering          = each.value.clustering
  deletion_protection = var.protect
  labels              = local.labels

  time_partitioning {
    type  = "DAY"
    field = each.value.partition
  }
}

resource "google_bigquery_table" "layer0" {
  provider            = google-beta
  for_each            = { for name in local.layer0 : name => local.views[name] }
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.key
  description         = each.value.description
  deletion_protection = false
  labels              = local.labels

  view {
    query          = each.value.query
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.tables]
}

resource "google_bigquery_table" "layer1" {
  provider            = google-beta
  for_each            = { for name in local.layer1 : name => local.views[name] }
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.key
  description         = each.value.description
  deletion_protection = false
  labels              = local.labels

  view {
    query          = each.value.query
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.layer0]
}

resource "google_bigquery_table" "layer2" {
  provider            = google-beta
  for_each            = { for name in local.layer2 : name => local.views[name] }
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.key
  description         = each.value.description
  deletion_protection = false
  labels              = local.labels

  view {
    query          = each.value.query
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.layer1]
}

resource "google_bigquery_table" "layer3" {
  provider            = google-beta
  for_each            = { for name in local.layer3 : name => local.views[name] }
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.key
  description         = each.value.description
  deletion_protection = false
  labels              = local.labels

  view {
    query          = each.value.query
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.layer2]
}

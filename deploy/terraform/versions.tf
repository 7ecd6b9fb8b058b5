terraform {
  required_version = ">= 1.9"

  required_providers {
    # only the beta provider has google_dataflow_flex_template_job, so everything uses it
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 6.50"
    }
    random = {
      source  = "hashicorp/random"
      version = ">= 3.6"
    }
  }

  # The state holds the database password: keep it in a bucket that few people can read. Pass it at init:
  #   terraform init -backend-config=bucket=BUCKET -backend-config=prefix=newsbeam
  backend "gcs" {}
}

provider "google-beta" {
  project = var.project
  region  = var.region
}

variable "project" {
  type        = string
  description = "Google Cloud project to create everything in."
}

variable "region" {
  type        = string
  description = "Region of the poller, the database, the job and its workers."
  default     = "europe-west1"
}

variable "location" {
  type        = string
  description = "Location of the BigQuery dataset and the bucket: a region, or a multi-region such as EU or US."
  default     = "EU"
}

variable "name" {
  type        = string
  description = "Prefix of the names of all resources. Use another one for a second installation in the same project."
  default     = "newsbeam"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "Use 3 to 20 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "image" {
  type        = string
  description = "Image for the poller, built from deploy/Dockerfile, with its tag. Not `latest`: only a new tag rolls out a new version."

  validation {
    condition     = can(regex(":[^/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a tag other than latest."
  }
}

variable "dataflow_image" {
  type        = string
  description = "Image for the job, from the same build with --target dataflow, with its tag."

  validation {
    condition     = can(regex(":[^/]+$", var.dataflow_image)) && !endswith(var.dataflow_image, ":latest")
    error_message = "Name a tag other than latest."
  }
}

variable "feeds_file" {
  type        = string
  description = "File of feeds to poll: one URL per line, or OPML."
}

variable "contact" {
  type        = string
  description = "Page or address in the User-Agent of the poller, where publishers can reach you."
}

variable "host_delay" {
  type        = number
  description = "Minimum seconds between two requests to one host."
  default     = 1
}

variable "host_concurrency" {
  type        = number
  description = "Maximum number of simultaneous requests to one host."
  default     = 2
}

variable "bigquery_method" {
  type        = string
  description = "How the job writes rows: FILE_LOADS, STORAGE_WRITE_API (needs an image built with JAVA) or STREAMING_INSERTS."
  default     = "FILE_LOADS"

  validation {
    condition     = contains(["FILE_LOADS", "STORAGE_WRITE_API", "STREAMING_INSERTS"], var.bigquery_method)
    error_message = "Use FILE_LOADS, STORAGE_WRITE_API or STREAMING_INSERTS."
  }
}

variable "bigquery_frequency" {
  type        = number
  description = "Seconds between two load jobs, at least 60: BigQuery allows 1,500 load jobs per table and day."
  default     = 60

  validation {
    condition     = var.bigquery_frequency >= 60
    error_message = "Use at least 60 seconds: BigQuery allows 1,500 load jobs per table and day."
  }
}

variable "machine_type" {
  type        = string
  description = "Machine type of the job's workers. Each vCPU runs one Python process with its own model."
  default     = "n2-standard-2"
}

variable "max_workers" {
  type        = number
  description = "Maximum number of workers of the job. docs/operations.md says how many vCPUs a number of articles needs."
  default     = 10
}

variable "database_tier" {
  type        = string
  description = "Machine tier of the ledger's database."
  default     = "db-custom-1-3840"
}

variable "protect" {
  type        = bool
  description = "Refuse to delete the database and the tables. To destroy them, first set this to false and apply."
  default     = true
}

variable "consumers" {
  type        = list(string)
  description = "IAM members (group:..., serviceAccount:...) that may read the dataset and subscribe to the events topic."
  default     = []
}

variable "alert_emails" {
  type        = list(string)
  description = "Email addresses to send alerts to."
  default     = []
}

variable "lag_alert" {
  type        = number
  description = "Alert when the system lag, or the age of the oldest unread message, exceeds this many seconds."
  default     = 900
}

variable "dead_letter_alert" {
  type        = number
  description = "Alert when the dead letters of an hour exceed this share of the URLs published."
  default     = 0.05
}

variable "feed_error_alert" {
  type        = number
  description = "Alert when more than this share of an hour's polls fail."
  default     = 0.2
}

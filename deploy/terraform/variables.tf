variable "project" {
  type        = string
  description = "Google Cloud project that everything is made in."
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
  description = "Prefix of the names of all resources; another one makes a second installation in the same project."
  default     = "newsbeam"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "Lower-case letters, digits and hyphens, 3 to 20 of them, a letter first."
  }
}

variable "image" {
  type        = string
  description = "Image for the poller, with its tag: deploy/Dockerfile built as it is. Never `latest`: a new tag is what rolls out."

  validation {
    condition     = can(regex(":[^/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a tag other than latest."
  }
}

variable "dataflow_image" {
  type        = string
  description = "Image for the job, with its tag: the same build with --target dataflow."

  validation {
    condition     = can(regex(":[^/]+$", var.dataflow_image)) && !endswith(var.dataflow_image, ":latest")
    error_message = "Name a tag other than latest."
  }
}

variable "feeds_file" {
  type        = string
  description = "File of feeds to poll: one URL a line, or OPML."
}

variable "contact" {
  type        = string
  description = "Page or address that the User-Agent names, so that a publisher can reach you."
}

variable "host_delay" {
  type        = number
  description = "Least seconds between two requests to one host."
  default     = 1
}

variable "host_concurrency" {
  type        = number
  description = "Requests at once to one host."
  default     = 2
}

variable "bigquery_method" {
  type        = string
  description = "How the job writes rows: FILE_LOADS, STORAGE_WRITE_API (needs an image built with JAVA) or STREAMING_INSERTS."
  default     = "FILE_LOADS"

  validation {
    condition     = contains(["FILE_LOADS", "STORAGE_WRITE_API", "STREAMING_INSERTS"], var.bigquery_method)
    error_message = "FILE_LOADS, STORAGE_WRITE_API or STREAMING_INSERTS."
  }
}

variable "bigquery_frequency" {
  type        = number
  description = "Seconds between two load jobs. BigQuery allows 1,500 load jobs per table and day, so 60 or more."
  default     = 60

  validation {
    condition     = var.bigquery_frequency >= 60
    error_message = "At least 60 seconds: 1,500 load jobs per table and day are allowed."
  }
}

variable "machine_type" {
  type        = string
  description = "Machine of the job's workers; one Python process with one model runs on each vCPU."
  default     = "n2-standard-2"
}

variable "max_workers" {
  type        = number
  description = "Most machines that the job scales out to. docs/operations.md says how many a number of articles needs."
  default     = 10
}

variable "database_tier" {
  type        = string
  description = "Machine of the ledger's database."
  default     = "db-custom-1-3840"
}

variable "protect" {
  type        = bool
  description = "Refuse to delete the database and the tables. Set to false, apply, and only then destroy."
  default     = true
}

variable "consumers" {
  type        = list(string)
  description = "Who may read the dataset and subscribe to the events topic, as IAM members (group:..., serviceAccount:...)."
  default     = []
}

variable "alert_emails" {
  type        = list(string)
  description = "Addresses that alerts go to."
  default     = []
}

variable "lag_alert" {
  type        = number
  description = "Seconds of system lag, or of age of the oldest unread message, at which to alert."
  default     = 900
}

variable "dead_letter_alert" {
  type        = number
  description = "Share of published URLs that may end as dead letters over an hour before there is an alert."
  default     = 0.05
}

variable "feed_error_alert" {
  type        = number
  description = "Share of polls that may end in an error over an hour before there is an alert."
  default     = 0.2
}

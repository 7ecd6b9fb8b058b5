# The documentation of each alert names its section in the runbook, docs/operations.md.
resource "google_monitoring_notification_channel" "email" {
  provider     = google-beta
  for_each     = toset(var.alert_emails)
  display_name = "newsbeam: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
}

# The poller logs one `polled` event per poll.
resource "google_logging_metric" "polls" {
  provider = google-beta
  for_each = { polls = "", polls-failed = " AND jsonPayload.error=~\".\"" }
  name     = "${var.name}/${each.key}"
  filter   = "resource.type=\"cloud_run_worker_pool\" AND resource.labels.worker_pool_name=\"${google_cloud_run_v2_worker_pool.poller.name}\" AND jsonPayload.event=\"polled\"${each.value}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]
  runbook  = "See docs/operations.md, section 'Alerts'"

  sent        = "metric.type = \"pubsub.googleapis.com/topic/send_message_operation_count\" AND resource.type = \"pubsub_topic\""
  sent_links  = "${local.sent} AND resource.labels.topic_id = \"${google_pubsub_topic.this["links"].name}\""
  sent_dead   = "${local.sent} AND resource.labels.topic_id = \"${google_pubsub_topic.this["dead-letters"].name}\""
  sent_events = "${local.sent} AND resource.labels.topic_id = \"${google_pubsub_topic.this["events"].name}\""
  polls = {
    for name, metric in google_logging_metric.polls :
    name => "metric.type = \"logging.googleapis.com/user/${metric.name}\" AND resource.type = \"cloud_run_worker_pool\""
  }
}

resource "google_monitoring_alert_policy" "system_lag" {
  provider              = google-beta
  display_name          = "${var.name}: system lag"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "The job is ${var.lag_alert} s behind"
    condition_threshold {
      filter          = "metric.type = \"dataflow.googleapis.com/job/system_lag\" AND resource.type = \"dataflow_job\" AND resource.labels.job_name = \"${google_dataflow_flex_template_job.this.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.lag_alert
      duration        = "300s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    content = "A record has been in the job for longer than that. ${local.runbook}: system lag."
  }
}

resource "google_monitoring_alert_policy" "oldest_message" {
  provider              = google-beta
  display_name          = "${var.name}: oldest unacknowledged message"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "A URL has waited for ${var.lag_alert} s"
    condition_threshold {
      filter          = "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.links.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.lag_alert
      duration        = "300s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    content = "The job is not running or does not keep up. ${local.runbook}: oldest unacknowledged message."
  }
}

resource "google_monitoring_alert_policy" "dead_letters" {
  provider              = google-beta
  display_name          = "${var.name}: dead letters"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "Dead letters exceed ${var.dead_letter_alert * 100} % of the URLs published in an hour"
    condition_threshold {
      filter             = local.sent_dead
      denominator_filter = local.sent_links
      comparison         = "COMPARISON_GT"
      threshold_value    = var.dead_letter_alert
      duration           = "0s"

      aggregations {
        alignment_period     = "3600s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }

      denominator_aggregations {
        alignment_period     = "3600s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "Many publishers fail, or one large one does, or newsbeam has a bug. ${local.runbook}: dead letters."
  }
}

resource "google_monitoring_alert_policy" "no_article" {
  provider              = google-beta
  display_name          = "${var.name}: no article landed"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  # the job's own count of articles at the end of its graph; a job that is not running counts none
  conditions {
    display_name = "No article in 30 minutes"
    condition_prometheus_query_language {
      query               = "(sum(delta(dataflow_googleapis_com:job_user_counter{monitored_resource=\"dataflow_job\",job_name=\"${google_dataflow_flex_template_job.this.name}\",metric_name=\"article_age_s_COUNT\"}[30m])) or vector(0)) < 1"
      duration            = "0s"
      evaluation_interval = "60s"
    }
  }

  # events of articles and of other outcomes
  conditions {
    display_name = "No event in 30 minutes"
    condition_absent {
      filter   = local.sent_events
      duration = "1800s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "Something between the feeds and BigQuery has stopped. ${local.runbook}: no article landed."
  }
}

resource "google_monitoring_alert_policy" "feeds" {
  provider              = google-beta
  display_name          = "${var.name}: feeds failing"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "More than ${var.feed_error_alert * 100} % of an hour's polls failed"
    condition_threshold {
      filter             = local.polls["polls-failed"]
      denominator_filter = local.polls["polls"]
      comparison         = "COMPARISON_GT"
      threshold_value    = var.feed_error_alert
      duration           = "0s"

      aggregations {
        alignment_period     = "3600s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }

      denominator_aggregations {
        alignment_period     = "3600s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "The poller has polled nothing for 30 minutes"
    condition_absent {
      filter   = local.polls["polls"]
      duration = "1800s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "Feeds return errors, or the poller has stopped. ${local.runbook}: feeds failing."
  }
}

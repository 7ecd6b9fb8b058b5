"""BigQuery: every version of an article is a row, and views keep the newest of each key."""

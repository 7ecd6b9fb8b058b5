"""BigQuery: every version of an article is a row, and views select the newest row of each key."""

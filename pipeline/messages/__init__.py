"""Wire formats: links on a topic, and records between the steps of a job."""

"""What leaves a process as bytes: links on a topic, records between the steps of a job."""

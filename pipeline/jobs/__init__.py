"""The processes: poll, work, run (poller and workers together), publish, and the graph as one Beam job."""

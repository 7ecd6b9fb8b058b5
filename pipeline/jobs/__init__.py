"""The processes: poll, work, publish, both together, and the graph as one Beam job."""

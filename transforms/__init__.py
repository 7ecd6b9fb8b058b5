"""Per-record logic, independent of queues, databases and the environment (see ARCHITECTURE.md)."""

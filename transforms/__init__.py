"""The work on one record: no queue, no database, no environment (see ARCHITECTURE.md)."""

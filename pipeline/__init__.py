"""How records come in, move through the graph and land (see ARCHITECTURE.md)."""

__version__ = "0.1.0"

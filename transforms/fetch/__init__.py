"""The only modules that make network requests: robots, pace, address check, limits."""

"""Fetch pages and feeds: the only modules that make network requests."""

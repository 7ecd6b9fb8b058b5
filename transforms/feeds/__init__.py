"""Bytes of a feed to entries; where feeds are named; when to poll next."""

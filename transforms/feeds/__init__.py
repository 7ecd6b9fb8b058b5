"""Parse feeds, find the addresses of feeds, and schedule polls."""

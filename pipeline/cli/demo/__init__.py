"""`newsbeam demo`: a small news site served on loopback, ingested, and the result shown."""

"""`newsbeam demo`: serve a small news site on loopback, ingest it, and show the result."""

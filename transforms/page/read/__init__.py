"""Read what a page says of itself: its tree, metadata, linked data, bylines and dates."""

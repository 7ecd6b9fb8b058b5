"""Read what a page says about itself: its tree, metadata, linked data, bylines and dates."""

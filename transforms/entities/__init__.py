"""Article to mentions and things."""

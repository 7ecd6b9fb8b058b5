"""Find the entities that an article mentions."""

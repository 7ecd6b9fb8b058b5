"""What transforms.extract and transforms.boilerplate are made of; docs/extraction.md tells how they work together."""

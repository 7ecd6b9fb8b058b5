"""Decide which blocks of a page are body: features, classifier, rules, wording."""

"""The one graph that every runner gets, and the pieces it is built of."""

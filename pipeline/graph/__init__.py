"""The graph that every runner gets, and the parts that it is built from."""

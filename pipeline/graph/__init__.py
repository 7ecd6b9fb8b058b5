"""The Beam graph, the same on every runner, and the parts that it is built from."""

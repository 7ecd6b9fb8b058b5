"""The feed formats that transforms.feeds reads, each in a file of its own."""

"""The feed formats that transforms.feeds.reader reads, each in a file of its own."""

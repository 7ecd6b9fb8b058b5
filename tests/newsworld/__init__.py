"""A small synthetic news web: pages, feeds and misbehaving sites on loopback addresses, with their ground truth.

    with Newsworld() as world:
        world.feeds_url        # the feeds to start from, one per line
        world.truth()          # the expected outcome of every URL
        world.articles()       # the expected content of the articles
        world.stats()          # per host: requests, most at once, shortest gap, robots.txt violations

Each host has its own address (127.2.x.y), so that politeness per host is real. The server runs in a separate process;
`stop()` and `start()` simulate an outage: the port stays the same.
"""

from __future__ import annotations

from newsworld.client import Newsworld, WebProcess, find_free_port

__all__ = ["Newsworld", "WebProcess", "find_free_port"]

"""A small news web of our own: pages, feeds and misbehaving sites on loopback addresses, and the truth about them.

    with Newsworld() as world:
        world.feeds_url        # the feeds to start from, one a line
        world.truth()          # the outcome that a careful ingester reaches for every URL
        world.articles()       # what the articles must hold
        world.stats()          # per host: requests, most at once, shortest gap, robots breaches

Each host has an address of its own (127.2.x.y), so that politeness per host is real. The server runs in a process of
its own; `stop()` and `start()` play an outage: the port stays the same.
"""

from __future__ import annotations

from newsworld.client import Newsworld, WebProcess, find_free_port

__all__ = ["Newsworld", "WebProcess", "find_free_port"]

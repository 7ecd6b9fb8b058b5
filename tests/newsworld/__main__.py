"""Serve the news web until stopped.

usage: cd tests && python -m newsworld [--port 8900] [--pages N] [--no-faults] [--drip S] [--latency S] [--stall S]
"""

from __future__ import annotations

import argparse
import asyncio

from newsworld.bad_feeds import add_bad_feeds
from newsworld.bad_pages import add_bad_pages
from newsworld.publishers import add_publishers
from newsworld.server import Server
from newsworld.sites import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="newsworld", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--pages", type=int, default=None, help="number of pages of well-behaved publishers")
    parser.add_argument(
        "--faults", action=argparse.BooleanOptionalAction, default=True, help="include misbehaving sites"
    )
    parser.add_argument("--drip", type=float, default=0, help="seconds between the entries that a feed adds")
    parser.add_argument("--latency", type=float, default=0, help="mean seconds before each answer")
    parser.add_argument("--stall", type=float, default=60, help="seconds for which hanging sites hang")
    options = parser.parse_args()
    world = World(options.port, options.drip, options.stall)
    add_publishers(world, options.pages)
    if options.faults:
        add_bad_pages(world)
        add_bad_feeds(world)
    asyncio.run(Server(world, options.latency).run())


if __name__ == "__main__":
    main()

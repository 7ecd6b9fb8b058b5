"""Serve one attack beside good sites until stopped.

usage: cd tests && python -m hostile.web CASE --port N
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace

from newsworld.answers import Answer, Request, html
from newsworld.feeds import Entry
from newsworld.server import Server
from newsworld.sites import Site
from newsworld.stories import Story, stories_in
from newsworld.templates import PageFacts, magazine, plain, wordpress

from hostile.cases import CASES
from hostile.declare import AttackedWorld

GOOD_SITES = 20
PAGES_EACH = 900
TEMPLATES = (magazine, wordpress, plain)


def add_good_sites(world: AttackedWorld) -> None:
    """Add ordinary publishers, with more pages than a run can ingest while an attack is measured."""
    for place in range(GOOD_SITES):
        site = world.add_site(f"good-{place}.example")
        entries = []
        for number in range(PAGES_EACH):
            path = f"/news/{number}"
            site.routes[path] = lambda request, site=site, place=place: _page(site, place, request)
            entries.append(Entry(site.base + path, f"Story {number}", f"{site.name}-{number}", world.started - number))
        world.add_feed(site, entries)


def _page(site: Site, place: int, request: Request) -> Answer:
    number = int(request.path.rpartition("/")[2])
    stories = stories_in("en")
    story = _edition(stories[(place + number) % len(stories)], place, number)
    published = 1_750_000_000.0 - number
    facts = PageFacts(story, story.paragraphs, site.base + request.path, site.base, site.name, published)
    return html(TEMPLATES[place % len(TEMPLATES)](facts))


def _edition(story: Story, place: int, number: int) -> Story:
    more = f"Edition {number} of the {story.slug} story went to press in office {place} at {number % 24}:00."
    return replace(story, paragraphs=(*story.paragraphs[:2], more, *story.paragraphs[2:]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="hostile.web", description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    world = AttackedWorld(options.port)
    add_good_sites(world)
    CASES[options.case].build(world)
    asyncio.run(Server(world).run())


if __name__ == "__main__":
    main()

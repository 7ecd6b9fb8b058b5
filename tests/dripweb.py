"""A news web for `bench/soak.py`: articles drip into many feeds and are edited, and some requests go wrong.

usage: cd tests && python -m dripweb --port N [--feeds 200] [--rate 2] [--seed 1]

Besides what every news web has (newsworld.server), 127.0.0.1 answers /truth.json, every address that a feed has named
and what was last served there, and /still, after which nothing new appears and nothing goes wrong any more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass, field, replace

from newsworld.answers import Answer, Request, conditional, html, status
from newsworld.feeds import Entry, atom
from newsworld.server import Server
from newsworld.sites import Site, World
from newsworld.stories import Story, stories_in
from newsworld.templates import PageFacts, magazine, wordpress

TEMPLATES = (magazine, wordpress)
FEEDS_EACH = 5  # feeds of one host
SHOWN = 40  # entries in a feed
GONE_SHARE = 0.02  # of the articles: 404 for ever
EDITED_SHARE = 0.1  # edits for each new article
TROUBLED = 0.05  # share of requests that go wrong
MOST_TROUBLE = 2  # times that one address goes wrong: a third failure would be retried after minutes
SLOW_S = 3.0


@dataclass
class Piece:
    """One article: what it says now, and what was last served."""

    number: int
    published: float
    is_gone: bool
    edition: int = 1
    edited: float = 0.0
    served: int = 0
    trouble: int = 0


@dataclass
class Dripping:
    """The articles of all feeds, growing with time."""

    world: World
    rate: float
    chance: random.Random
    feeds: list[tuple[Site, str]] = field(default_factory=list)
    stories: list[dict[int, Piece]] = field(default_factory=list)
    named: dict[str, tuple[int, int]] = field(default_factory=dict)
    made: int = 0
    last: float = 0.0
    is_still: bool = False
    troubled: dict[str, int] = field(default_factory=dict)

    def grow(self, now: float) -> None:
        """Add the articles, and the edits, that are due by now."""
        if self.is_still:
            return
        while self.made < (now - self.world.started) * self.rate:
            self.made += 1
            place = self.chance.randrange(len(self.feeds))
            is_gone = self.chance.random() < GONE_SHARE
            self.stories[place][self.made] = Piece(self.made, now, is_gone)
            if self.chance.random() < EDITED_SHARE:
                older = list(self.stories[self.chance.randrange(len(self.feeds))].values())[-SHOWN:]
                if older:
                    story = self.chance.choice(older)
                    story.edition, story.edited = story.edition + 1, now

    def feed(self, place: int, request: Request) -> Answer:
        """Answer a request for a feed."""
        now = time.time()
        self.grow(now)
        if trouble := self._trouble(request.path, now):
            return trouble
        site, path = self.feeds[place]
        shown = list(self.stories[place].values())[-SHOWN:]
        entries = []
        for story in reversed(shown):
            address = f"{site.base}{path}/{story.number}"
            self.named[address] = (place, story.number)
            title = f"Story {story.number}, edition {story.edition}"
            at = max(story.published, story.edited)
            entries.append(Entry(address, title, address, story.published, at))
        # Atom, since it tells of edits
        body = atom(site.name + path, site.base, entries)
        changed = max([self.world.started, *(entry.updated for entry in entries)])
        return conditional(request, Answer(body=body, content_type="application/atom+xml"), changed)

    def article(self, place: int, number: int, request: Request) -> Answer:
        """Answer a request for an article."""
        story = self.stories[place].get(number)
        if story is None or story.is_gone:
            return status(404)
        if trouble := self._trouble(request.path, time.time()):
            return trouble
        story.served = story.edition
        site, path = self.feeds[place]
        told = _edition(place, story)
        address = f"{site.base}{path}/{number}"
        facts = PageFacts(told, told.paragraphs, address, site.base, site.name, story.published)
        return html(TEMPLATES[place % len(TEMPLATES)](facts))

    def truth(self) -> dict[str, object]:
        """Return, for every address that a feed has named, whether it is gone and which edition was last served."""
        return {
            address: {"gone": self.stories[place][number].is_gone, "served": self.stories[place][number].served}
            for address, (place, number) in self.named.items()
        }

    def _trouble(self, path: str, now: float) -> Answer | None:
        if self.is_still or self.chance.random() > TROUBLED or self.troubled.get(path, 0) >= MOST_TROUBLE:
            return None
        self.troubled[path] = self.troubled.get(path, 0) + 1
        match self.chance.randrange(5):
            case 0:
                return status(503)
            case 1:
                return Answer(
                    raw=b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\nContent-Type: text/html\r\n\r\n<html>cut"
                )
            case 2:
                return Answer(raw=b"")
            case 3:
                return Answer(500, b"<html>trouble</html>", wait_s=SLOW_S)
            case _:
                return Answer(429, headers={"Retry-After": "2"})


class _Place(dict[str, object]):
    """The routes of one host."""

    def __init__(self, dripping: Dripping, places: dict[str, int]) -> None:
        super().__init__()
        self.dripping, self.places = dripping, places

    def get(self, path: str, default: object = None) -> object:
        head, _, tail = path[1:].partition("/")
        place = self.places.get(f"/{head}")
        if place is None or (tail and not tail.isdigit()):
            return None
        if not tail:
            return lambda request: self.dripping.feed(place, request)
        return lambda request: self.dripping.article(place, int(tail), request)


class DripServer(Server):
    """A server with two more control pages."""

    def __init__(self, dripping: Dripping) -> None:
        super().__init__(dripping.world)
        self.dripping = dripping

    def _control(self, path: str) -> Answer:
        if path == "/still":
            self.dripping.is_still = True
            return Answer(204)
        if path == "/truth.json":
            return Answer(body=json.dumps(self.dripping.truth()).encode(), content_type="application/json")
        return super()._control(path)


def mark_of(place: int, number: int, edition: int) -> str:
    """Return the sentence that only this edition of an article has."""
    return f"This is edition {edition} of story {number} from desk {place}, which went to press on time."


def _edition(place: int, story: Piece) -> Story:
    stories = stories_in("en")
    told = stories[story.number % len(stories)]
    title = f"{told.title} ({story.number}, edition {story.edition})"
    mark = mark_of(place, story.number, story.edition)
    return replace(told, title=title, paragraphs=(*told.paragraphs[:1], mark, *told.paragraphs[1:]))


def build(world: World, feeds: int, rate: float, seed: int) -> Dripping:
    """Add hosts with FEEDS_EACH feeds each."""
    dripping = Dripping(world, rate, random.Random(seed))
    for host in range(-(-feeds // FEEDS_EACH)):
        site = world.add_site(f"drip-{host}.example")
        places = {}
        for _ in range(min(FEEDS_EACH, feeds - len(dripping.feeds))):
            places[f"/feed{len(dripping.feeds)}"] = len(dripping.feeds)
            world.feeds.append(f"{site.base}/feed{len(dripping.feeds)}")
            dripping.feeds.append((site, f"/feed{len(dripping.feeds)}"))
            dripping.stories.append({})
        site.routes = _Place(dripping, places)  # type: ignore[assignment]
    return dripping


def main() -> None:
    parser = argparse.ArgumentParser(prog="dripweb", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--feeds", type=int, default=200)
    parser.add_argument("--rate", type=float, default=2.0, help="new articles a second")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    world = World(options.port)
    dripping = build(world, options.feeds, options.rate, options.seed)
    asyncio.run(DripServer(dripping).run())


if __name__ == "__main__":
    main()

"""Feeds that go wrong, and articles that arrive in more than one way."""

from __future__ import annotations

import time
from collections.abc import Iterator

from newsworld.answers import Answer, Request, always, html, redirect, status
from newsworld.bad_pages import good_page
from newsworld.feeds import Entry, rss
from newsworld.sites import Site, World
from newsworld.stories import AGENCY
from newsworld.templates import PageFacts, magazine

XML = "text/xml"
LAUGHS = (
    b"<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY a 'lol'>"
    + b"".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>".encode() for n in range(7))
    + b"]><rss version='2.0'><channel><title>&h;</title></channel></rss>"
)
FOREIGN_FILE = (
    b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    b"<rss version='2.0'><channel><title>&x;</title></channel></rss>"
)


def _entry(site: Site, path: str, at: float) -> Entry:
    return Entry(site.base + path, f"Story at {path}", site.name + path, at)


def _add_page(site: Site, path: str, number: int) -> None:
    site.routes[path] = always(good_page(site, path, number))


def add_moved_feeds(world: World) -> None:
    """Add a feed that moved permanently, one that moved temporarily, and a redirect loop."""
    site = world.add_site("moved-feeds.example")
    for number, (name, code) in enumerate({"moved": 301, "lent": 302}.items()):
        feed = world.add_feed_route(site, f"/{name}.xml", always(redirect(f"/new-{name}.xml", code)))
        world.add_feed(site, [_entry(site, f"/{name}-story", world.started)], path=f"/new-{name}.xml", listed=False)
        _add_page(site, f"/{name}-story", number)
        world.expect(f"{site.base}/{name}-story", feed, "article", note=f"its feed answers {code}")
    world.add_feed_route(site, "/round.xml", always(redirect("/round.xml", 302)))


def add_absent_feeds(world: World) -> None:
    """Add feeds that are missing, gone, down, empty, replaced by a page, or too slow."""
    site = world.add_site("absent-feeds.example")
    for name, answer in {
        "gone": status(410),
        "missing": status(404),
        "down": status(503),
        "page": html("<html><head><title>Welcome</title></head><body><p>Our new home page.</p></body></html>"),
        "empty": Answer(content_type=XML),
    }.items():
        world.add_feed_route(site, f"/{name}.xml", always(answer))
    stalled = world.add_site("stalled-feeds.example")

    def drip() -> Iterator[tuple[float, bytes]]:
        for _ in range(int(world.stall_s / 0.25)):
            yield 0.25, b"<!-- wait -->"

    world.add_feed_route(stalled, "/slow.xml", always(Answer(pieces=drip, content_type=XML)))


def add_broken_feeds(world: World) -> None:
    """Add feeds that a strict parser refuses but a tolerant one can read, and two that attack the parser."""
    site = world.add_site("broken-feeds.example")
    channel = "<rss version='2.0'><channel><title>Broken & odd</title>"
    cut = rss(site.name, site.base, [_entry(site, "/cut-story", world.started)]).decode()
    texts = {
        "unescaped": f"{channel}<item><title>C & D</title><link>{site.base}/unescaped-story</link></item>",
        "cut": cut.removesuffix("</channel></rss>"),
        "guid": f"{channel}<item><title>By guid</title><guid>{site.base}/guid-story</guid></item>"
        "<item><title>No address at all</title></item></channel></rss>",
    }
    for number, (name, text) in enumerate(texts.items()):
        feed = world.add_feed_route(site, f"/{name}.xml", always(html(text, content_type=XML)))
        _add_page(site, f"/{name}-story", 2 + number)
        world.expect(f"{site.base}/{name}-story", feed, "article", note=f"its feed is broken: {name}")
    for name, body in {"laughs": LAUGHS, "foreign": FOREIGN_FILE}.items():
        world.add_feed_route(site, f"/{name}.xml", always(Answer(body=body, content_type=XML)))


def add_stuck_feed(world: World) -> None:
    """Add a feed whose ETag never changes, so that conditional requests miss a story that is added later."""
    site = world.add_site("stuck.example")
    entries = [_entry(site, "/first", world.started)]
    etag = '"fixed"'

    def route(request: Request) -> Answer:
        if request.headers.get("if-none-match") == etag:
            return Answer(304, headers={"ETag": etag})
        body = rss(site.name, site.base, entries)
        return Answer(body=body, content_type="application/rss+xml", headers={"ETag": etag})

    feed = world.add_feed_route(site, "/feed.xml", route)
    for number, path in enumerate(("/first", "/second")):
        _add_page(site, path, number)
    world.expect(site.base + "/first", feed, "article")
    world.edits.append(lambda at: entries.append(_entry(site, "/second", time.time())))


def add_duplicates(world: World) -> None:
    """Add one article under many spellings, in two feeds, and at two publishers."""
    twin = world.add_site("twin.example")
    spellings = ("/same", "/same?utm_source=rss", "/same#comments", "/same?fbclid=abc&utm_campaign=x")
    _add_page(twin, "/same", 5)
    entries = [_entry(twin, path, world.started - number) for number, path in enumerate(spellings)]
    feed = world.add_feed(twin, entries)
    world.expect(twin.base + "/same", feed, "article", note="one article for four spellings of its address")
    second = world.add_feed(twin, entries[:1], "atom")
    world.expect(twin.base + "/same", second, "article", note="named by two feeds")
    for name in ("north-wire.example", "coast-wire.example"):
        site = world.add_site(name)
        url = site.base + "/agency"
        facts = PageFacts(AGENCY, AGENCY.paragraphs, url, site.base, "Coast Agency", world.started - 900)
        site.routes["/agency"] = always(html(magazine(facts)))
        feed = world.add_feed(site, [_entry(site, "/agency", world.started - 900)])
        world.expect(url, feed, "article", note="an agency's story, word for word")
        world.describe(url, AGENCY.title, AGENCY.paragraphs, template="magazine")


def add_bad_feeds(world: World) -> None:
    """Add every feed that goes wrong."""
    for add in (add_moved_feeds, add_absent_feeds, add_broken_feeds, add_stuck_feed, add_duplicates):
        add(world)

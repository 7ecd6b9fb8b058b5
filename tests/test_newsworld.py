"""The synthetic news web itself: its counts reveal an impolite client, and its edits work."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from newsworld import Newsworld
from newsworld.publishers import CORRECTION, PAGES, PUBLISHERS

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str) -> bytes:
    with _opener.open(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


@pytest.fixture(scope="module")
def world() -> Iterator[Newsworld]:
    with Newsworld(stall=2) as world:
        yield world


def test_each_url_has_one_truth_and_each_host_an_address_of_its_own(world: Newsworld) -> None:
    told: dict[str, tuple[str, str]] = {}
    for row in world.truth():
        assert told.setdefault(row["url"], (row["outcome"], row["reason"])) == (row["outcome"], row["reason"])
    assert len({site["base"] for site in world.stats()}) == world.summary["hosts"] > 30
    described = [row for row in world.articles() if "author" in row]
    assert len(described) == PAGES and {row["language"] for row in described} == {"en", "de", "fr", "es"}
    assert len({row["template"] for row in described}) == len({publisher.template for publisher in PUBLISHERS})


def test_an_impolite_client_is_detected(world: Newsworld) -> None:
    forbidding, slow = world.site("robots.example")["base"], world.site("stalled.example")["base"]
    for path in ("/private/a", "/private/a", "/public/a"):
        get(forbidding + path)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(get, [f"{slow}/silent"] * 3))
    site = world.site("robots.example")
    assert site["robots_breaches"] == 2
    assert site["pages"] == {"/private/a": 2, "/public/a": 1}
    assert site["most_active"] == 1
    assert site["shortest_gap"] < 1
    assert world.site("stalled.example")["most_active"] == 3


def test_an_edit_changes_a_page_and_its_feed(world: Newsworld) -> None:
    base = world.site("valley-times.example")["base"]
    pages = [row["url"] for row in world.articles() if row["url"].startswith(base)]
    before = {url: get(url) for url in [*pages, base + "/atom.xml"]}
    world.edit()
    changed = [url for url, body in before.items() if get(url) != body]
    assert changed == [pages[-1], base + "/atom.xml"]
    assert CORRECTION.encode() in get(pages[-1])


def test_it_keeps_its_port_through_an_outage() -> None:
    with Newsworld(pages=1, faults=False) as world:
        feeds = world.feeds()
        world.stop()
        with pytest.raises(urllib.error.URLError):
            get(feeds[0])
        world.start()
        assert world.feeds() == feeds
        assert b"<rss" in get(feeds[0])


def test_a_feed_can_add_its_entries_one_by_one() -> None:
    with Newsworld(pages=36, faults=False, drip=3600) as world:
        feed = next(url for url in world.feeds() if url.endswith("/index.rdf"))
        assert get(feed).count(b"<item ") == 1
    with Newsworld(pages=36, faults=False) as world:
        feed = next(url for url in world.feeds() if url.endswith("/index.rdf"))
        assert get(feed).count(b"<item ") == 3

"""Feeds that cost much time or memory, and addresses that name more feeds than anybody reads."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from newsworld.answers import Answer, Request, always
from newsworld.feeds import rss, sitemap_index

from hostile.declare import AttackedWorld, Case, feed

HEAD = "<?xml version='1.0' encoding='utf-8'?>"
MOST = 9_990_000  # bytes, just below the limit of a body
NAMED = 50  # feeds that each list or page names


def many_items() -> bytes:
    """A feed of 600,000 entries, each at an address of its own."""
    start, end = b'{"version":"https://jsonfeed.org/version/1","title":"x","items":[', b'{"url":"/"}]}'
    entries = b"".join(b'{"url":"/%x"},' % number for number in range(600_000))
    return gzip.compress((start + entries)[:MOST].rpartition(b"{")[0] + end, 6)


def root_attributes() -> str:
    named = " ".join(f"a{number}=''" for number in range(80_000))
    return f"{HEAD}<rss {named}><channel></channel></rss>"


def items(inside: str, count: int, then: str = "") -> Callable[[], str]:
    """A feed of many equal items."""
    listed = f"<item>{inside}</item>" * count
    return lambda: f"{HEAD}<rss version='2.0'><channel><title>x</title>{listed}{then}</channel></rss>"


def wide_hosts() -> str:
    links = "".join(f"<item><link>http://{'港' * 980}{number}.example/</link></item>" for number in range(300))
    return f"{HEAD}<rss version='2.0'><channel><title>x</title>{links}</channel></rss>"


def namespaces() -> str:
    declared = " ".join(f'xmlns:n{number}="urn:{number}"' for number in range(100_000))
    return f"{HEAD}<rss version='2.0' {declared}><channel><title>x</title><item><link>/1</link></item></channel></rss>"


def lists_of_lists(world: AttackedWorld) -> None:
    """A list that names lists, each of which names lists."""
    site = world.add_attacker(0)
    _answer_everything(site, lambda request: Answer(body=_names(site.base, request), content_type="text/plain"))
    world.attack.append(f"{site.base}/list")


def pages_of_feeds(world: AttackedWorld) -> None:
    """Home pages that name home pages as their feeds."""
    site = world.add_attacker(0)

    def answer(request: Request) -> Answer:
        links = "".join(
            f'<link rel=alternate type="application/rss+xml" href="{address}">'
            for address in _names(site.base, request).decode().split()
        )
        return Answer(body=f"<!doctype html><html><head><title>x</title>{links}</head><body>x</body></html>".encode())

    _answer_everything(site, answer)
    world.attack.append(f"{site.base}/page")


def chain_of_indexes(world: AttackedWorld) -> None:
    """Sitemap indexes that name sitemap indexes."""
    site = world.add_attacker(0)

    def answer(request: Request) -> Answer:
        body = sitemap_index(_names(site.base, request).decode().split(), world.started)
        return Answer(body=body, content_type="application/xml")

    _answer_everything(site, answer)
    world.attack.append(f"{site.base}/index")


def long_host(world: AttackedWorld) -> None:
    """A home page that names a feed at a host longer than any may be."""
    site = world.add_attacker(0)
    host = ".".join(["a" * 60] * 5)
    link = f'<link rel=alternate type="application/rss+xml" href="http://{host}.example/feed">'
    body = f"<!doctype html><html><head><title>x</title>{link}</head><body>x</body></html>".encode()
    world.attack_with_feed(site, always(Answer(body=body)), "/")


def unstorable(world: AttackedWorld) -> None:
    """A list of feeds whose addresses no index can hold, or no text column."""
    site = world.add_attacker(0)
    body = f"{site.base}/a\x00b\n{site.base}/{'港' * 970}\n{site.base}/feed.xml\n".encode()
    world.attack_with_feed(site, always(Answer(body=body, content_type="text/plain")), "/list")
    site.routes["/feed.xml"] = always(Answer(body=rss("x", site.base, []), content_type="text/xml"))


def slow_feeds(world: AttackedWorld) -> None:
    """Feeds that take as long as a feed may."""
    for number in range(20):
        site = world.add_attacker(number)
        world.attack_with_feed(site, always(Answer(body=rss("x", site.base, []), content_type="text/xml", wait_s=28)))


def _names(base: str, request: Request) -> bytes:
    return "".join(f"{base}{request.path.rstrip('/')}/{number}\n" for number in range(NAMED)).encode()


def _answer_everything(site: object, route: Callable[[Request], Answer]) -> None:
    site.routes = _Everywhere(route)  # type: ignore[attr-defined]


class _Everywhere(dict[str, Callable[[Request], Answer]]):
    """The same route at every address."""

    def __init__(self, route: Callable[[Request], Answer]) -> None:
        super().__init__()
        self.route = route

    def get(self, path: str, default: object = None) -> Callable[[Request], Answer]:  # type: ignore[override]
        return self.route


GZIP = {"Content-Encoding": "gzip"}
DATE = "<title>x</title><link>/1</link><pubDate>the day after the 3rd of the month before last 99:99</pubDate>"
FEED_CASES = (
    Case("feed of 600,000 items", feed(many_items, "application/json", hosts=1, headers=GZIP), most_urls=20_000),
    Case("feed with attributes", feed(root_attributes)),
    Case("feed with junk dates", feed(items(DATE, 13_000)), ("http 404",), most_urls=30_000),
    Case("feed with wide hosts", feed(wide_hosts), ("invalid url",)),
    Case("feed of empty items", feed(items("", 0, then="<item/>" * (MOST // 8)))),
    Case("feed with namespaces", feed(namespaces), ("http 404",)),
    Case("lists of lists", lists_of_lists, most_feeds=2_000),
    Case("pages of feeds", pages_of_feeds, most_feeds=2_000),
    Case("chain of indexes", chain_of_indexes, most_feeds=2_000),
    Case("feed at a long host", long_host),
    Case("addresses that no index holds", unstorable, only_on="postgresql"),
    Case("slow feeds", slow_feeds, most_feeds=30),
)

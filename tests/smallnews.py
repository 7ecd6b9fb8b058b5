"""A small news site on a local server, with as many short articles as a test asks for.

As a command, it prints the site's address and serves until its standard input is closed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tinyserver import Seen, TinyServer, answer

from transforms.records import ArticleLink, FeedEntry
from transforms.urls import link_of

NAMES = ("Orla Whelan", "Dara Quinlan", "Karim Benhaddou", "Hélène Aubert", "Beat Zollinger", "Sorcha Byrne")
TOWNS = ("Port Ellery", "Galway", "Lisbon", "Agadir", "Grenoble", "Antwerp", "Geneva")

PAGE = """<!doctype html><html lang="en"><head><title>{town} votes on plan {number} | Small News</title>
<meta property="og:title" content="{town} votes on plan {number}"><meta property="og:type" content="article">
<meta property="article:published_time" content="2026-03-01T09:30:00Z"></head><body>
<nav><a href="/">Home</a> <a href="/world">World</a> <a href="/sport">Sport</a></nav>
<article><h1>{town} votes on plan {number}</h1>
<p>The council of {town} approved plan {number} on Tuesday after a debate that went on until late in the evening.</p>
<p>{name}, who leads the council, said that work on the harbour would begin before the summer and take two years.</p>
<p>Opponents from the European Commission and the port authority had asked for another study of the north wall.</p>
<p>“We have waited long enough,” {name} told reporters, and added that {other} would oversee the works.</p>
</article><footer><p>Copyright Small News. All rights reserved.</p></footer></body></html>"""


def page_of(number: int) -> bytes:
    """Return the HTML of one article."""
    name, other = NAMES[number % len(NAMES)], NAMES[(number + 1) % len(NAMES)]
    return PAGE.format(number=number, town=TOWNS[number % len(TOWNS)], name=name, other=other).encode()


def _serve(seen: Seen) -> bytes:
    number = seen.path.rpartition("/")[2]
    if not number.isdigit():
        return answer(404, b"")
    return answer(200, page_of(int(number)), content_type="text/html; charset=utf-8")


class SmallNews:
    """The site's links, by number."""

    def __init__(self, base: str) -> None:
        self.base = base

    def links(self, numbers: range) -> list[ArticleLink]:
        """Return links to these articles."""
        now = datetime.now(UTC)
        return [link_of(FeedEntry(f"{self.base}/article/{number}"), "", now) for number in numbers]


@contextmanager
def small_news() -> Iterator[SmallNews]:
    """Serve the site until the block ends."""
    with TinyServer({"*": _serve}) as server:
        yield SmallNews(server.base)


if __name__ == "__main__":
    with small_news() as news:
        print(news.base, flush=True)
        sys.stdin.read()

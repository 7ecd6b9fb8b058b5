"""Pages that cost much time or memory, and pages that are not what they say."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator

from newsworld.answers import Answer, Request, always, redirect
from newsworld.stories import stories_in

from hostile.declare import AttackedWorld, Case, pages

# "slow pages": its host has to wait, as its last pages took long
COMPLEX = ("too complex", "too large", "no text", "timeout", "crash", "slow pages")
STORY = "".join(f"<p>{paragraph}</p>" for paragraph in stories_in("en")[0].paragraphs)
ROBOTS_S = 28.0
DRIP_S = 1.0


def page(body: str, head: str = "") -> str:
    """An article around something else."""
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Ostrava Road</title>{head}</head>"
        f"<body><article><h1>Ostrava Road</h1>{STORY}{body}</article></body></html>"
    )


def attributes() -> str:
    return page("<p " + " ".join(f"a{number}=1" for number in range(500_000)) + ">x</p>")


def title_tail() -> str:
    return page("", f'<meta property="og:title" content="Ostrava Road{" | x" * 400_000}">')


def long_title(size: int) -> Callable[[], str]:
    def build() -> str:
        title = "Ostrava Road opens " * (size // 19)
        return page("", f'<meta property="og:title" content="{title}">').replace(
            "<title>Ostrava Road", f"<title>{title}"
        )

    return build


def ordinary(size: int) -> Callable[[], str]:
    """A page that is large only by a script, as many are."""
    return lambda: page("", f"<script>{'var x = 1; ' * (size // 11)}</script>")


def long_text() -> str:
    words = "Petra Lindqvist of Brackenford told the Chamber of Commerce in Ostrava that it would take a year. "
    return page("".join(f"<p>{words * 5}</p>" for _ in range(5_000_000 // (len(words) * 5))))


def nested_data() -> str:
    deep: object = "x"
    for _ in range(900):
        deep = [deep]
    data = json.dumps({"@type": "NewsArticle", "headline": deep, "author": {"name": deep}})
    return page("", f'<script type="application/ld+json">{data}</script>')


def in_encoding(name: str) -> Callable[[], bytes]:
    """A page in an encoding that nothing tells."""
    return lambda: page("").replace("<meta charset=utf-8>", "").encode(name)


def random_bytes() -> bytes:
    return random.Random(1).randbytes(9_000_000)


def empty_blocks(world: AttackedWorld) -> None:
    """Compressed pages that never end and inflate to nothing: empty deflate blocks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(page("").encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    empty = b"\x00\x00\x00\xff\xff" * 100_000

    def pieces() -> Iterator[tuple[float, bytes]]:
        yield 0.0, head
        while True:
            yield 0.01, empty

    _add_endless(world, Answer(headers={"Content-Encoding": "gzip"}, pieces=pieces))


def padding(world: AttackedWorld) -> None:
    """Compressed pages with padding without end after the end of the compressed data."""

    def pieces() -> Iterator[tuple[float, bytes]]:
        yield 0.0, gzip.compress(page("").encode())
        while True:
            yield 0.01, bytes(500_000)

    _add_endless(world, Answer(headers={"Content-Encoding": "gzip"}, pieces=pieces))


def slow_answers(world: AttackedWorld) -> None:
    """Pages that come one byte a second."""

    def pieces() -> Iterator[tuple[float, bytes]]:
        for letter in page(""):
            yield DRIP_S, letter.encode()

    _add_endless(world, Answer(pieces=pieces))


def _add_endless(world: AttackedWorld, answer: Answer) -> None:
    for number in range(3):
        site = world.add_attacker(number)
        world.attack_with_pages(site, {f"/story/{page_no}": always(answer) for page_no in range(8)})


def slow_robots(world: AttackedWorld) -> None:
    """Two hosts whose pages lead to ten others, each of which takes 28 s for its robots.txt."""
    slow = [world.add_attacker(10 + number) for number in range(10)]

    def robots(request: Request) -> Answer:
        return Answer(body=b"User-agent: *\nDisallow:\n", content_type="text/plain", wait_s=ROBOTS_S)

    for site in slow:
        site.robots = robots
    for number in range(2):
        site = world.add_attacker(number)
        routes = {f"/story/{page_no}": always(redirect(f"{slow[page_no % 10].base}/end")) for page_no in range(20)}
        world.attack_with_pages(site, routes)


PAGE_CASES = (
    Case("attributes", pages(attributes), COMPLEX),
    Case("breaks", pages(lambda: page("x<br><br>" * 600_000)), COMPLEX),
    Case("superscripts", pages(lambda: page("<sup>x</sup>" * 350_000)), COMPLEX),
    Case("table of 100k rows", pages(lambda: page(f"<table>{'<tr><td>x' * 100_000}</table>")), COMPLEX),
    Case("tables of 20k rows", pages(lambda: page("<table>" + "<tr><td>a b<td>1,200" * 20_000)), COMPLEX, lands=True),
    Case("title tails", pages(title_tail), COMPLEX, lands=True),
    Case("titles of 5 MB", pages(long_title(2_400_000)), COMPLEX, lands=True),
    Case("headings", pages(lambda: page("<h1>Ostrava Road</h1>" * 100_000)), COMPLEX, lands=True),
    Case("data attributes", pages(lambda: page("<p data-a=1 data-b='x y'>x" * 120_000)), COMPLEX, lands=True),
    Case("nested links", pages(lambda: page("<a href=/x>" * 400_000)), COMPLEX),
    Case("empty blocks of a page", pages(lambda: page("<div></div>" * 250_000)), COMPLEX, lands=True),
    Case("figures", pages(lambda: page("<figure><img src=a.jpg><figcaption>x</figure>" * 50_000)), COMPLEX, lands=True),
    Case("authors", pages(lambda: page("", '<meta name=author content="Ana B">' * 15_000)), COMPLEX, lands=True),
    Case("dates", pages(lambda: page("<span class=date>3 May 2026</span>" * 60_000)), COMPLEX, lands=True),
    Case("5 MB of text", pages(long_text), COMPLEX, lands=True),
    Case("memory", pages(lambda: page("<p>x" * 2_400_000)), COMPLEX),
    Case("ordinary pages of 9.9 MB", pages(ordinary(9_900_000), each=60), COMPLEX, lands=True),
    Case(
        "titles of 1 MB on PostgreSQL",
        pages(long_title(1_000_000), hosts=1, each=6),
        COMPLEX,
        True,
        only_on="postgresql",
    ),
    Case("image without an address", pages(lambda: page("<img srcset='a.jpg 1x, '>")), lands=True),
    Case("charset punycode", pages(lambda: page(""), "text/html; charset=punycode"), lands=True),
    Case("charset idna", pages(lambda: page(""), "text/html; charset=idna"), lands=True),
    Case("nested JSON-LD", pages(nested_data), COMPLEX, lands=True),
    Case(
        "UTF-16 without a mark", pages(in_encoding("utf-16-le"), "text/html"), ("no text", "content type"), lands=True
    ),
    Case(
        "UTF-32 without a mark", pages(in_encoding("utf-32-le"), "text/html"), ("no text", "content type"), lands=True
    ),
    Case("random bytes", pages(random_bytes, "text/html"), (*COMPLEX, "content type")),
    Case("empty deflate blocks", empty_blocks, (*COMPLEX, "protocol")),
    Case("padding after gzip", padding, (*COMPLEX, "protocol"), lands=True),
    Case("a byte a second", slow_answers, COMPLEX),
    Case("slow robots behind redirects", slow_robots, ("timeout", "robots unavailable", "http 404", "host busy")),
)

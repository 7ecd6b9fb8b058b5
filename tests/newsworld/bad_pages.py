"""Sites whose pages go wrong, each in one kind of way, and the expected outcome of each URL."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import formatdate

from newsworld.answers import Answer, Route, always, fail_first, html, redirect, status
from newsworld.feeds import Entry
from newsworld.sites import Site, World
from newsworld.stories import STORIES
from newsworld.templates import CLUTTER, PageFacts, magazine

BOMB_BYTES = 60_000_000
HUGE_BYTES = 50_000_000
RETRY_AFTER_S = 2
# path or URL, outcome, reason, note
Row = tuple[str, str, str, str]


def good_page(site: Site, path: str = "/", number: int = 0) -> Answer:
    """Return a page with nothing wrong with it."""
    story = STORIES[number % len(STORIES)]
    return html(magazine(PageFacts(story, story.paragraphs, site.base + path, site.base, site.name, 1_750_000_000.0)))


def add_bad_site(world: World, site: Site, routes: Mapping[str, Route], rows: Sequence[Row]) -> None:
    """Serve routes, list their URLs in a feed and record their expected outcomes."""
    site.routes.update(routes)
    urls = [where if ":" in where else site.base + where for where, _, _, _ in rows]
    entries = [
        Entry(url, f"Story {number}", f"{site.name}-{number}", world.started - 600 + number)
        for number, url in enumerate(urls)
    ]
    feed = world.add_feed(site, entries)
    for url, (_, outcome, reason, note) in zip(urls, rows, strict=True):
        world.expect(url, feed, outcome, reason, note)


def add_statuses(world: World) -> None:
    site = world.add_site("status.example")
    codes = {500: "failed", 404: "rejected", 410: "rejected", 403: "rejected", 401: "rejected", 451: "rejected"}
    rows = [(f"/{code}", outcome, f"http {code}", "") for code, outcome in codes.items()]
    add_bad_site(world, site, {f"/{code}": always(status(code)) for code in codes}, rows)


def add_flaky_pages(world: World) -> None:
    site = world.add_site("flaky.example")

    def later() -> Answer:
        return status(429, Retry_After=formatdate(time.time() + RETRY_AFTER_S, usegmt=True))

    routes = {
        "/once": fail_first(1, lambda: status(503, Retry_After=str(RETRY_AFTER_S)), good_page(site, "/once", 1)),
        "/error-once": fail_first(1, lambda: status(500), good_page(site, "/error-once", 2)),
        # in no feed: three tries would take longer than the rest of this web together
        "/twice": fail_first(2, lambda: status(500), good_page(site, "/twice", 2)),
    }
    rows = [("/once", "article", "", "after a 503"), ("/error-once", "article", "", "after a 500")]
    add_bad_site(world, site, routes, rows)
    # on its own host: "too many requests" stops all requests to a host
    busy = world.add_site("busy.example")
    route = fail_first(1, later, good_page(busy, "/date", 3))
    add_bad_site(world, busy, {"/date": route}, [("/date", "article", "", "after a 429 that names a date")])


def add_redirects(world: World) -> None:
    site, other = world.add_site("redirect.example"), world.add_site("moved-here.example")
    routes: dict[str, Route] = {f"/hop{number}": always(redirect(f"/hop{number + 1}", 301)) for number in range(3)}
    routes |= {f"/far{number}": always(redirect(f"/far{number + 1}")) for number in range(14)}
    routes |= {
        "/hop3": always(good_page(site, "/hop3", 4)),
        "/away": always(redirect(f"{other.base}/final", 308)),
        "/loop": always(redirect("/pool")),
        "/pool": always(redirect("/loop")),
    }
    rows = [
        ("/hop0", "article", "", "three redirects"),
        ("/away", "article", "", "the same article as that of the other site"),
        ("/loop", "rejected", "redirect loop", "two pages that name each other"),
    ]
    add_bad_site(world, site, routes, rows)
    add_bad_site(world, other, {"/final": always(good_page(other, "/final", 5))}, [("/final", "article", "", "")])
    chain = world.add_site("endless.example")
    add_bad_site(world, chain, routes, [("/far0", "rejected", "redirect loop", "more redirects than anybody follows")])
    forbidden = world.add_site("escape.example")
    forbidden.robots = always(Answer(body=b"User-agent: *\nDisallow: /secret\n", content_type="text/plain"))
    forbidden.forbids = lambda path: path.startswith("/secret")
    escapes = {
        "/metadata": ("http://169.254.169.254/latest/meta-data/", "private address"),
        "/file": ("file:///etc/passwd", "scheme"),
        "/ftp": ("ftp://files.example/story", "scheme"),
        "/script": ("javascript:alert(1)", "scheme"),
        "/hidden": ("/secret/story", "robots"),
    }
    add_bad_site(
        world,
        forbidden,
        {path: always(redirect(target)) for path, (target, _) in escapes.items()},
        [(path, "rejected", reason, "by a redirect") for path, (_, reason) in escapes.items()],
    )
    addresses = world.add_site("addresses.example")
    add_bad_site(
        world,
        addresses,
        {},
        [
            ("gopher://127.0.0.1/x", "rejected", "scheme", ""),
            ("mailto:desk@addresses.example", "rejected", "scheme", ""),
            ("http://169.254.1.1/x", "rejected", "private address", ""),
            ("http://[not-an-address/x", "rejected", "invalid url", ""),
            (f"http://127.2.99.99:{world.port}/x", "failed", "connect", "nothing listens there"),
        ],
    )


def add_sizes_and_stalls(world: World) -> None:
    site = world.add_site("size.example")
    bomb = gzip.compress(b"<p>" + b"0" * BOMB_BYTES + b"</p>")

    def huge() -> Iterator[tuple[float, bytes]]:
        block = b"<p>" + b"x" * 65_000 + b"</p>"
        for _ in range(HUGE_BYTES // len(block)):
            yield 0.0, block

    routes = {
        "/bomb": always(Answer(body=bomb, headers={"Content-Encoding": "gzip"})),
        "/huge": always(Answer(pieces=huge)),
        "/declared": always(Answer(raw=_head(f"Content-Length: {HUGE_BYTES}") + b"<html>")),
    }
    rows = [
        ("/bomb", "rejected", "too large", "60 MB that were compressed"),
        ("/huge", "rejected", "too large", "without a length"),
        ("/declared", "rejected", "too large", "by its Content-Length"),
    ]
    add_bad_site(world, site, routes, rows)
    stalled = world.add_site("stalled.example")

    def drip() -> Iterator[tuple[float, bytes]]:
        for _ in range(int(world.stall_s / 0.25)):
            yield 0.25, b"<p>wait</p>"

    routes = {"/silent": always(Answer(wait_s=world.stall_s)), "/dripping": always(Answer(pieces=drip))}
    rows = [
        ("/silent", "failed", "timeout", "no headers"),
        ("/dripping", "failed", "timeout", "a body that does not end"),
    ]
    add_bad_site(world, stalled, routes, rows)
    broken = world.add_site("broken.example")
    routes = {
        "/noise": always(Answer(raw=b"\x16\x03\x01 this is no HTTP\r\n\r\n")),
        "/cut": always(Answer(raw=_head("Content-Length: 5000") + b"<html><body><p>The council met on")),
    }
    rows = [("/noise", "failed", "protocol", "no HTTP"), ("/cut", "failed", "protocol", "ends before its length")]
    add_bad_site(world, broken, routes, rows)


def _head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", "Content-Type: text/html", *lines, "", "")).encode()


def add_content(world: World) -> None:
    """Add a site whose pages are mostly not articles."""
    site = world.add_site("content.example")
    links = "".join(f'<li><h3><a href="/n/{n}">Story number {n} of this busy day</a></h3></li>' for n in range(30))
    consent = f"<p>{CLUTTER['cookies']} Your consent to cookies is needed. Manage cookies and consent here.</p>"
    routes = {
        "/pdf": always(Answer(body=b"%PDF-1.7 \x00\x01", content_type="application/pdf")),
        "/image": always(Answer(body=b"\x89PNG\r\n\x1a\n", content_type="image/png")),
        "/mislabelled": always(Answer(body=b"%PDF-1.7 \x00\x01", content_type="application/octet-stream")),
        "/empty": always(Answer()),
        "/menu": always(html("<html><body><nav><a href='/'>Home</a></nav></body></html>")),
        "/soft404": always(
            html("<html><head><title>Page not found</title></head><body><p>Try our search.</p></body></html>")
        ),
        "/section": always(html(f"<html><head><title>News</title></head><body><ul>{links}</ul></body></html>")),
        "/consent": always(html(f"<html><head><title>Before you continue</title></head><body>{consent}</body></html>")),
        "/text": always(Answer(body=good_page(site, "/text", 6).body, content_type="text/plain")),
    }
    rows = [
        ("/pdf", "rejected", "content type", ""),
        ("/image", "rejected", "content type", ""),
        ("/mislabelled", "rejected", "content type", "a PDF that says nothing of itself"),
        ("/empty", "rejected", "no text", ""),
        ("/menu", "rejected", "no text", ""),
        ("/soft404", "rejected", "soft 404", ""),
        ("/section", "rejected", "section front", ""),
        ("/consent", "rejected", "consent wall", ""),
        ("/text", "article", "", "HTML that says it is plain text"),
    ]
    add_bad_site(world, site, routes, rows)


def add_charsets(world: World) -> None:
    site = world.add_site("charset.example")
    spanish = next(story for story in STORIES if story.slug == "aceite")
    russian = "Президент встретился с министром в Москве и обсудил строительство нового моста. "

    def written(path: str, charset: str, content_type: str, declared: str = "") -> Route:
        facts = PageFacts(spanish, spanish.paragraphs, site.base + path, site.base, site.name, 1_750_000_000.0)
        text = magazine(facts).replace('charset="utf-8"', f'charset="{declared or charset}"')
        world.describe(site.base + path, spanish.title, spanish.paragraphs, template="magazine")
        return always(Answer(body=text.encode(charset, "xmlcharrefreplace"), content_type=content_type))

    title = "<meta charset='windows-1251'><title>Мост</title>"
    cyrillic = (
        f"<html><head>{title}</head><body><article><h1>Мост</h1><p>{russian * 3}</p><p>{russian * 2}</p></article>"
        "</body></html>"
    )
    routes = {
        "/latin1": written("/latin1", "iso-8859-1", "text/html"),
        "/header-lies": written("/header-lies", "utf-8", "text/html; charset=iso-8859-1"),
        "/meta-lies": written("/meta-lies", "utf-8", "text/html", "iso-8859-1"),
        "/utf16": written("/utf16", "utf-16", "text/html"),
        "/cp1251": always(Answer(body=cyrillic.encode("windows-1251"), content_type="text/html")),
    }
    add_bad_site(world, site, routes, [(path, "article", "", "") for path in routes])


def add_robots(world: World) -> None:
    site = world.add_site("robots.example")
    rules = b"User-agent: *\nDisallow: /private/\nAllow: /private/open$\nCrawl-delay: 2\n"
    site.robots = always(Answer(body=rules, content_type="text/plain"))
    site.forbids = lambda path: path.startswith("/private/") and path != "/private/open"
    paths = ("/private/a", "/private/open", "/public/a")
    routes = {path: always(good_page(site, path, 7 + number)) for number, path in enumerate(paths)}
    add_bad_site(
        world,
        site,
        routes,
        [
            ("/private/a", "rejected", "robots", ""),
            ("/private/open", "article", "", "an exception of robots.txt"),
            ("/public/a", "article", "", ""),
        ],
    )
    answers = {
        "robots-error.example": (Answer(503), "failed", "robots unavailable"),
        "robots-silent.example": (Answer(wait_s=world.stall_s), "failed", "robots unavailable"),
        "robots-forbidden.example": (Answer(403), "article", ""),
        "robots-page.example": (html("<html><body>Welcome</body></html>"), "article", ""),
    }
    for number, (name, (answer, outcome, reason)) in enumerate(answers.items()):
        site = world.add_site(name)
        site.robots = always(answer)
        if outcome != "article":
            site.forbids = lambda path: True
        add_bad_site(world, site, {"/a": always(good_page(site, "/a", number))}, [("/a", outcome, reason, "")])


def add_bad_pages(world: World) -> None:
    """Add every site whose pages go wrong."""
    for add in (
        add_statuses,
        add_flaky_pages,
        add_redirects,
        add_sizes_and_stalls,
        add_content,
        add_charsets,
        add_robots,
    ):
        add(world)

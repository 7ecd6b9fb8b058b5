"""Sites and the world they make up: routes, feeds, expected outcomes of URLs, counts of requests to each host."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from newsworld.answers import Answer, Request, Route, always, conditional, html, status
from newsworld.feeds import FORMATS, Entry


@dataclass
class Site:
    """One host on its own loopback address."""

    name: str
    address: str
    base: str
    routes: dict[str, Route] = field(default_factory=dict)
    robots: Route = field(default_factory=lambda: always(status(404)))
    # whether robots.txt forbids a path
    forbids: Callable[[str], bool] = lambda path: False
    feed_paths: set[str] = field(default_factory=set)
    requests: int = 0
    not_modified: int = 0
    active: int = 0
    most_active: int = 0
    shortest_gap: float | None = None
    robots_breaches: int = 0
    pages: Counter[str] = field(default_factory=Counter)
    last_start: float | None = None

    def start(self, path: str, at: float) -> None:
        """Count a request that came in at `at`, in seconds of a monotonic clock."""
        if self.last_start is not None:
            gap = at - self.last_start
            self.shortest_gap = gap if self.shortest_gap is None else min(self.shortest_gap, gap)
        self.last_start = at
        self.requests += 1
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        if path != "/robots.txt" and path not in self.feed_paths:
            self.pages[path] += 1
            self.robots_breaches += self.forbids(path)

    def end(self) -> None:
        """Count the end of a request."""
        self.active -= 1

    def answer(self, request: Request) -> Answer:
        """Return this site's answer to a request."""
        if request.path == "/robots.txt":
            return self.robots(request)
        route = self.routes.get(request.path)
        given = status(404) if route is None else route(request)
        self.not_modified += given.status == 304
        return given

    def stats(self) -> dict[str, object]:
        """Return the counts of this site for /stats.json."""
        gap = None if self.shortest_gap is None else round(self.shortest_gap, 3)
        return {
            "host": self.name,
            "base": self.base,
            "requests": self.requests,
            "not_modified": self.not_modified,
            "most_active": self.most_active,
            "shortest_gap": gap,
            "robots_breaches": self.robots_breaches,
            "pages": dict(self.pages),
        }


@dataclass
class World:
    """All sites, the feeds to start from and the expected outcomes.

    `drip_s` is the time between the entries that a feed adds, 0 for all at once; `stall_s` is how long hanging sites
    hang.
    """

    port: int
    drip_s: float = 0.0
    stall_s: float = 60.0
    started: float = field(default_factory=time.time)
    sites: dict[str, Site] = field(default_factory=dict)
    feeds: list[str] = field(default_factory=list)
    truth: list[dict[str, object]] = field(default_factory=list)
    articles: list[dict[str, object]] = field(default_factory=list)
    edits: list[Callable[[float], None]] = field(default_factory=list)
    lateness_s: float = 0.0

    def add_site(self, name: str) -> Site:
        """Add a site on the next free address."""
        number = len(self.sites) + 1
        address = f"127.2.{number // 250}.{number % 250 + 1}"
        site = Site(name, address, f"http://{address}:{self.port}")
        self.sites[address] = site
        return site

    def add_feed(
        self, site: Site, entries: Sequence[Entry], kind: str = "rss", path: str = "", listed: bool = True
    ) -> str:
        """Serve entries as a feed of the given kind, newest first, with conditional GET; returns its address.

        `listed` feeds are those to start from; others are found through them. Entries may be replaced later.
        """
        render, content_type, usual_path = FORMATS[kind]
        path = path or usual_path

        def route(request: Request) -> Answer:
            shown = len(entries)
            if self.drip_s:
                shown = min(shown, 1 + int((time.time() - self.started) / self.drip_s))
            changed = max([self.started + self.drip_s * (shown - 1), *(entry.updated for entry in entries[:shown])])
            body = render(site.name, site.base, list(reversed(entries[:shown])))
            return conditional(request, Answer(body=body, content_type=content_type), changed)

        return self.add_feed_route(site, path, route, listed)

    def add_feed_route(self, site: Site, path: str, route: Route, listed: bool = True) -> str:
        """Serve a feed, or something else at its address; returns the address."""
        site.routes[path] = route
        site.feed_paths.add(path)
        if listed:
            self.feeds.append(site.base + path)
        return site.base + path

    def expect(self, url: str, feed: str, outcome: str, reason: str = "", note: str = "") -> None:
        """Record the expected outcome of a URL in a feed."""
        self.truth.append({"url": url, "feed": feed, "outcome": outcome, "reason": reason, "note": note})

    def describe(self, url: str, title: str, paragraphs: Sequence[str], **more: object) -> None:
        """Record the expected content of the article at `url` (without tracking parameters)."""
        self.articles.append({"url": url, "title": title, "paragraphs": list(paragraphs), **more})

    def edit(self) -> None:
        """Edit some articles and their feed entries."""
        for change in self.edits:
            change(time.time())

    def summary(self) -> dict[str, object]:
        """Return what the server prints once it listens."""
        return {
            "control": f"http://127.0.0.1:{self.port}",
            "hosts": len(self.sites),
            "feeds": len(self.feeds),
            "urls": len(self.truth),
            "articles": sum(row["outcome"] == "article" for row in self.truth),
        }


def front_page(site: Site, feed_path: str, content_type: str) -> Answer:
    """Return a home page that names its feed."""
    return html(
        f"<!doctype html><html><head><title>{site.name}</title>"
        f'<link rel="alternate" type="{content_type}" href="{feed_path}"></head>'
        f"<body><h1>{site.name}</h1><p>Today's stories.</p></body></html>"
    )

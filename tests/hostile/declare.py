"""What an attack is: sites and feeds, and how they may end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from newsworld.answers import Answer, Route, always
from newsworld.feeds import Entry, rss
from newsworld.sites import Site, World

HTML = "text/html; charset=utf-8"


@dataclass
class AttackedWorld(World):
    """Good sites, whose feeds a run starts with, and attackers, whose feeds are added later."""

    attack: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """Return what the server prints once it listens."""
        return super().summary() | {"attack": self.attack}

    def add_attacker(self, number: int) -> Site:
        """Add a site of an attacker."""
        return self.add_site(f"attacker-{number}.example")

    def attack_with_pages(self, site: Site, routes: dict[str, Route]) -> None:
        """Serve pages, and name them in a feed that is added when the attack begins."""
        site.routes.update(routes)
        entries = [Entry(site.base + path, f"Story at {path}", site.name + path, self.started) for path in routes]
        self.attack_with_feed(site, always(Answer(body=rss(site.name, site.base, entries), content_type="text/xml")))

    def attack_with_feed(self, site: Site, route: Route, path: str = "/feed.xml") -> None:
        """Serve a feed, or something else at its address, that is added when the attack begins."""
        self.attack.append(self.add_feed_route(site, path, route, listed=False))


@dataclass(frozen=True, slots=True)
class Case:
    """One attack. `build` adds its sites, pages and feeds to the world.

    `ends` are the reasons with which its pages may be rejected or fail, `lands` tells whether they may also become
    articles. `most_feeds` and `most_urls` are how many feeds and URLs the attacker may bring into the tables, `most_mb`
    how much memory a process of newsbeam may have meanwhile. `only_on` names the only kind of database that it is for.
    """

    name: str
    build: Callable[[AttackedWorld], None]
    ends: Sequence[str] = ()
    lands: bool = False
    most_feeds: int = 10
    most_urls: int = 1_000
    most_mb: int = 900
    only_on: str = ""


def pages(
    body: Callable[[], bytes | str],
    content_type: str = HTML,
    hosts: int = 3,
    each: int = 8,
    headers: dict[str, str] | None = None,
) -> Callable[[AttackedWorld], None]:
    """Build attackers who all serve one body under some addresses each."""

    def build(world: AttackedWorld) -> None:
        made = body()
        raw = made.encode("utf-8", "surrogatepass") if isinstance(made, str) else made
        route = always(Answer(body=raw, content_type=content_type, headers=headers or {}))
        for number in range(hosts):
            site = world.add_attacker(number)
            world.attack_with_pages(site, {f"/story/{page}": route for page in range(each)})

    return build


def feed(
    body: Callable[[], bytes | str],
    content_type: str = "text/xml",
    hosts: int = 3,
    headers: dict[str, str] | None = None,
) -> Callable[[AttackedWorld], None]:
    """Build attackers who each serve one body as their feed."""

    def build(world: AttackedWorld) -> None:
        made = body()
        raw = made.encode("utf-8", "surrogatepass") if isinstance(made, str) else made
        for number in range(hosts):
            route = always(Answer(body=raw, content_type=content_type, headers=headers or {}))
            world.attack_with_feed(world.add_attacker(number), route)

    return build

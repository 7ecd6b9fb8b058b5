"""The pages of this web without a server, for tests that need only bytes."""

from __future__ import annotations

from newsworld.answers import Request, decoded
from newsworld.publishers import add_publishers
from newsworld.sites import World


def read_pages(pages: int | None = None) -> list[tuple[dict[str, object], bytes]]:
    """Return the expected content of each publisher's article, as in `Newsworld.articles`, with its page."""
    world = World(port=80)
    add_publishers(world, pages)
    sites = {site.base: site for site in world.sites.values()}
    found = []
    for row in world.articles:
        base, slash, path = str(row["url"]).partition("/news/")
        answer = sites[base].answer(Request("GET", slash + path, "", {}))
        found.append((row, decoded(answer)))
    return found

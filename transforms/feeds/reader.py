"""Read the entries of a feed from its bytes, whatever its format.

To add a format, write a function from Document to ParsedFeed and add a line to READERS.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from transforms.errors import FeedUnreadable
from transforms.feeds.formats.jsonfeed import read_json_feed
from transforms.feeds.formats.markup import Document, open_document
from transforms.feeds.formats.sitemaps import read_sitemap, read_sitemap_index
from transforms.feeds.formats.syndication import read_syndication
from transforms.records import ParsedFeed

READERS: dict[str, Callable[[Document], ParsedFeed]] = {
    "rss": read_syndication,
    "rdf": read_syndication,
    "channel": read_syndication,
    "feed": read_syndication,
    "{": read_json_feed,
    "urlset": read_sitemap,
    "sitemapindex": read_sitemap_index,
}

_REFUSALS = {
    "html": "an HTML page, not a feed",
    "head": "an HTML page, not a feed",
    "body": "an HTML page, not a feed",
    "opml": "an OPML list of feeds, not a feed",
    "": "not a feed of a known format",
}


def parse_feed(body: bytes, url: str, content_type: str = "", now: datetime | None = None) -> ParsedFeed:
    """Parse a response of the feed at `url`.

    The root element decides the format; `content_type` is the HTTP header and only a hint of the charset. Entries keep
    the feed's order and have absolute addresses; those without an address are left out. The age of sitemap entries is
    counted from `now`; without it, none is too old.

    Raises FeedUnreadable, with a one-line reason, for anything that is not a feed, and FeedTooComplex for one beyond
    the limits of transforms.feeds.formats.rows.
    """
    document = open_document(body, url, content_type, now)
    reader = READERS.get(document.root)
    if reader is None:
        raise FeedUnreadable(_REFUSALS.get(document.root, f"<{document.root}> is not a feed of a known format"))
    return reader(document)

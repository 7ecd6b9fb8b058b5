"""Find the addresses of feeds: in the head of a page, in OPML, in lists of addresses."""

from __future__ import annotations

from lxml import etree

from transforms.errors import FeedUnreadable
from transforms.feeds.formats.markup import absolute_url, decode_body, local_name, parse_xml, root_name, root_start

_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json")


def find_feeds(html: bytes, url: str) -> tuple[str, ...]:
    """Return the absolute addresses of the feeds in a page's `<link rel=alternate>`, in page order.

    `application/json` counts only if the address or the title mentions a feed, since WordPress links every page's API
    with that type (https://blog.whatwg.org/feed-autodiscovery, https://www.jsonfeed.org/version/1.1/#discovery).
    """
    text = decode_body(html).replace("\x00", "").strip()
    if not text:
        return ()
    parser = etree.HTMLParser(no_network=True, huge_tree=False, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return ()
    if root is None:
        return ()
    base = url
    for element in root.iter("base"):
        base = absolute_url(element.get("href"), url) or url
        break
    found: dict[str, None] = {}
    for element in root.iter("link"):
        relations = (element.get("rel") or "").lower().split()
        kind = (element.get("type") or "").partition(";")[0].strip().lower()
        about = ((element.get("href") or "") + " " + (element.get("title") or "")).lower()
        named = kind in _FEED_TYPES or (kind == "application/json" and "feed" in about)
        address = absolute_url(element.get("href"), base)
        if address and named and ("alternate" in relations or "feed" in relations):
            found.setdefault(address)
    return tuple(found)


def read_opml(body: bytes) -> tuple[str, ...]:
    """Return the feeds of an OPML list, including nested outlines, each once and in order.

    Raises FeedUnreadable for anything else.
    """
    text = decode_body(body).lstrip("\ufeff").strip()
    text = text[root_start(text) :]
    if root_name(text) != "opml":
        raise FeedUnreadable("not an OPML list")
    try:
        root = parse_xml(text)
    except FeedUnreadable:
        root = parse_xml(text, recover=True)
    found: dict[str, None] = {}
    for element in root.iter():
        if local_name(element) != "outline":
            continue
        address = next((value for name, value in element.items() if name.lower() == "xmlurl"), "").strip()
        if address:
            found.setdefault(address)
    return tuple(found)


def read_feed_list(text: str) -> tuple[str, ...]:
    """Return the addresses of a list with one per line, without duplicates, empty lines and `#` comments."""
    found: dict[str, None] = {}
    for line in text.lstrip("\ufeff").splitlines():
        line = line.strip()
        if line.startswith("#"):
            continue
        address = line.partition(" #")[0].partition("\t#")[0].strip()
        if address:
            found.setdefault(address)
    return tuple(found)

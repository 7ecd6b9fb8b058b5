"""The places of a page where metadata stands: meta tags, linked data, headings, marked elements.

Everything is read once, within bounds, and handed to the readers of single fields (authors, published, sites, ...).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree

from transforms.page.read.linked_data import Node, choose_article, read_linked_data
from transforms.urls import host_of

# The rest of what a page repeats is not read. Of 1,746 pages the largest has 286 <meta>, one of 25,352 characters, 64
# <h1> and a <title> of 398 characters; a heading of 3,166 is a page that opens in an <h1>.
_MAX_METAS = 1_500
_MAX_META_CHARS = 130_000
_MAX_HEADINGS = 320
MAX_TITLE_CHARS = 4_000
# the longest name of a site has 116, the longest section 245
MAX_NAME_CHARS = 2_000
# the longest address of a picture has 4,986
_MAX_LINK_CHARS = 20_000
# elements that are tried as the byline, and as the date; the most <time> are 116
MAX_MARKED = 600

# only known elements: "<The Palace>" is the title of a play. A description may end in the middle of a tag.
_MARKUP = re.compile(
    r"<!\[CDATA\[|\]\]>|<!--.{0,500}?-->|</?(?:a|abbr|article|aside|b|big|blockquote|body|br|center|cite|code|div|em|figure|"
    r"figcaption|font|h[1-6]|hr|i|iframe|img|li|ol|p|pre|q|s|script|section|small|span|strike|strong|style|sub|sup|table|"
    r"tbody|td|th|tr|u|ul|video)(?=[\s/>])[^<>]{0,2000}(?:>|$)",
    re.IGNORECASE,
)


def read_meta_tags(tree: etree._Element) -> dict[str, list[str]]:
    """Return the contents of `<meta>` by lower-case name, property or itemprop."""
    tags: dict[str, list[str]] = {}
    for meta in islice(tree.iter("meta"), _MAX_METAS):
        content = " ".join((meta.get("content") or "")[:_MAX_META_CHARS].split())
        if content:
            for attribute in ("name", "property", "itemprop", "http-equiv"):
                name = meta.get(attribute)
                if name:
                    tags.setdefault(name.strip().lower(), []).append(content)
    return tags


def plain_line(text: str) -> str:
    """Return a text that may hold markup or entities, even twice escaped, as one plain line."""
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "<" in text:
        text = _MARKUP.sub(" ", text)
    return " ".join(text.split())


class PageSources:
    """What a page says of itself, before any of it is judged.

    `article` is the linked data's node of the page's own article, empty if there is none.
    """

    def __init__(self, tree: etree._Element, url: str) -> None:
        self.tree, self.url = tree, url
        self.host = host_of(url)
        self.tags = read_meta_tags(tree)
        self.nodes = read_linked_data(tree)
        self.by_id: dict[str, Node] = {}
        for node in self.nodes:
            if isinstance(node.get("@id"), str) and len(node) > 1:
                self.by_id.setdefault(node["@id"], node)
        headings = (read_line(h, MAX_TITLE_CHARS) for h in islice(tree.iter("h1"), _MAX_HEADINGS))
        self.headings = [heading for heading in headings if heading]
        titles = (t.text for t in tree.iter("title") if t.text)
        self.document_title = " ".join(next(titles, "")[:MAX_TITLE_CHARS].split())
        self.article = choose_article(self.nodes, self.first_tag("og:title")[:MAX_TITLE_CHARS] or self.document_title)

    def first_tag(self, *names: str) -> str:
        """Return the content of the first of these meta tags that the page has, or ""."""
        return next((self.tags[name][0] for name in names if name in self.tags), "")

    def tag_pairs(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield every content of these meta tags, each with the name of its source."""
        for name in names:
            for value in self.tags.get(name, ()):
                yield f"meta {name}", value

    def resolve(self, value: Any) -> Any:
        """Replace a reference `{"@id": ...}` by the node that it refers to."""
        if isinstance(value, dict) and "name" not in value and isinstance(value.get("@id"), str):
            return self.by_id.get(value["@id"], value)
        if isinstance(value, list):
            return [self.resolve(v) if isinstance(v, dict) else v for v in value[:50]]
        return value

    def absolute(self, link: str | None) -> str:
        """Return a link of the page as a whole address, or "" if it is none of the web."""
        if not link or len(link) > _MAX_LINK_CHARS:
            return ""
        try:
            whole = urljoin(self.url, link.strip())
            return whole if urlsplit(whole).scheme in ("http", "https") else ""
        except ValueError:
            return ""


def read_start(element: etree._Element, limit: int, between: str = "") -> str:
    """Return the first `limit` characters of the text of an element, without collecting all of it.

    `between` stands between the texts of its parts.
    """
    pieces: list[str] = []
    size = 0
    for piece in element.itertext():
        pieces.append(piece)
        size += len(piece)
        if size >= limit:
            break
    return between.join(pieces)[:limit]


def read_line(element: etree._Element, limit: int) -> str:
    """Return the start of the text of an element as one line."""
    return " ".join(read_start(element, limit, " ").split())

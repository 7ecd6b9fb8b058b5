"""Read RSS 0.9x, 1.0 (RDF) and 2.0, Atom 0.3 and 1.0, and CDF.

A document is read as XML first; if it is not well-formed, or has no item in that reading, it is read loosely; and if
no entry comes of that either, by feedparser. Elements
of other formats and of the usual modules count wherever they stand: an RSS item may have an Atom link, a Dublin Core
date and an iTunes title. Where several elements say the same, the format's own goes first.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from transforms.errors import FeedUnreadable
from transforms.feeds.formats.last_resort import read_with_feedparser
from transforms.feeds.formats.loose import read_loosely
from transforms.feeds.formats.markup import Document, absolute_url, parse_time, plain_text
from transforms.feeds.formats.rows import MAX_ENTRIES, MODULES, Harvest, Node, read_well_formed
from transforms.records import FeedEntry, ParsedFeed

_KINDS = {"rss": "rss", "channel": "rss", "rdf": "rdf", "feed": "atom"}
_ROWS = frozenset(("item", "entry"))
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_ROW = re.compile(r"<(?:[\w.-]{1,40}:)?(?:item|entry)[\s/>]", re.I)
# https://web.resource.org/rss/1.0/modules/syndication/
_PERIODS = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
SUMMARY_LIMIT = 500
_TITLE_LIMIT = 1000
_MAX_TAGS = 50

# namespaces of titles, the better first
_TITLE_SPACES = ("", "atom", "dc", "itunes", "media")
# elements that say when an entry was published or changed, the better first
_PUBLISHED = ("pubdate", "published", "issued", "date", "publicationdate", "created")
_UPDATED = ("updated", "modified", "lastbuilddate")
_SUMMARIES = ("description", "summary", "encoded", "content", "abstract", "itunes")
_RELATIONS = ("", "alternate")
# what an entry without a page of its own may be about
_OTHER_RELATIONS = ("related", "via", "self")


def read_syndication(document: Document) -> ParsedFeed:
    """Read an RSS, RDF or Atom document; raises FeedUnreadable or FeedTooComplex."""
    try:
        reading = _Reading(document)
        read_well_formed(document.text, reading.harvest, document.cut)
    except FeedUnreadable:
        reading = _read_loosely(document)
    else:
        if not reading.harvest.rows and _ROW.search(document.text):
            reading = _read_loosely(document)
    feed = reading.feed()
    if not feed.entries and _ROW.search(document.text):
        with contextlib.suppress(FeedUnreadable):
            return read_with_feedparser(document, feed.kind)
    return feed


def _read_loosely(document: Document) -> _Reading:
    reading = _Reading(document)
    read_loosely(document.text, reading.harvest, document.cut)
    if not reading.harvest.rows and not reading.harvest.head:
        raise FeedUnreadable(f"<{document.root}> holds no feed")
    return reading


class _Reading:
    """The state of one reading of a document: entries are made as their rows end."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.harvest = Harvest(_ROWS, self._take)
        self._entries: list[FeedEntry] = []
        self._base = ""
        self._language = ""

    def feed(self) -> ParsedFeed:
        head, scope = self.harvest.head, self.harvest.scope
        language = _language_of(_first_text(head, "language") or scope.get("lang"))
        entries = self._entries
        if language != self._language:
            entries = [entry if entry.language else replace(entry, language=language) for entry in entries]
        return ParsedFeed(
            kind=_KINDS.get(self._document.root, "rss"),
            title=_title_of(head, ""),
            language=language,
            ttl_s=_ttl_of(head),
            entries=tuple(entries),
            truncated=self.harvest.truncated,
        )

    def _take(self, row: Node) -> None:
        if not self._base:
            scope = self.harvest.scope
            self._base = absolute_url(scope.get("base"), self._document.url) or self._document.url
            self._language = _language_of(_first_text(self.harvest.head, "language") or scope.get("lang"))
        entry = _entry_of(row, self._base, self._language)
        if entry is not None:
            self._entries.append(entry)
        if self.harvest.rows >= MAX_ENTRIES:
            self.harvest.full()


def _entry_of(row: Node, base: str, language: str) -> FeedEntry | None:
    attributes = row.attributes
    guid = original = plain_link = ""
    links: list[Node] = []
    authors: list[str] = []
    tags: list[str] = []
    dates: dict[str, Node] = {}
    summaries: dict[str, Node] = {}
    permalink = ""
    for child in row.children:
        name, space = child.name, child.space
        if space and space not in MODULES and space != row.space and name not in _PUBLISHED:
            continue
        if name == "link":
            if child.attributes.get("href"):
                links.append(child)
            elif not plain_link:
                plain_link = child.text.strip()
        elif name in ("guid", "id"):
            if space in ("", "atom", row.space) and not guid:
                guid = child.text.strip()
                if child.attributes.get("ispermalink", "true").lower() == "true" and _is_web(guid):
                    permalink = guid
        elif name in ("author", "creator"):
            authors.append(child.child_text("name") or child.text)
        elif name in ("category", "subject"):
            tags.append(child.attributes.get("label") or child.attributes.get("term") or child.text)
        elif name == "origlink":
            original = child.text.strip()
        elif name in _PUBLISHED or name in _UPDATED:
            dates.setdefault(name, child)
        elif name in _SUMMARIES:
            # iTunes has a summary too, which counts last
            summaries.setdefault(name if space != "itunes" else "itunes", child)
    if row_base := attributes.get("base"):
        base = absolute_url(row_base, base) or base
    about = attributes.get("about", "").strip()
    url = (
        absolute_url(original or plain_link, base)
        or _best_link(links, _RELATIONS, base)
        or absolute_url(permalink or attributes.get("href") or (about if _is_web(about) else ""), base)
        or _best_link(links, _OTHER_RELATIONS, base)
    )
    if not url:
        return None
    updated = _first_date(dates, _UPDATED)
    if updated is None and "lastmod" in attributes:
        updated = parse_time(attributes["lastmod"])
    return FeedEntry(
        url=url,
        title=_title_of(row.children, row.space),
        guid=plain_text(guid or about, _TITLE_LIMIT),
        published_at=_first_date(dates, _PUBLISHED) or updated,
        updated_at=updated,
        authors=_names_of(authors),
        summary=_summary_of(summaries) if summaries else "",
        tags=_tags_of(tags),
        language=(_language_of(attributes["lang"]) if "lang" in attributes else "") or language,
    )


def _best_link(links: list[Node], relations: tuple[str, ...], base: str) -> str:
    """Return the address of a link with one of the relations, to HTML rather than to other types; or ""."""
    pages = [link for link in links if link.attributes.get("rel", "").strip().lower() in relations]
    html = (link for link in pages if link.attributes.get("type", "text/html").lower() in ("text/html", ""))
    for link in (*html, *pages):
        own = link.attributes.get("base")
        if url := absolute_url(link.attributes["href"], (absolute_url(own, base) or base) if own else base):
            return url
    return ""


def _title_of(fields: Iterable[Node], space: str) -> str:
    best, rank = "", len(_TITLE_SPACES)
    for field in fields:
        if field.name == "title":
            place = 0 if field.space == space else _rank(field.space)
            if place < rank and (text := _text_of(field, _TITLE_LIMIT)):
                best, rank = text, place
                if not rank:
                    break
        elif field.name == "group" and field.space == "media" and not best:
            best = plain_text(field.child_text("title"), _TITLE_LIMIT)
    return best


def _rank(space: str) -> int:
    return _TITLE_SPACES.index(space) if space in _TITLE_SPACES else len(_TITLE_SPACES)


def _text_of(field: Node, limit: int) -> str:
    text = field.text
    if not field.attributes:
        return plain_text(text, limit)
    kind = field.attributes.get("type", "").lower()
    encoded = field.attributes.get("mode", "").lower() == "base64"
    # https://www.rfc-editor.org/rfc/rfc4287#section-4.1.3.3: any other media type is in base64
    if encoded or ("/" in kind and not kind.startswith("text/") and not kind.endswith(("xml", "html"))):
        with contextlib.suppress(binascii.Error, ValueError):
            text = base64.b64decode("".join(text[: limit * 15].split()), validate=True).decode("utf-8", "replace")
    return plain_text(text, limit)


def _summary_of(fields: Mapping[str, Node]) -> str:
    texts = (_text_of(fields[name], SUMMARY_LIMIT) for name in _SUMMARIES if name in fields)
    return next((text for text in texts if text), "")


def _first_text(fields: Iterable[Node], name: str) -> str:
    return next((text for field in fields if field.name == name and (text := field.text.strip())), "")


def _first_date(dates: Mapping[str, Node], names: tuple[str, ...]) -> datetime | None:
    for name in names:
        if name in dates and (at := parse_time(dates[name].text)) is not None:
            return at
    return None


def _is_web(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def _language_of(value: object) -> str:
    return value if isinstance(value, str) and _LANGUAGE.fullmatch(value) else ""


def _names_of(authors: list[str]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for author in authors[:_MAX_TAGS]:
        # RSS 2.0 asks for `address (name)`
        found = re.fullmatch(r"[^\s@()]+@[^\s@()]+\s*\(([^()]+)\)", author.strip()[:400]) if "@" in author else None
        if name := _short_text(found[1] if found else author):
            names.setdefault(name)
    return tuple(names)


def _tags_of(tags: list[str]) -> tuple[str, ...]:
    terms = dict.fromkeys(map(_short_text, tags[: 2 * _MAX_TAGS]))
    return tuple(term for term in terms if term)[:_MAX_TAGS]


def _short_text(text: str) -> str:
    return _known_text(text) if len(text) < 100 else plain_text(text, 200)


@lru_cache(maxsize=4096)
def _known_text(text: str) -> str:
    # the names and tags of a feed repeat
    return plain_text(text, 200)


def _ttl_of(head: list[Node]) -> float | None:
    minutes = _first_text(head, "ttl")
    if re.fullmatch(r"[0-9]{1,9}", minutes) and int(minutes):
        return int(minutes) * 60.0
    period = _PERIODS.get(_first_text(head, "updateperiod").lower())
    frequency = _first_text(head, "updatefrequency") or "1"
    if period and re.fullmatch(r"[1-9][0-9]{0,5}", frequency):
        return period / int(frequency)
    return None

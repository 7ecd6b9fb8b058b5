"""Read RSS 0.9x, 1.0 (RDF) and 2.0, and Atom: fastfeedparser for well-formed feeds, feedparser for the rest.

fastfeedparser parses in recovery mode and does not report what it recovered from: it silently turns `?x=1&y=2` into
`?x=1=2`, which is another article. So the text is first parsed strictly, as it is and then with ampersands escaped;
that tree also supplies what fastfeedparser leaves out.
"""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import fastfeedparser
import feedparser

from transforms.errors import FeedUnreadable
from transforms.feeds.formats.markup import (
    Document,
    absolute_url,
    child_text,
    local_name,
    mend_ampersands,
    parse_time,
    parse_xml,
    plain_text,
)
from transforms.records import FeedEntry, ParsedFeed

_KINDS = {"rss": "rss", "channel": "rss", "rdf": "rdf", "feed": "atom"}
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_DATES = frozenset(
    ("pubdate", "published", "issued", "date", "created", "lastbuilddate", "updated", "modified"),
)
# https://web.resource.org/rss/1.0/modules/syndication/
_PERIODS = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
SUMMARY_LIMIT = 500
_TITLE_LIMIT = 1000
_MAX_TAGS = 50
# feedparser takes up to 12 s of CPU for a million characters of hostile text; feeds start with the newest entries
MAX_BROKEN = 1_000_000


def read_syndication(document: Document) -> ParsedFeed:
    """Read an RSS, RDF or Atom document; raises FeedUnreadable."""
    try:
        text, root = _parse_strictly(document.text)
        feed = _read_well_formed(document, text, root)
    except FeedUnreadable:
        return _read_broken(document)
    if not feed.entries and re.search(r"<(?:\w+:)?(?:item|entry)[\s>]", document.text):
        return _read_broken(document)
    return feed


def _parse_strictly(text: str) -> tuple[str, Any]:
    try:
        return text, parse_xml(text)
    except FeedUnreadable:
        mended = mend_ampersands(text)
        return mended, parse_xml(mended)


def _read_well_formed(document: Document, text: str, root: Any) -> ParsedFeed:
    try:
        parsed = fastfeedparser.parse(text.encode(), include_content=False, include_media=False)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as exc:
        raise FeedUnreadable(f"fastfeedparser: {exc}") from exc
    channel = next((child for child in root if local_name(child) == "channel"), root)
    language = _language_of(child_text(channel, "language") or root.get(_LANG) or channel.get(_LANG))
    base = absolute_url(root.get(_BASE), document.url) or document.url
    elements = list(root.iter("{*}item", "{*}entry"))
    rows = parsed["entries"]
    if len(elements) != len(rows):
        raise FeedUnreadable("items in unusual places")
    entries = (_entry_of(row, element, base, language) for row, element in zip(rows, elements, strict=True))
    return ParsedFeed(
        kind=_KINDS.get(document.root, "rss"),
        title=plain_text(parsed["feed"].get("title")) or plain_text(_inner_text(channel, "title")),
        language=language,
        ttl_s=_ttl_of(channel),
        entries=tuple(entry for entry in entries if entry is not None),
    )


def _entry_of(row: Mapping[str, Any], element: Any, base: str, language: str) -> FeedEntry | None:
    permalink = original = guid = title = ""
    authors: list[str] = []
    dated = False
    for child in element:
        name = local_name(child)
        text = child.text or ""
        if name == "guid":
            guid = text.strip()
            if child.get("isPermaLink", "true").lower() == "true" and re.match(r"https?://", guid, re.I):
                permalink = guid
        elif name == "origlink":
            original = text
        elif name in ("author", "creator"):
            authors.append(child_text(child, "name") or text)
        elif name == "title" and len(child) and not title:
            # Atom titles of type xhtml
            title = "".join(child.itertext())
        elif name in _DATES:
            dated = True
    base = absolute_url(element.get(_BASE), base) or base
    link = row.get("link") or ""
    if link == guid and not permalink and not child_text(element, "link"):
        # fastfeedparser takes any guid that looks like an address, even one with isPermaLink="false"
        link = ""
    url = absolute_url(original, base) or absolute_url(link or permalink, base)
    if not url:
        return None
    return FeedEntry(
        url=url,
        title=plain_text(title or row.get("title"), _TITLE_LIMIT),
        guid=plain_text(row.get("id"), _TITLE_LIMIT),
        # without a date element fastfeedparser takes a number in the guid for a date
        published_at=parse_time(row.get("published")) if dated else None,
        updated_at=parse_time(row.get("updated")) if dated else None,
        authors=_names_of(authors),
        summary=plain_text(row.get("description"), SUMMARY_LIMIT),
        tags=_tags_of(row.get("tags")),
        language=_language_of(element.get(_LANG)) or language,
    )


def _read_broken(document: Document) -> ParsedFeed:
    # feedparser first tries a bytes argument as a file name, so it gets a stream. A document type in the middle of a
    # broken document would still be honoured, so it is turned into text.
    text = re.sub(r"<!(?=DOCTYPE|ENTITY|ELEMENT|ATTLIST)", "&lt;!", document.text[:MAX_BROKEN], flags=re.I)
    text = mend_ampersands(text)
    try:
        parsed = feedparser.parse(
            io.BytesIO(text.encode()),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
            sanitize_html=False,
        )
        feed = parsed["feed"]
        language = _language_of(feed.get("language"))
        entries = tuple(
            entry for row in parsed["entries"] if (entry := _loose_entry_of(row, document.url, language)) is not None
        )
        title = plain_text(feed.get("title"))
        ttl = feed.get("ttl")
    except Exception as exc:
        # hostile bytes reach every part of feedparser; whatever it raises means that it cannot read them
        raise FeedUnreadable(plain_text(f"feedparser: {type(exc).__name__}: {exc}", 300)) from exc
    if not entries and not parsed.get("version"):
        raise FeedUnreadable(f"<{document.root}> holds no feed")
    return ParsedFeed(
        kind=_KINDS.get(document.root, "rss"),
        title=title,
        language=language,
        ttl_s=_minutes(ttl),
        entries=entries,
    )


def _loose_entry_of(row: Mapping[str, Any], base: str, language: str) -> FeedEntry | None:
    link = row.get("feedburner_origlink") or row.get("link")
    if not link and row.get("guidislink"):
        link = row.get("id")
    url = absolute_url(link, base)
    if not url:
        return None
    published = _time_of(row.get("published_parsed"))
    # feedparser also returns the other time under this name
    updated = _time_of(row["updated_parsed"]) if "updated_parsed" in row else None
    return FeedEntry(
        url=url,
        title=plain_text(row.get("title"), _TITLE_LIMIT),
        guid=plain_text(row.get("id"), _TITLE_LIMIT),
        published_at=published or updated,
        updated_at=updated,
        authors=_names_of([author.get("name") or "" for author in row.get("authors") or []]),
        summary=plain_text(row.get("summary"), SUMMARY_LIMIT),
        tags=_tags_of(row.get("tags")),
        language=language,
    )


def _inner_text(element: Any, name: str) -> str:
    return next(("".join(child.itertext()) for child in element if local_name(child) == name), "")


def _language_of(value: object) -> str:
    return value if isinstance(value, str) and _LANGUAGE.fullmatch(value) else ""


def _names_of(authors: list[str]) -> tuple[str, ...]:
    names = []
    for author in authors:
        # RSS 2.0 asks for `address (name)`
        found = re.fullmatch(r"[^\s@()]+@[^\s@()]+\s*\(([^()]+)\)", author.strip())
        name = plain_text(found[1] if found else author, 200)
        if name and name not in names:
            names.append(name)
    return tuple(names[:_MAX_TAGS])


def _tags_of(tags: Any) -> tuple[str, ...]:
    terms = (plain_text(tag.get("label") or tag.get("term"), 200) for tag in tags or [])
    return tuple(dict.fromkeys(term for term in terms if term))[:_MAX_TAGS]


def _ttl_of(channel: Any) -> float | None:
    minutes = _minutes(child_text(channel, "ttl"))
    if minutes is not None:
        return minutes
    period = _PERIODS.get(child_text(channel, "updateperiod").lower())
    frequency = child_text(channel, "updatefrequency") or "1"
    if period and re.fullmatch(r"[1-9][0-9]{0,5}", frequency):
        return period / int(frequency)
    return None


def _minutes(value: object) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()) and int(value):
        return int(value) * 60.0
    return None


def _time_of(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(value), UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None

"""Read with feedparser a feed in which our own readers find no entry although it has items.

feedparser has met more kinds of damage than any other reader, but takes up to 12 s of CPU for a million characters of
hostile text, so it only gets what is left, and the start of that.
"""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import feedparser

from transforms.errors import FeedUnreadable
from transforms.feeds.formats.markup import Document, absolute_url, plain_text
from transforms.records import FeedEntry, ParsedFeed

# in characters; feeds start with the newest entries
MOST = 300_000
LONGEST = 1_000
LONGEST_SUMMARY = 500


def read_with_feedparser(document: Document, kind: str) -> ParsedFeed:
    """Return the feed that feedparser reads; raises FeedUnreadable if it finds no entry with an address either."""
    # a document type in the middle of a broken document would still be honoured, so it is turned into text
    text = re.sub(r"<!(?=DOCTYPE|ENTITY|ELEMENT|ATTLIST)", "&lt;!", document.text[:MOST], flags=re.I)
    try:
        # a stream, since feedparser first tries bytes as a file name
        parsed = feedparser.parse(
            io.BytesIO(text.encode("utf-8", "replace")),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
            sanitize_html=False,
        )
        entries = tuple(entry for row in parsed["entries"] if (entry := _entry_of(row, document.url)) is not None)
        title = plain_text(parsed["feed"].get("title"), LONGEST)
    except Exception as exc:
        # hostile bytes reach every part of feedparser; whatever it raises means that it cannot read them
        raise FeedUnreadable(plain_text(f"feedparser: {type(exc).__name__}: {exc}", 300)) from exc
    if not entries:
        raise FeedUnreadable(f"<{document.root}> has items, but no address in any of them")
    return ParsedFeed(kind=kind, title=title, entries=entries, truncated=len(document.text) > MOST)


def _entry_of(row: Mapping[str, Any], base: str) -> FeedEntry | None:
    url = absolute_url(row.get("link") or (row.get("id") if row.get("guidislink") else ""), base)
    if not url:
        return None
    updated = _time_of(row["updated_parsed"]) if "updated_parsed" in row else None
    return FeedEntry(
        url=url,
        title=plain_text(row.get("title"), LONGEST),
        guid=plain_text(row.get("id"), LONGEST),
        published_at=_time_of(row.get("published_parsed")) or updated,
        updated_at=updated,
        summary=plain_text(row.get("summary"), LONGEST_SUMMARY),
    )


def _time_of(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(calendar.timegm(value), UTC) if value else None
    except (OverflowError, TypeError, ValueError):
        return None

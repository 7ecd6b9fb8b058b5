"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import json
from typing import Any

from transforms.errors import FeedTooComplex, FeedUnreadable
from transforms.feeds.formats.markup import Document, absolute_url, parse_time, plain_text
from transforms.feeds.formats.rows import MAX_ENTRIES
from transforms.records import FeedEntry, ParsedFeed

# 10,000 entries of 50 values each; commas within texts count too
MAX_VALUES = 1_000_000


def read_json_feed(document: Document) -> ParsedFeed:
    """Read a JSON Feed; raises FeedUnreadable for other JSON, FeedTooComplex for more than MAX_VALUES values."""
    text = document.text
    if document.cut:
        raise FeedTooComplex("the text is too long")
    # each value but the first stands after one of these
    if text.count(",") + text.count("[") + text.count("{") > MAX_VALUES:
        raise FeedTooComplex(f"more than {MAX_VALUES} JSON values")
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise FeedUnreadable(f"not JSON: {exc}") from exc
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        raise FeedUnreadable("JSON without items, so not a JSON Feed")
    language = plain_text(feed.get("language"), 20)
    entries = (_entry_of(item, document.url, language) for item in items[:MAX_ENTRIES] if isinstance(item, dict))
    return ParsedFeed(
        kind="json",
        title=plain_text(feed.get("title")),
        language=language,
        entries=tuple(entry for entry in entries if entry is not None),
        truncated=len(items) > MAX_ENTRIES,
    )


def _entry_of(item: dict[str, Any], base: str, language: str) -> FeedEntry | None:
    name = item.get("id")
    guid = plain_text(str(name) if isinstance(name, str | int | float) and name else "")
    # the specification recommends the permalink as id, and some feeds have it only there; the page that an entry of a
    # link blog is about comes last
    url = (
        absolute_url(item.get("url"), base)
        or absolute_url(guid if guid.startswith(("http://", "https://")) else "", base)
        or absolute_url(item.get("external_url"), base)
    )
    if not url:
        return None
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = (plain_text(author.get("name"), 200) for author in (authors or [])[:50] if isinstance(author, dict))
    tags = item.get("tags") if isinstance(item.get("tags"), list) else []
    terms = (plain_text(tag, 200) for tag in (tags or [])[:100])
    updated = parse_time(item.get("date_modified"))
    return FeedEntry(
        url=url,
        title=plain_text(item.get("title")),
        guid=guid,
        published_at=parse_time(item.get("date_published")) or updated,
        updated_at=updated,
        authors=tuple(dict.fromkeys(name for name in names if name)),
        summary=plain_text(item.get("summary") or item.get("content_text") or item.get("content_html"), 500),
        tags=tuple(dict.fromkeys(term for term in terms if term))[:50],
        language=plain_text(item.get("language"), 20) or language,
    )

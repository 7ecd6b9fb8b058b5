"""Read sitemaps: news sitemaps, plain ones, and indexes of sitemaps (https://www.sitemaps.org/protocol.html).

Entries dated more than 30 days back are not news and are left out: pages published or last changed before then, and
sitemaps of an index that have not changed since. Entries without a date are kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from transforms.errors import FeedUnreadable
from transforms.feeds.formats.markup import (
    Document,
    absolute_url,
    child_text,
    local_name,
    parse_time,
    parse_xml,
    plain_text,
)
from transforms.records import FeedEntry, ParsedFeed

NEWS_AGE = timedelta(days=30)


def read_sitemap(document: Document) -> ParsedFeed:
    """Read a sitemap; raises FeedUnreadable."""
    root = _parse(document)
    entries: list[FeedEntry] = []
    titles: list[str] = []
    for row in root:
        if local_name(row) != "url":
            continue
        news = next((child for child in row if local_name(child) == "news"), None)
        entry = _page_of(row, document.url) if news is None else _news_of(row, news, document.url, titles)
        if entry.url and _is_recent(entry.published_at or entry.updated_at, document.now):
            entries.append(entry)
    languages = {entry.language for entry in entries}
    return ParsedFeed(
        kind="sitemap",
        title=titles[0] if titles else "",
        language=languages.pop() if len(languages) == 1 else "",
        entries=tuple(entries),
    )


def read_sitemap_index(document: Document) -> ParsedFeed:
    """Read a sitemap index: its entries are feeds (`is_feed`); raises FeedUnreadable."""
    entries = (
        FeedEntry(
            url=absolute_url(child_text(row, "loc"), document.url),
            updated_at=parse_time(child_text(row, "lastmod")),
            is_feed=True,
        )
        for row in _parse(document)
        if local_name(row) == "sitemap"
    )
    kept = (entry for entry in entries if entry.url and _is_recent(entry.updated_at, document.now))
    return ParsedFeed(kind="sitemap_index", entries=tuple(kept))


def _parse(document: Document) -> Any:
    try:
        return parse_xml(document.text)
    except FeedUnreadable:
        return parse_xml(document.text, recover=True)


def _page_of(row: Any, base: str) -> FeedEntry:
    return FeedEntry(url=absolute_url(child_text(row, "loc"), base), updated_at=parse_time(child_text(row, "lastmod")))


def _news_of(row: Any, news: Any, base: str, titles: list[str]) -> FeedEntry:
    # https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap
    language = ""
    for child in news:
        if local_name(child) == "publication":
            language = plain_text(child_text(child, "language"), 20)
            if not titles and (name := plain_text(child_text(child, "name"))):
                titles.append(name)
    keywords = (plain_text(word, 200) for word in child_text(news, "keywords").split(","))
    updated = parse_time(child_text(row, "lastmod"))
    return FeedEntry(
        url=absolute_url(child_text(row, "loc"), base),
        title=plain_text(child_text(news, "title")),
        published_at=parse_time(child_text(news, "publication_date")) or updated,
        updated_at=updated,
        tags=tuple(dict.fromkeys(word for word in keywords if word))[:50],
        language=language,
    )


def _is_recent(at: datetime | None, now: datetime | None) -> bool:
    return at is None or now is None or at >= now - NEWS_AGE

"""Read sitemaps: news sitemaps, plain ones, and indexes of sitemaps (https://www.sitemaps.org/protocol.html).

Entries dated more than 30 days back are not news and are left out: pages published or last changed before then, and
sitemaps of an index that have not changed since. Entries without a date are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from transforms.errors import FeedUnreadable
from transforms.feeds.formats.loose import read_loosely
from transforms.feeds.formats.markup import Document, absolute_url, parse_time, plain_text
from transforms.feeds.formats.rows import MAX_ENTRIES, Harvest, Node, read_well_formed
from transforms.records import FeedEntry, ParsedFeed

NEWS_AGE = timedelta(days=30)


def read_sitemap(document: Document) -> ParsedFeed:
    """Read a sitemap; raises FeedUnreadable or FeedTooComplex."""
    reading = _read(document, "url", _page_of)
    languages = {entry.language for entry in reading.entries}
    return ParsedFeed(
        kind="sitemap",
        title=reading.publication,
        language=languages.pop() if len(languages) == 1 else "",
        entries=tuple(reading.entries),
        truncated=reading.harvest.truncated,
    )


def read_sitemap_index(document: Document) -> ParsedFeed:
    """Read a sitemap index: its entries are feeds (`is_feed`); raises FeedUnreadable or FeedTooComplex."""
    reading = _read(document, "sitemap", _child_of)
    return ParsedFeed(kind="sitemap_index", entries=tuple(reading.entries), truncated=reading.harvest.truncated)


def _read(document: Document, row: str, make: Callable[[Node, str], FeedEntry]) -> _Reading:
    try:
        reading = _Reading(document, row, make)
        read_well_formed(document.text, reading.harvest, document.cut)
    except FeedUnreadable:
        reading = _Reading(document, row, make)
        read_loosely(document.text, reading.harvest, document.cut)
    return reading


class _Reading:
    """The state of one reading of a document; `publication` is the name of the newspaper, "" if none is named."""

    def __init__(self, document: Document, row: str, make: Callable[[Node, str], FeedEntry]) -> None:
        self._document = document
        self._make = make
        self.harvest = Harvest((row,), self._take)
        self.entries: list[FeedEntry] = []
        self.publication = ""

    def _take(self, row: Node) -> None:
        entry = self._make(row, self._document.url)
        if not entry.url or not _is_recent(entry.published_at or entry.updated_at, self._document.now):
            return
        self.entries.append(entry)
        if not self.publication and (news := row.child("news")) and (publication := news.child("publication")):
            self.publication = plain_text(publication.child_text("name"))
        if len(self.entries) >= MAX_ENTRIES:
            self.harvest.full()


def _child_of(row: Node, base: str) -> FeedEntry:
    return FeedEntry(
        url=absolute_url(row.child_text("loc"), base), updated_at=parse_time(row.child_text("lastmod")), is_feed=True
    )


def _page_of(row: Node, base: str) -> FeedEntry:
    url = absolute_url(row.child_text("loc"), base)
    if not url:
        return FeedEntry(url="")
    updated = parse_time(row.child_text("lastmod"))
    news = row.child("news")
    if news is None:
        return FeedEntry(url=url, updated_at=updated)
    # https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap
    publication = news.child("publication")
    keywords = (plain_text(word, 200) for word in news.child_text("keywords")[:10_000].split(","))
    return FeedEntry(
        url=url,
        title=plain_text(news.child_text("title")),
        published_at=parse_time(news.child_text("publication_date")) or updated,
        updated_at=updated,
        tags=tuple(dict.fromkeys(word for word in keywords if word))[:50],
        language=plain_text(publication.child_text("language"), 20) if publication else "",
    )


def _is_recent(at: datetime | None, now: datetime | None) -> bool:
    return at is None or now is None or at >= now - NEWS_AGE

"""Read the response to a poll: a feed, or a list of feeds (OPML, a home page, a text file of addresses)."""

from __future__ import annotations

from datetime import datetime

from transforms.errors import FeedError, FeedUnreadable, NewsbeamError
from transforms.feeds.discovery import find_feeds, read_feed_list, read_opml
from transforms.feeds.reader import parse_feed
from transforms.feeds.schedule import spread
from transforms.records import FeedEntry, ParsedFeed
from transforms.urls import canonical_url

LIST = "list"


def read_answer(body: bytes, url: str, content_type: str, now: datetime) -> ParsedFeed:
    """Read a feed, or the list of feeds that the body names; `url` is the address after redirects.

    Raises FeedUnreadable for anything else.
    """
    try:
        return parse_feed(body, url, content_type, now)
    except FeedUnreadable:
        named = named_feeds(body, url)
        if not named:
            raise
        return ParsedFeed(LIST, entries=tuple(FeedEntry(address, is_feed=True) for address in named))


def named_feeds(body: bytes, url: str) -> tuple[str, ...]:
    """Return the feeds named by a body that is not a feed itself; empty if it is not a list of feeds either."""
    try:
        return read_opml(body)
    except FeedError:
        pass
    if feeds := find_feeds(body, url):
        return feeds
    lines = read_feed_list(body.decode("utf-8", "replace"))
    return lines if all(is_web_address(line) for line in lines) else ()


def is_web_address(text: str) -> bool:
    """Say whether a line is an address that can be fetched."""
    try:
        canonical_url(text)
    except NewsbeamError:
        return False
    return not any(letter.isspace() for letter in text)


def children_of(feed: ParsedFeed, now: datetime) -> list[tuple[str, datetime]]:
    """Return the feeds that this one names, each with the time of its first poll."""
    named = [entry for entry in feed.entries if entry.is_feed]
    # a sitemap index may name thousands, so they are spread out; feeds that a person listed are polled at once
    return [(entry.url, now) for entry in named] if feed.kind == LIST else spread(named, now)

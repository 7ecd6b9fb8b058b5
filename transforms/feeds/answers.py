"""Read the response to a poll: a feed, or a list of feeds (OPML, a home page, a text file of addresses).

What a stranger's answer may make of the ledger is bounded, and the feed's state says what was left out:

| what | at most |
|---|---|
| entries of one answer | MAX_ENTRIES (transforms.feeds.formats.rows), the first ones |
| feeds that a page names | MOST_OF_PAGE, of its own site |
| feeds below one that a user added | pipeline.ledger.feeds.MOST_CHILDREN |
| levels | two: a list may name home pages, lists and sitemap indexes; what those name may name nothing |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from transforms.errors import FeedError, FeedUnreadable, NewsbeamError
from transforms.feeds.discovery import find_feeds, read_feed_list, read_opml
from transforms.feeds.formats.rows import MAX_ENTRIES
from transforms.feeds.reader import parse_feed
from transforms.feeds.schedule import LEFT_OUT, spread
from transforms.records import ArticleLink, FeedEntry, ParsedFeed
from transforms.urls import canonical_url, host_of, is_same_site, link_of

LIST = "list"
# a blog offers two or three: posts, comments, posts in another format
MOST_OF_PAGE = 10
DEEPEST = 1  # feeds above one that may name others


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a response to a poll; `url` is the address after redirects, `feed_url` the feed's own."""

    body: bytes
    url: str
    content_type: str
    feed_url: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What a poll needs of a body.

    `feed` has no entries that are feeds, nor the summaries and tags of the others; `links` are its entries as links.
    `named` are the feeds that it names. `note` says what was left out, "" if nothing was.
    """

    feed: ParsedFeed
    links: tuple[ArticleLink, ...] = ()
    named: tuple[FeedEntry, ...] = ()
    note: str = ""


def read_body(given: Body) -> Reading:
    """Read a feed, or the list of feeds that a body names, within the bounds. Raises FeedUnreadable."""
    feed = read_answer(given.body, given.url, given.content_type, given.now, given.feed_url)
    articles = [entry for entry in feed.entries if not entry.is_feed]
    named = tuple(entry for entry in feed.entries if entry.is_feed)
    note = f"{LEFT_OUT}entries after the first {MAX_ENTRIES:,}" if feed.truncated else ""
    kept = tuple(replace(entry, summary="", tags=()) for entry in articles)
    links = tuple(link_of(entry, given.feed_url, given.now) for entry in kept)
    return Reading(replace(feed, entries=kept), links, named, note)


def read_answer(body: bytes, url: str, content_type: str, now: datetime, feed_url: str = "") -> ParsedFeed:
    """Read a feed, or the list of feeds that the body names; `url` is the address after redirects from `feed_url`.

    Raises FeedUnreadable for anything else.
    """
    try:
        return parse_feed(body, url, content_type, now)
    except FeedUnreadable:
        named = named_feeds(body, url, feed_url)
        if not named:
            raise
        entries = tuple(FeedEntry(address, is_feed=True) for address in named[:MAX_ENTRIES])
        return ParsedFeed(LIST, entries=entries, truncated=len(named) > MAX_ENTRIES)


def named_feeds(body: bytes, url: str, feed_url: str = "") -> tuple[str, ...]:
    """Return the feeds named by a body that is not a feed itself; empty if it is not a list of feeds either.

    Raises FeedUnreadable for a page that names only feeds of other sites.
    """
    try:
        return read_opml(body)
    except FeedError:
        pass
    if feeds := find_feeds(body, url):
        hosts = {host_of(url), host_of(feed_url or url)}
        own = tuple(feed for feed in feeds if any(is_same_site(host_of(feed), host) for host in hosts))
        if not own:
            raise FeedUnreadable(f"an HTML page that names only feeds of other sites, such as {feeds[0]}")
        return own[:MOST_OF_PAGE]
    lines = read_feed_list(body.decode("utf-8", "replace"))
    return lines if all(is_web_address(line) for line in lines) else ()


def is_web_address(text: str) -> bool:
    """Say whether a line is an address that can be fetched."""
    try:
        canonical_url(text)
    except NewsbeamError:
        return False
    return not any(letter.isspace() for letter in text)


def check_depth(depth: int) -> None:
    """Check that a feed may name feeds; `depth` is the number of feeds above it, 0 for one that a user added.

    Raises FeedError.
    """
    if depth > DEEPEST:
        raise FeedError("it names feeds, as what named it was named itself: add it yourself to poll what it names")


def children_of(kind: str, named: Sequence[FeedEntry], now: datetime) -> list[tuple[str, datetime]]:
    """Return the feeds that one names, each with the time of its first poll."""
    # a sitemap index may name thousands, so they are spread out; feeds that a person listed are polled at once
    return [(url, now) for url in dict.fromkeys(entry.url for entry in named)] if kind == LIST else spread(named, now)

"""Due feeds -> entries -> the ledger.

    claim feeds -> ask -> 304, or the same body: nothing to read
                       -> a feed: entries, and what the overlap with the known ones says
                       -> a sitemap index, a home page, a list of feeds: feeds of their own
                       -> an error: asked again later
    each -> one transaction: the feed's new state, its new URLs, what happened

The decisions are in transforms.feeds.schedule; what is here is the order of things.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from random import random

import structlog

from pipeline.config import Config
from pipeline.ledger.ledger import Ledger, Sighting, new_owner
from transforms.errors import FeedError, FeedUnreadable, NewsbeamError
from transforms.feeds.discovery import find_feeds, read_feed_list, read_opml
from transforms.feeds.reader import parse_feed
from transforms.feeds.schedule import (
    after_failure,
    after_not_modified,
    after_success,
    read_facts,
    spread,
    validators_of,
)
from transforms.fetch.fetcher import FeedAnswer, FeedRequest, shared_fetcher
from transforms.records import Event, FeedEntry, FeedState, ParsedFeed
from transforms.urls import canonical_url, link_of

log = structlog.get_logger()

IDLE_S = 0.5
TROUBLE_S = 5.0
LIST = "list"


class Poller:
    """Poll the ledger's feeds until told to stop."""

    def __init__(self, ledger: Ledger, config: Config) -> None:
        self.ledger = ledger
        self.fetcher = shared_fetcher(config.fetch_policy())
        self.owner = new_owner()
        self._stopping = threading.Event()

    def run(self, once_since: datetime | None = None) -> None:
        """Poll until `stop` is called; with `once_since`, until every feed has been polled since then."""
        heart = threading.Thread(target=self._renew_leases, name="feed leases", daemon=True)
        heart.start()
        holding, looked_back = False, False
        while not self._stopping.is_set():
            try:
                if not looked_back:
                    self.ledger.take_back_dead([self.owner], datetime.now(UTC))
                    looked_back = True
                if holding:
                    self._give_back()
                holding = True
                states = self.ledger.claim_feeds(self.owner, datetime.now(UTC), polled_before=once_since)
                if states:
                    self.poll(states)
                elif once_since is not None and not self.ledger.unpolled_feeds(once_since):
                    break
                else:
                    # nothing is due, or the hosts are with workers
                    self._stopping.wait(IDLE_S)
                holding = False
            except Exception:
                # the database may be away for a while; what was not recorded is asked again
                log.exception("polling failed")
                self._stopping.wait(TROUBLE_S)
        self._stopping.set()
        self._give_back()

    def stop(self) -> None:
        """Stop after the answer that is being recorded; feeds under way are given back."""
        self._stopping.set()

    def poll(self, states: Sequence[FeedState]) -> None:
        """Ask for these feeds, all leased by this poller, and record each answer as it comes."""
        asked = {}
        for state in states:
            etag, last_modified = validators_of(state)
            request = FeedRequest(state.fetch_url, etag, last_modified)
            asked[id(request)] = (request, state)
        open_feeds = Counter(state.host for state in states)
        for answer in self.fetcher.fetch_feeds([request for request, _ in asked.values()]):
            state = asked[id(answer.request)][1]
            self._record(state, answer, datetime.now(UTC))
            open_feeds[state.host] -= 1
            if not open_feeds[state.host]:
                self._give_back(state.host)
            if self._stopping.is_set():
                break

    def _record(self, state: FeedState, answer: FeedAnswer, now: datetime) -> None:
        sightings: list[Sighting] = []
        children: list[tuple[str, datetime]] = []
        events: tuple[Event, ...]
        facts = read_facts(answer.headers, answer.body, answer.moved_to, now)
        try:
            if answer.error is not None:
                raise answer.error
            if answer.status == 304 or (facts.body_hash and facts.body_hash == state.body_hash):
                state, events = after_not_modified(state, facts, now)
            else:
                feed = read_answer(answer, now)
                entries = [entry for entry in feed.entries if not entry.is_feed]
                sightings = [
                    Sighting(link_of(entry, state.url, now), entry.guid, entry.updated_at) for entry in entries
                ]
                children = children_of(feed, now)
                keys = {sighting.link.canonical_url for sighting in sightings}
                known = len(self.ledger.known_keys(list(keys)))
                state, events = after_success(state, facts, feed, known, len(keys), now)
        except NewsbeamError as error:
            state, events = after_failure(state, error, now, random())
        new = self.ledger.record_poll(state, sightings, events, now, children)
        log.info(
            "polled",
            feed=state.url,
            status=answer.status,
            entries=len(sightings),
            new=new,
            ms=answer.elapsed_ms,
            error=state.last_error or None,
        )

    def _give_back(self, host: str | None = None) -> None:
        hosts = [host] if host else self.ledger.hosts_of(self.owner)
        delays = {name: self.fetcher.delay_of(name) for name in hosts}
        self.ledger.release(self.owner, datetime.now(UTC), delays, host=host)

    def _renew_leases(self) -> None:
        while not self._stopping.wait(self.ledger.lease.total_seconds() / 4):
            try:
                self.ledger.renew(self.owner, datetime.now(UTC))
            except Exception:
                log.exception("leases not renewed")


def read_answer(answer: FeedAnswer, now: datetime) -> ParsedFeed:
    """Read a feed, or what names feeds: an OPML list, a home page, a text file of addresses.

    Raises FeedUnreadable for anything else.
    """
    try:
        return parse_feed(answer.body, answer.final_url, answer.headers.get("content-type", ""), now)
    except FeedUnreadable as error:
        named = named_feeds(answer)
        if not named:
            raise error
        return ParsedFeed(LIST, entries=tuple(FeedEntry(url, is_feed=True) for url in named))


def named_feeds(answer: FeedAnswer) -> tuple[str, ...]:
    """Return the feeds that a page, which is no feed itself, names."""
    try:
        return read_opml(answer.body)
    except FeedError:
        pass
    if feeds := find_feeds(answer.body, answer.final_url):
        return feeds
    lines = read_feed_list(answer.body.decode("utf-8", "replace"))
    return lines if all(is_web_address(line) for line in lines) else ()


def is_web_address(text: str) -> bool:
    """Tell whether a line is an address that can be fetched."""
    try:
        canonical_url(text)
    except NewsbeamError:
        return False
    return not any(letter.isspace() for letter in text)


def children_of(feed: ParsedFeed, now: datetime) -> list[tuple[str, datetime]]:
    """Return the feeds that this one names, each with the time of its first poll."""
    named = [entry for entry in feed.entries if entry.is_feed]
    # a sitemap index may name thousands, which come one by one; what a person lists is asked at once
    return [(entry.url, now) for entry in named] if feed.kind == LIST else spread(named, now)

"""Due feeds -> entries -> the ledger.

    claim feeds -> fetch -> 304, or the same body: nothing to read
                         -> a feed: its entries, and how many of them were known
                         -> a sitemap index, a home page, a list of feeds: more feeds to poll
                         -> an error: polled again later
    each -> one transaction: the feed's new state, its new URLs, its events

transforms.feeds decides what an answer means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from random import random

import structlog

from pipeline.config import Config
from pipeline.ledger import Lease, Ledger, Sighting
from pipeline.loop import Loop
from transforms.errors import NewsbeamError
from transforms.feeds.answers import children_of, read_answer
from transforms.feeds.schedule import (
    after_failure,
    after_not_modified,
    after_success,
    read_facts,
    validators_of,
)
from transforms.fetch.fetcher import FeedAnswer, FeedRequest, shared_fetcher
from transforms.records import Event, FeedState
from transforms.urls import link_of

log = structlog.get_logger()


class Poller:
    """Poll the ledger's feeds until told to stop."""

    def __init__(self, ledger: Ledger, config: Config, loop: Loop | None = None) -> None:
        self.ledger = ledger
        self.fetcher = shared_fetcher(config.fetch_policy())
        self.loop = loop or Loop("polling failed")
        self._recovered_dead_leases = False

    def run(self, once_since: datetime | None = None) -> None:
        """Poll until `stop` is called; with `once_since`, until every feed has been polled since then."""
        with Lease(self.ledger.leases, self.fetcher.delay_of) as lease:
            self.loop.run(
                lambda: self._poll_due(lease, once_since),
                lambda: once_since is not None and not self.ledger.feeds.has_unpolled(once_since),
            )
            lease.give_back()

    def stop(self) -> None:
        """Stop after recording the current answer; the remaining feeds are released."""
        self.loop.stop()

    def poll(self, states: Sequence[FeedState], lease: Lease) -> None:
        """Fetch these feeds, held under `lease`, and record each answer as it arrives.

        A host is released when the last of its feeds has been recorded.
        """
        requests = {}
        for state in states:
            etag, last_modified = validators_of(state)
            request = FeedRequest(state.fetch_url, etag, last_modified)
            requests[id(request)] = (request, state)
        open_feeds = Counter(state.host for state in states)
        for answer in self.fetcher.fetch_feeds([request for request, _ in requests.values()]):
            state = requests[id(answer.request)][1]
            self._record(state, answer, datetime.now(UTC))
            open_feeds[state.host] -= 1
            if not open_feeds[state.host]:
                lease.give_back(state.host)
            if self.loop.stopping:
                break

    def _poll_due(self, lease: Lease, once_since: datetime | None) -> bool:
        """Poll the feeds that are due and whose hosts no worker holds; returns whether there were any."""
        if not self._recovered_dead_leases:
            self.ledger.leases.take_back_dead()
            self._recovered_dead_leases = True
        with lease.round() as owner:
            states = self.ledger.feeds.claim(owner, datetime.now(UTC), polled_before=once_since)
            self.poll(states, lease)
        return bool(states)

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
                feed = read_answer(answer.body, answer.final_url, answer.headers.get("content-type", ""), now)
                entries = [entry for entry in feed.entries if not entry.is_feed]
                sightings = [
                    Sighting(link_of(entry, state.url, now), entry.guid, entry.updated_at) for entry in entries
                ]
                children = children_of(feed, now)
                keys = {sighting.link.canonical_url for sighting in sightings}
                known = len(self.ledger.links.known(list(keys)))
                state, events = after_success(state, facts, feed, known, len(keys), now)
        except NewsbeamError as error:
            state, events = after_failure(state, error, now, random())
        new = self.ledger.feeds.record_poll(state, sightings, events, now, children)
        log.info(
            "polled",
            feed=state.url,
            status=answer.status,
            entries=len(sightings),
            new=new,
            ms=answer.elapsed_ms,
            error=state.last_error or None,
        )

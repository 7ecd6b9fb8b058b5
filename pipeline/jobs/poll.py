"""Due feeds -> entries -> the ledger, without rounds.

    claim feeds while there is room -> fetch thread -> 304, the same body, an error --------------------+
                                                    -> a body -> reader threads -> guarded processes ---+
    the ledger <- groups of answers, in one transaction <-----------------------------------------------+

Each feed is due by itself: at most IN_FLIGHT are claimed and not recorded, and others take their places as answers
come, so a slow feed or host delays only itself. transforms.feeds decides what an answer means.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from random import random

import structlog

from pipeline.config import Config
from pipeline.ledger import Lease, Ledger, Sighting
from pipeline.ledger.clock import Clock, forget_future
from pipeline.ledger.feeds import Poll, Release
from pipeline.loop import IDLE_S, Loop
from pipeline.tables.refusals import is_about_rows
from transforms.errors import FeedError, NewsbeamError, TooComplex
from transforms.feeds.answers import Body, Reading, check_depth, children_of
from transforms.feeds.guarded import TRIAL_S, FeedReader
from transforms.feeds.schedule import (
    LEFT_OUT,
    AnswerFacts,
    after_failure,
    after_not_modified,
    after_success,
    read_facts,
    validators_of,
)
from transforms.fetch.fetcher import FeedAnswer, FeedRequest, shared_fetcher
from transforms.records import FeedState

log = structlog.get_logger()

# four times what the fetcher sends at once: feeds that wait for their host's turn keep no other host waiting
IN_FLIGHT = 256
# feeds are claimed when there is room for so many, or none is in flight
LEAST_CLAIM = 32
# answers in one transaction, and the longest that the first of them waits for the others
GROUP = 64
GROUP_S = 0.1
# nothing is claimed while bodies of this size wait to be read
MOST_WAITING_BYTES = 50_000_000
# feeds that wait for the thread for slow ones, each for up to five seconds; others are given up until their next poll
MOST_SLOW = 8


# one feed is not equal to another, whatever they say
@dataclass(frozen=True, slots=True, eq=False)
class _Answered:
    """A feed, the facts of the answer to its poll, and what was read; `error` if it could not be fetched or read."""

    state: FeedState
    facts: AnswerFacts
    status: int
    elapsed_ms: int
    reading: Reading | None = None
    error: NewsbeamError | None = None


class Poller:
    """Poll the ledger's feeds until told to stop."""

    def __init__(self, ledger: Ledger, config: Config, loop: Loop | None = None) -> None:
        self.ledger = ledger
        self.host_delay_s = config.host_delay
        self.fetcher = shared_fetcher(config.fetch_policy())
        self.loop = loop or Loop("polling failed")
        self.clock = Clock()
        self._is_prepared = self._is_once = self._forgive = False
        self._claim_at = 0.0
        # claimed and not recorded: how many, by host
        self._open: Counter[str] = Counter()
        self._group: list[_Answered] = []
        self._read = _Readers()

    def run(self, once_since: datetime | None = None, forgive: bool = False) -> None:
        """Poll until `stop` is called; with `once_since`, until every feed has been polled since then.

        `forgive` is as in Worker.run. Feeds that are in back-off are asked at once.
        """
        self._is_once, self._forgive = once_since is not None, forgive
        with self._read, Lease(self.ledger.leases, self.fetcher.delay_of) as lease:
            self.loop.run(lambda: self._step(lease, once_since), lambda: self._is_done(once_since))
            while self._collect(0.0):
                self._record(lease)
            lease.give_back()

    def stop(self) -> None:
        """Stop after recording the answers that have come; the remaining feeds are released."""
        self.loop.stop()

    def _is_done(self, once_since: datetime | None) -> bool:
        return once_since is not None and not self.ledger.feeds.has_due(datetime.now(UTC), once_since)

    def _step(self, lease: Lease, once_since: datetime | None) -> bool:
        """Claim what there is room for, and record a group of answers; returns whether any feed is in flight."""
        self._prepare(once_since)
        if not self._group:
            self._claim(lease, once_since)
        if self._collect(GROUP_S):
            self._record(lease)
        if self._open and self.fetcher.is_closed:
            raise RuntimeError("the fetcher was closed while feeds were being polled")
        return bool(self._open)

    def _prepare(self, once_since: datetime | None) -> None:
        """Mend at the start what earlier processes left, and what a clock that was set back makes wait."""
        now = datetime.now(UTC)
        if not self._is_prepared:
            self.ledger.leases.take_back_dead(self._forgive)
        if self.clock.went_back() or not self._is_prepared:
            feeds, urls = forget_future(self.ledger.engine, now)
            if feeds or urls:
                log.warning("the clock was set back; due now", feeds=feeds, urls=urls)
        if not self._is_prepared:
            self.ledger.feeds.make_due(once_since or now, only_failing=once_since is None)
            self._is_prepared = True

    def _claim(self, lease: Lease, once_since: datetime | None) -> None:
        room = IN_FLIGHT - self._open.total()
        if (self._open and room < LEAST_CLAIM) or self._read.waiting_bytes > MOST_WAITING_BYTES:
            return
        if time.monotonic() < self._claim_at:
            return
        now = datetime.now(UTC)
        states = self.ledger.feeds.claim(lease.owner, now, room, once_since, self.host_delay_s)
        if not states:
            self._claim_at = time.monotonic() + IDLE_S
        self._open.update(state.host for state in states)
        for state in states:
            request = FeedRequest(state.fetch_url, *validators_of(state))
            self.fetcher.ask_feed(request, partial(self._read.take, state))

    def _collect(self, seconds: float) -> bool:
        """Wait for a group of answers; returns whether there are any."""
        until = time.monotonic() + seconds
        while len(self._group) < min(GROUP, self._open.total()):
            try:
                self._group.append(self._read.answers.get(timeout=max(0.0, until - time.monotonic())))
            except queue.Empty:
                break
        return bool(self._group)

    def _record(self, lease: Lease) -> None:
        """Record the group: in one transaction, or one by one if the database refuses that.

        What names feeds is recorded by itself, since it counts those that are there. If the database is away, what is
        left of the group is kept for the next try.
        """
        now = datetime.now(UTC)
        together = [one for one in self._group if not (one.reading and one.reading.named)]
        try:
            self._write(together, lease, now)
        except Exception as error:
            if not is_about_rows(error):
                raise
        for one in list(self._group):
            try:
                self._write([one], lease, now)
            except Exception as error:
                if not is_about_rows(error):
                    raise
                cause = " ".join(str(getattr(error, "orig", None) or error).split())
                log.exception("a feed cannot be recorded", feed=one.state.url)
                failed = replace(one, reading=None, error=FeedError(f"what it says cannot be recorded: {cause}"))
                self._group[self._group.index(one)] = failed
                self._write([failed], lease, now)

    def _write(self, group: Sequence[_Answered], lease: Lease, now: datetime) -> None:
        """Write what some answers of the group say, and take them out of what is in flight."""
        if not group:
            return
        keys = {link.canonical_url for one in group if one.reading for link in one.reading.links}
        known = self.ledger.links.known(sorted(keys)) if keys else set()
        polls = []
        for one in group:
            polls.append(self._decide(one, known, now))
            known.update(sighting.link.canonical_url for sighting in polls[-1].sightings)
        left = self._open - Counter(one.state.host for one in group)
        done = {one.state.host for one in group} - left.keys()
        self.ledger.feeds.record(polls, now, Release(lease.owner, {host: lease.delay_of(host) for host in done}))
        self._open = left
        if done:
            # more feeds of these hosts may be due
            self._claim_at = 0.0
        written = set(group)
        self._group = [one for one in self._group if one not in written]

    def _decide(self, one: _Answered, known: set[str], now: datetime) -> Poll:
        """Return what is to be recorded, given the URLs that are known."""
        reading = one.reading
        sightings: list[Sighting] = []
        children: list[tuple[str, datetime]] = []
        try:
            if one.error is not None:
                raise one.error
            if reading is None:
                state, events = after_not_modified(one.state, one.facts, now)
            else:
                children, note = self._children_of(one.state, reading, now)
                keys = {link.canonical_url for link in reading.links}
                old = len(keys & known)
                state, events = after_success(one.state, one.facts, reading.feed, old, len(keys), now, note)
                entries = zip(reading.links, reading.feed.entries, strict=True)
                sightings = [Sighting(link, entry.guid, entry.updated_at) for link, entry in entries]
                log.info("polled", feed=state.url, entries=len(keys), new=len(keys) - old, ms=one.elapsed_ms)
        except NewsbeamError as error:
            state, events = after_failure(one.state, error, now, random())
            log.info("polled", feed=state.url, status=one.status, error=state.last_error or str(error))
        return Poll(state, sightings, events, children)

    def _children_of(self, state: FeedState, reading: Reading, now: datetime) -> tuple[list[tuple[str, datetime]], str]:
        """Return the feeds to add, and a note on what is left out. Raises FeedError for one that may name none."""
        if not reading.named:
            return [], reading.note
        family = self.ledger.feeds.family(state, now)
        check_depth(family.depth)
        unknown = set(self.ledger.feeds.unknown([entry.url for entry in reading.named]))
        named = [entry for entry in reading.named if entry.url in unknown]
        children = children_of(reading.feed.kind, named, now)
        if self._is_once:
            children = [(url, now) for url, _ in children]
        if len(children) <= family.room:
            return children, reading.note
        note = f"{LEFT_OUT}{len(children) - family.room:,} of the {len(reading.named):,} feeds that it names"
        return children[: family.room], note


class _Readers:
    """Reads answers off the polling thread; a context manager.

    Quick feeds and slow ones have a thread each, so that slow feeds wait only for each other.
    """

    def __init__(self) -> None:
        self.answers: queue.SimpleQueue[_Answered] = queue.SimpleQueue()
        self.waiting_bytes = 0
        self._slow_ones = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._reader = FeedReader()
        self._quick, self._slow = ThreadPoolExecutor(1, "feeds"), ThreadPoolExecutor(1, "slow feeds")
        self._reader.launch()

    def __exit__(self, *_: object) -> None:
        self._quick.shutdown(wait=False, cancel_futures=True)
        self._slow.shutdown(wait=False, cancel_futures=True)
        self._reader.close()

    def take(self, state: FeedState, answer: FeedAnswer) -> None:
        """Take the answer of a feed, in the fetch thread."""
        if answer.error is not None or answer.status == 304:
            facts = read_facts(answer.headers, b"", answer.moved_to, datetime.now(UTC))
            self.answers.put(_Answered(state, facts, answer.status, answer.elapsed_ms, error=answer.error))
            return
        self._count(len(answer.body), 0)
        # raised when polling has ended meanwhile
        with suppress(RuntimeError):
            self._quick.submit(self._read, state, answer)

    def _read(self, state: FeedState, answer: FeedAnswer, slowly: bool = False) -> None:
        """Read a body, in a reader thread; one that takes long is handed on to the thread for slow feeds."""
        now = datetime.now(UTC)
        facts = read_facts(answer.headers, answer.body, answer.moved_to, now)
        reading: Reading | None = None
        failure: NewsbeamError | None = None
        try:
            if not facts.body_hash or facts.body_hash != state.body_hash:
                content_type = answer.headers.get("content-type", "")
                body = Body(answer.body, answer.final_url, content_type, state.url, now)
                reading = self._reader.read(body, slowly)
                if reading is None:
                    self._read_later(state, answer)
                    return
        except NewsbeamError as error:
            failure = error
        except Exception as error:
            # or the feed would stay in flight for ever
            log.exception("reading failed", feed=state.url)
            failure = FeedError(f"a bug in reading it: {error!r}")
        self._count(-len(answer.body), -1 if slowly else 0)
        self.answers.put(_Answered(state, facts, answer.status, answer.elapsed_ms, reading, failure))

    def _read_later(self, state: FeedState, answer: FeedAnswer) -> None:
        if self._slow_ones >= MOST_SLOW:
            raise TooComplex(f"reading it takes more than {TRIAL_S:g} s of CPU, and {MOST_SLOW} others wait that do")
        self._count(0, 1)
        with suppress(RuntimeError):
            self._slow.submit(self._read, state, answer, True)

    def _count(self, size: int, slow: int) -> None:
        with self._lock:
            self.waiting_bytes += size
            self._slow_ones += slow

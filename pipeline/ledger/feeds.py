"""Feeds: add them, claim those that are due, and record what polls found.

Each feed is due by itself (`next_poll_at`). What polls found is recorded in transactions of at most PART sightings, the
new states of the feeds last, so that a process that is killed in between polls them again and loses nothing.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipeline.ledger.hosts import HOSTS, add_hosts, is_free, release_hosts
from pipeline.ledger.links import MOST_VALUES, Links, Sighting, present
from pipeline.ledger.refused import leave_out
from pipeline.tables.database import METADATA, insert_rows, reading
from pipeline.tables.fit import fit
from pipeline.tables.keys import LONGEST_FEED, bounded_host, size_of, storable
from pipeline.tables.schema import BY_NAME
from transforms.records import Event, FeedState
from transforms.urls import host_of

FEEDS, EVENTS = METADATA.tables["feeds"], METADATA.tables["events"]

# sightings per transaction: SQLite writes them in some 20 ms, and holds every other writer up for as long
PART = 500
# of one host, the feeds that are claimed together: as many as its delay allows in HOST_BUDGET_S
MOST_OF_HOST = 8
HOST_BUDGET_S = 10.0
# rows that a claim reads for each that it takes, since many may be of one host
LOOK_AHEAD = 4
# feeds below one that a user added; a large site's index names some hundred sitemaps
MOST_CHILDREN = 1_000
# feeds that others name are added up to this many in all; so many take a core a quarter of an hour to poll
MOST_FEEDS = 100_000
# a feed that brought something, but nothing for so long, does not count among the children of its root
SLEEPY_AFTER = timedelta(days=31)
# a feed in back-off is not asked at once if it was asked so recently
NOT_AGAIN_WITHIN = timedelta(minutes=10)
_COLUMNS = tuple(column.name for column in fields(FeedState))


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll found: the feed's new state, the URLs that it lists, and what happened.

    `children` are feeds to add, each with the time of its first poll.
    """

    state: FeedState
    sightings: Sequence[Sighting] = ()
    events: Sequence[Event] = ()
    children: Sequence[tuple[str, datetime]] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """Hosts to release, each with the seconds after which it is free again, and who holds them."""

    owner: str = ""
    delays: Mapping[str, float] = field(default_factory=dict)


NOTHING = Release()


@dataclass(frozen=True, slots=True)
class Family:
    """Where a feed stands among those that name each other.

    `depth` is the number of feeds above it, `room` the number of feeds that may be added below its topmost one.
    """

    depth: int
    room: int


class Feeds:
    """The feeds of one ledger."""

    def __init__(self, engine: sa.Engine, links: Links, lease: timedelta, most_children: int = MOST_CHILDREN) -> None:
        """`most_children` is how many feeds may stand below one that a user added."""
        self.engine, self.links, self.lease, self.most_children = engine, links, lease, most_children

    def add(self, urls: Iterable[str], now: datetime) -> int:
        """Add a user's feeds to poll from now on, and return how many are new.

        A feed that is known only from messages counts as new. One that another feed named is the user's own from now
        on, and may name feeds itself. Addresses that cannot be stored are left out.
        """
        addresses = _storable_addresses(urls)
        only_named = sa.and_(FEEDS.c.url == sa.bindparam("key"), sa.not_(FEEDS.c.enabled), FEEDS.c.polls == 0)
        with self.engine.begin() as connection:
            known = present(connection, FEEDS.c.url, addresses)
            waking = present(connection, FEEDS.c.url, sorted(known), sa.not_(FEEDS.c.enabled), FEEDS.c.polls == 0)
            if waking:
                keys = [{"key": url} for url in sorted(waking)]
                connection.execute(sa.update(FEEDS).where(only_named).values(enabled=True, next_poll_at=now), keys)
            named = present(connection, FEEDS.c.url, sorted(known), FEEDS.c.from_index != "")
            if named:
                own = sa.update(FEEDS).where(FEEDS.c.url == sa.bindparam("key")).values(from_index="")
                connection.execute(own, [{"key": url} for url in sorted(named)])
            add_hosts(connection, {bounded_host(host_of(url)) for url in waking})
            new = sorted(url for url in addresses if url not in known)
            for start in range(0, len(new), MOST_VALUES):
                # in parts, since rows take much more memory than their addresses
                states = _new_states(((url, now) for url in new[start : start + MOST_VALUES]), "")
                add_hosts(connection, {state.host for state in states})
                insert_rows(connection, FEEDS, [_row_of(state) for state in states])
            return len(new) + len(waking)

    def enable(self, url: str, now: datetime) -> bool:
        """Poll a feed again, from now on, that was disabled; returns whether there is such a feed."""
        values = {"enabled": True, "next_poll_at": now, "gone_times": 0, "gone_at": None, "failures": 0.0}
        with self.engine.begin() as connection:
            add_hosts(connection, {host_of(url)})
            return bool(connection.execute(sa.update(FEEDS).where(FEEDS.c.url == url).values(values)).rowcount)

    def make_due(self, now: datetime, only_failing: bool = False) -> int:
        """Make feeds due that are to be polled later, and return how many.

        With `only_failing`, those that failed last time, unless that was just now or they asked for time (429).
        """
        which = [FEEDS.c.enabled, FEEDS.c.next_poll_at > now]
        if only_failing:
            which += [FEEDS.c.failures > 0, FEEDS.c.polled_at < now - NOT_AGAIN_WITHIN]
            which += [sa.not_(FEEDS.c.last_error.startswith("http 429"))]
        with self.engine.begin() as connection:
            return connection.execute(sa.update(FEEDS).where(*which).values(next_poll_at=now)).rowcount

    def claim(
        self, owner: str, now: datetime, limit: int = 64, polled_before: datetime | None = None, delay_s: float = 0.0
    ) -> list[FeedState]:
        """Lease feeds that are due, with their hosts: of many hosts rather than many of one, longest due first.

        `delay_s` is the least time between two requests to a host. With `polled_before`, feeds that have been polled
        since then are not due.
        """
        free = is_free(now, self.lease)
        # a scalar rather than a join, for which PostgreSQL reads and sorts every feed that is due
        has_free_host = sa.select(HOSTS.c.host).where(HOSTS.c.host == FEEDS.c.host, free).limit(1).scalar_subquery()
        soonest = (
            sa.select(FEEDS.c.url, FEEDS.c.host)
            .where(*_due(now, polled_before), has_free_host.is_not(None))
            .order_by(FEEDS.c.next_poll_at)
            .limit(LOOK_AHEAD * limit)
        )
        with self.engine.begin() as connection:
            rows = connection.execute(soonest).all()
            hosts = sa.select(HOSTS.c.host, HOSTS.c.delay_s).where(HOSTS.c.host.in_({row.host for row in rows}), free)
            delays = {
                row.host: row.delay_s or 0.0 for row in connection.execute(hosts.with_for_update(skip_locked=True))
            }
            turns: Counter[str] = Counter()
            queue = []
            for place, row in enumerate(rows):
                if row.host in delays and turns[row.host] < most_of_host(max(delay_s, delays[row.host])):
                    queue.append((turns[row.host], place, row.url, row.host))
                    turns[row.host] += 1
            chosen = sorted(queue)[:limit]
            if not chosen:
                return []
            connection.execute(
                sa.update(HOSTS)
                .where(HOSTS.c.host.in_({host for *_, host in chosen}))
                .values(lease_owner=owner, leased_until=now + self.lease, claimed_at=now)
            )
            found = connection.execute(sa.select(FEEDS).where(FEEDS.c.url.in_([url for _, _, url, _ in chosen])))
            return [FeedState(*row) for row in found]

    def count(self) -> int:
        """Count the enabled feeds."""
        with reading(self.engine) as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(FEEDS).where(FEEDS.c.enabled)).scalar_one()

    def has_due(self, now: datetime, polled_before: datetime | None = None) -> bool:
        """Tell whether any feed is due, including those in progress; `polled_before` as in `claim`."""
        with reading(self.engine) as connection:
            return connection.execute(sa.select(sa.exists().where(*_due(now, polled_before)))).scalar_one()

    def family(self, state: FeedState, now: datetime) -> Family:
        """Return where a feed stands and how many feeds may be added below its topmost one."""
        with reading(self.engine) as connection:
            root, depth = state.url, 0
            above = state.from_index
            while above and depth < 3:
                root, depth = above, depth + 1
                query = sa.select(FEEDS.c.from_index).where(FEEDS.c.url == above)
                above = connection.execute(query).scalar_one_or_none() or ""
            middle = sa.select(FEEDS.c.url).where(FEEDS.c.from_index == root)
            count = sa.select(sa.func.count()).select_from(FEEDS).where(FEEDS.c.enabled)
            awake = sa.or_(FEEDS.c.new_entry_at.is_(None), FEEDS.c.new_entry_at > now - SLEEPY_AFTER)
            below = sa.or_(FEEDS.c.from_index == root, FEEDS.c.from_index.in_(middle))
            children = connection.execute(count.where(below, awake)).scalar_one()
            total = connection.execute(count).scalar_one()
        return Family(depth, max(0, min(self.most_children - children, MOST_FEEDS - total)))

    def unknown(self, urls: Sequence[str]) -> list[str]:
        """Return which of these feeds are not in the ledger, each once."""
        keys = {url: storable(url) for url in urls}
        with reading(self.engine) as connection:
            known = present(connection, FEEDS.c.url, sorted({key for key in keys.values() if _fits(key)}))
        return [url for url, key in keys.items() if key not in known]

    def record(self, polls: Sequence[Poll], now: datetime, release: Release = NOTHING) -> int:
        """Write what polls found, and release hosts. Returns how many URLs are new.

        Addresses that cannot be stored are left out, and an event says so.

        The states, events and children are written in one transaction with the last PART of the sightings. An article
        that has landed is due again if a feed says that it was updated since.
        """
        sightings: list[Sighting] = []
        children: list[FeedState] = []
        events: list[dict[str, Any]] = []
        for poll in polls:
            kept, named, refused = leave_out(poll.state.url, poll.sightings, poll.children, now)
            sightings += kept
            children += _new_states(named, poll.state.url)
            events += [_event_row(event, number) for number, event in enumerate((*poll.events, *refused))]
        rows = sorted((_row_of(poll.state) for poll in polls), key=lambda row: str(row["url"]))
        new = 0
        while len(sightings) > PART:
            part, sightings = sightings[:PART], sightings[PART:]
            with self.engine.begin() as connection:
                new += self.links.record(connection, part, now)
        with self.engine.begin() as connection:
            add_hosts(connection, {row["host"] for row in rows} | {child.host for child in children})
            connection.execute(_UPDATE, [row | {"key": row["url"]} for row in rows])
            insert_rows(connection, EVENTS, events)
            insert_rows(connection, FEEDS, [_row_of(child) for child in children])
            new += self.links.record(connection, sightings, now)
            if release.delays:
                release_hosts(connection, release.owner, now, release.delays)
        return new

    def record_poll(
        self,
        state: FeedState,
        sightings: Sequence[Sighting],
        events: Sequence[Event],
        now: datetime,
        children: Sequence[tuple[str, datetime]] = (),
    ) -> int:
        """Write what one poll found; see `record`."""
        return self.record([Poll(state, sightings, events, children)], now)


_UPDATE = (
    sa.update(FEEDS)
    .where(FEEDS.c.url == sa.bindparam("key"))
    .values({name: sa.bindparam(name) for name in _COLUMNS if name != "url"})
)


def most_of_host(delay_s: float) -> int:
    """Return how many feeds of a host may be claimed together, with this delay in seconds between requests."""
    return max(1, min(MOST_OF_HOST, int(HOST_BUDGET_S // delay_s))) if delay_s > 0 else MOST_OF_HOST


def _due(now: datetime, polled_before: datetime | None) -> list[sa.ColumnElement[bool]]:
    due: list[sa.ColumnElement[bool]] = [FEEDS.c.enabled, FEEDS.c.next_poll_at <= now]
    if polled_before is not None:
        due.append(sa.or_(FEEDS.c.polled_at.is_(None), FEEDS.c.polled_at < polled_before))
    return due


def _new_states(feeds: Iterable[tuple[str, datetime]], from_index: str) -> list[FeedState]:
    times = {storable(url): at for url, at in feeds}
    # sorted, so that two processes that add the same feeds cannot deadlock
    return [
        FeedState(url, url, bounded_host(host_of(url)), next_poll_at=times[url], from_index=from_index)
        for url in sorted(times)
        if _fits(url)
    ]


def _storable_addresses(urls: Iterable[str]) -> list[str]:
    return [url for url in dict.fromkeys(map(storable, urls)) if _fits(url)]


def _fits(url: str) -> bool:
    return size_of(url) <= LONGEST_FEED


def _row_of(state: FeedState) -> dict[str, Any]:
    return fit(BY_NAME["feeds"], {name: getattr(state, name) for name in _COLUMNS})


def _event_row(event: Event, number: int) -> dict[str, Any]:
    row = {
        "event_id": f"{event.at:%Y%m%d%H%M%S%f}-{number:03d}-{secrets.token_hex(4)}",
        "kind": event.kind,
        "subject": event.subject,
        "detail": event.detail,
        "at": event.at,
    }
    return fit(BY_NAME["events"], row)

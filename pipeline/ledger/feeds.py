"""Feeds: add them, claim those that are due, and record what a poll found."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipeline.ledger.hosts import HOSTS, add_hosts, claim_hosts, release_unused_hosts
from pipeline.ledger.links import Links, Sighting, present
from pipeline.ledger.refused import leave_out
from pipeline.tables.database import METADATA, insert_rows, reading
from pipeline.tables.fit import fit
from pipeline.tables.keys import LONGEST_FEED, bounded_host, size_of, storable
from pipeline.tables.schema import BY_NAME
from transforms.records import Event, FeedState
from transforms.urls import host_of

FEEDS, EVENTS = METADATA.tables["feeds"], METADATA.tables["events"]


class Feeds:
    """The feeds of one ledger."""

    def __init__(self, engine: sa.Engine, links: Links, lease: timedelta) -> None:
        self.engine, self.links, self.lease = engine, links, lease

    def add(self, urls: Iterable[str], now: datetime, from_index: str = "") -> int:
        """Add feeds to poll from now on, and return how many are new; known feeds are unchanged.

        A feed that is known only from messages counts as new.
        """
        states = _new_states(((url, now) for url in urls), from_index)
        only_named = sa.and_(FEEDS.c.url == sa.bindparam("key"), sa.not_(FEEDS.c.enabled), FEEDS.c.polls == 0)
        with self.engine.begin() as connection:
            add_hosts(connection, {state.host for state in states})
            known = present(connection, FEEDS.c.url, [state.url for state in states])
            waking = present(connection, FEEDS.c.url, sorted(known), sa.not_(FEEDS.c.enabled), FEEDS.c.polls == 0)
            if waking:
                keys = [{"key": url} for url in sorted(waking)]
                connection.execute(sa.update(FEEDS).where(only_named).values(enabled=True, next_poll_at=now), keys)
            new = [_feed_row(state) for state in states if state.url not in known]
            insert_rows(connection, FEEDS, new)
            return len(new) + len(waking)

    def claim(
        self, owner: str, now: datetime, limit: int = 64, polled_before: datetime | None = None
    ) -> list[FeedState]:
        """Lease feeds that are due, with their hosts.

        With `polled_before`, every enabled feed that has not been polled since then is due (`--once`).
        """
        due = sa.and_(FEEDS.c.enabled, FEEDS.c.next_poll_at <= now)
        if polled_before is not None:
            due = _unpolled(polled_before)
        with self.engine.begin() as connection:
            wanted = sa.exists().where(FEEDS.c.host == HOSTS.c.host, due)
            hosts = claim_hosts(connection, owner, now, now + self.lease, limit, wanted)
            rows = connection.execute(
                sa.select(FEEDS).where(FEEDS.c.host.in_(hosts), due).order_by(FEEDS.c.next_poll_at).limit(limit)
            )
            states = [FeedState(**row) for row in rows.mappings()]
            release_unused_hosts(connection, owner, set(hosts) - {state.host for state in states})
        return states

    def count(self) -> int:
        """Count the enabled feeds."""
        with reading(self.engine) as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(FEEDS).where(FEEDS.c.enabled)).scalar_one()

    def has_unpolled(self, since: datetime) -> bool:
        """Tell whether any enabled feed has not been polled since then."""
        with reading(self.engine) as connection:
            return connection.execute(sa.select(sa.exists().where(_unpolled(since)))).scalar_one()

    def record_poll(
        self,
        state: FeedState,
        sightings: Sequence[Sighting],
        events: Sequence[Event],
        now: datetime,
        children: Sequence[tuple[str, datetime]] = (),
    ) -> int:
        """Write a feed's new state, its new URLs and its events, in one transaction. Returns how many URLs are new.

        An article that has landed is due again if the feed says that it was updated since. `children` are feeds to add,
        such as those that a sitemap index lists, each with the time of its first poll. Addresses that cannot be stored
        are left out, and an event says so.
        """
        sightings, children, refused = leave_out(state.url, sightings, children, now)
        with self.engine.begin() as connection:
            connection.execute(sa.update(FEEDS).where(FEEDS.c.url == state.url).values(_feed_row(state)))
            rows = [_event_row(event, number) for number, event in enumerate((*events, *refused))]
            insert_rows(connection, EVENTS, rows)
            states = _new_states(children, state.url)
            insert_rows(connection, FEEDS, [_feed_row(child) for child in states])
            hosts = {sighting.link.host for sighting in sightings} | {child.host for child in states}
            add_hosts(connection, hosts | {state.host})
            return self.links.record(connection, sightings, now)


def _unpolled(since: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(FEEDS.c.enabled, sa.or_(FEEDS.c.polled_at.is_(None), FEEDS.c.polled_at < since))


def _new_states(feeds: Iterable[tuple[str, datetime]], from_index: str) -> list[FeedState]:
    states = []
    for given, at in feeds:
        url = storable(given)
        if size_of(url) <= LONGEST_FEED:
            states.append(FeedState(url, url, bounded_host(host_of(url)), next_poll_at=at, from_index=from_index))
    return states


def _feed_row(state: FeedState) -> dict[str, Any]:
    return fit(BY_NAME["feeds"], asdict(state))


def _event_row(event: Event, number: int) -> dict[str, Any]:
    row = {
        "event_id": f"{event.at:%Y%m%d%H%M%S%f}-{number:03d}-{secrets.token_hex(4)}",
        "kind": event.kind,
        "subject": event.subject,
        "detail": event.detail,
        "at": event.at,
    }
    return fit(BY_NAME["events"], row)

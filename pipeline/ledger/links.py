"""Links: every URL that a feed listed, when it is due, and which process works on it.

A URL is due if `due_at` is set and past, and free if nobody holds a lease on it. The sink writes an article and its
URL's fate in one transaction (pipeline.sinks.sql), so a process can be killed at any point: what has not landed is
still due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipeline.ledger.hosts import CLOCK_ERROR, HOSTS, add_hosts, claim_hosts, release_unused_hosts
from pipeline.ledger.link_rows import LONGEST_HINT, hints_of, link_columns, link_of_row
from pipeline.tables.database import METADATA, insert_rows, reading
from pipeline.tables.keys import LONGEST_FEED, bounded_key, cut_text, storable
from transforms.records import ArticleLink
from transforms.urls import url_key

URLS, SIGHTINGS, FEEDS = METADATA.tables["urls"], METADATA.tables["sightings"], METADATA.tables["feeds"]

# a feed that is due goes before the articles of its host, unless no poller has claimed it for this long
FEED_FIRST = timedelta(seconds=60)
# A URL that was claimed this often without ending may be what kills its workers. It waits until no other is due, and is
# then processed alone. Once it has been claimed alone that often too, it is given up.
SUSPECT_CLAIMS = 3
GUILTY_CLAIMS = 2 * SUSPECT_CLAIMS
SMALLEST_BATCH = 8
SHARES = 6  # one batch takes at most 1/SHARES of what is due, so that the last batches end together
MOST_VALUES = 1000  # per statement


@dataclass(frozen=True, slots=True)
class Sighting:
    """A link as one entry of a feed listed it."""

    link: ArticleLink
    guid: str = ""
    updated_at: datetime | None = None


class Links:
    """The URLs of one ledger."""

    def __init__(self, engine: sa.Engine, revisit_after: timedelta, lease: timedelta) -> None:
        """`revisit_after` is how long an article is not fetched again, even if its feed says that it was edited."""
        self.engine, self.revisit_after, self.lease = engine, revisit_after, lease

    def add(self, sightings: Sequence[Sighting], now: datetime) -> int:
        """Add URLs that no poll found (from a file of URLs or a topic). Returns how many are new."""
        with self.engine.begin() as connection:
            return self.record(connection, sightings, now)

    def record(self, connection: sa.Connection, sightings: Sequence[Sighting], now: datetime) -> int:
        """Record sightings, in the caller's transaction. Returns how many URLs are new.

        An article that has landed is due again if its feed says that it was updated since.
        """
        if not sightings:
            return 0
        first: dict[str, Sighting] = {}
        seen: dict[tuple[str, str], Sighting] = {}
        for sighting in sightings:
            key = bounded_key(sighting.link.canonical_url)
            first.setdefault(key, sighting)
            seen.setdefault((key, sighting.link.feed_url), sighting)
        # in order, so that two processes that record the same URLs cannot deadlock
        keys = sorted(first)
        known = present(connection, URLS.c.canonical_url, keys)
        new = [_url_row(first[key], now) for key in keys if key not in known]
        add_hosts(connection, {row["host"] for row in new})
        insert_rows(connection, URLS, new)
        listed = _listed(connection, sorted(known), {feed for _, feed in seen})
        insert_rows(connection, SIGHTINGS, [_sighting_row(seen[pair], now) for pair in sorted(seen.keys() - listed)])
        edited = [s for s in sightings if s.updated_at is not None and s.updated_at <= now]
        if edited and known:
            connection.execute(
                sa.update(URLS)
                .where(
                    URLS.c.canonical_url == sa.bindparam("key"),
                    URLS.c.outcome == "article",
                    URLS.c.due_at.is_(None),
                    URLS.c.settled_at < now - self.revisit_after,
                    sa.func.coalesce(URLS.c.entry_updated_at, URLS.c.settled_at) < sa.bindparam("updated"),
                )
                .values(due_at=now, tries=0, entry_updated_at=sa.bindparam("updated")),
                sorted(
                    ({"key": bounded_key(s.link.canonical_url), "updated": s.updated_at} for s in edited),
                    key=lambda row: str(row["key"]),
                ),
            )
        return len(new)

    def known(self, keys: Sequence[str]) -> set[str]:
        """Return which of these canonical URLs are in the ledger."""
        with reading(self.engine) as connection:
            return present(connection, URLS.c.canonical_url, [bounded_key(key) for key in keys])

    def landed(self, keys: Sequence[str]) -> set[str]:
        """Return for which of these canonical URLs an article has landed."""
        bounded = [bounded_key(key) for key in keys]
        with reading(self.engine) as connection:
            return present(connection, URLS.c.canonical_url, bounded, URLS.c.outcome == "article")

    def has_due(self, by: datetime) -> bool:
        """Tell whether any URL is due by then, including those in progress."""
        with reading(self.engine) as connection:
            first = connection.execute(
                sa.select(URLS.c.due_at).where(URLS.c.due_at.is_not(None)).order_by(URLS.c.due_at).limit(1)
            ).scalar()
        return first is not None and first <= by

    def claim_batch(self, owner: str, now: datetime, largest: int, host_delay_s: float) -> list[ArticleLink]:
        """Lease a batch of links, whose size depends on how many are due and is at most `largest`."""
        soonest = sa.select(URLS.c.due_at).where(URLS.c.due_at <= now).order_by(URLS.c.due_at).limit(SHARES * largest)
        with reading(self.engine) as connection:
            due = connection.execute(sa.select(sa.func.count()).select_from(soonest.subquery())).scalar_one()
        return self.claim(owner, now, batch_size(due, largest), host_delay_s) if due else []

    def claim(
        self, owner: str, now: datetime, limit: int = 64, host_delay_s: float = 1.0, budget_s: float = 10.0
    ) -> list[ArticleLink]:
        """Lease due URLs of free hosts, hosts in turn.

        Returns at most as many URLs of one host as its delay allows in `budget_s` seconds. A URL that has been claimed
        `SUSPECT_CLAIMS` times without ending is returned only when no other is due, and alone.
        """
        innocent = self._claim(owner, now, URLS.c.claims < SUSPECT_CLAIMS, limit, host_delay_s, budget_s)
        suspect = URLS.c.claims.between(SUSPECT_CLAIMS, GUILTY_CLAIMS - 1)
        return innocent or self._claim(owner, now, suspect, 1, host_delay_s, budget_s)

    def claim_guilty(self, owner: str, now: datetime, limit: int = 64) -> list[ArticleLink]:
        """Lease URLs that are to be given up: they were claimed alone, again and again, and never ended."""
        guilty = sa.select(URLS).where(URLS.c.due_at <= now, self._unheld(now), URLS.c.claims >= GUILTY_CLAIMS)
        with self.engine.begin() as connection:
            rows = connection.execute(guilty.limit(limit).with_for_update(skip_locked=True)).mappings().all()
            self._lease(connection, owner, now, rows)
        return [link_of_row(row) for row in rows]

    def _unheld(self, now: datetime) -> sa.ColumnElement[bool]:
        leased = URLS.c.leased_until
        # a lease that ends later than any can was written before the clock was set back
        return sa.or_(leased.is_(None), leased <= now, leased > now + CLOCK_ERROR + self.lease)

    def _claim(
        self,
        owner: str,
        now: datetime,
        which: sa.ColumnElement[bool],
        limit: int,
        host_delay_s: float,
        budget_s: float,
    ) -> list[ArticleLink]:
        due = sa.and_(URLS.c.due_at <= now, self._unheld(now), which)
        # a scalar rather than EXISTS, which PostgreSQL turns into a join that reads every due URL
        has_due = (
            sa.select(sa.literal(1)).where(URLS.c.host == HOSTS.c.host, due).limit(1).scalar_subquery().is_not(None)
        )
        feed_waits = sa.exists().where(
            FEEDS.c.host == HOSTS.c.host,
            FEEDS.c.enabled,
            FEEDS.c.next_poll_at <= now,
            FEEDS.c.next_poll_at > now - FEED_FIRST,
        )
        until = now + self.lease
        with self.engine.begin() as connection:
            delays = claim_hosts(connection, owner, now, until, limit, sa.and_(has_due, sa.not_(feed_waits)))
            allowed = {
                host: min(limit, max(1, int(budget_s // max(host_delay_s, delay, 1e-9))))
                for host, delay in delays.items()
            }
            rows = _take_turns(connection, due, allowed, limit)
            release_unused_hosts(connection, owner, set(delays) - {row["host"] for row in rows})
            self._lease(connection, owner, now, rows)
        return [link_of_row(row) for row in rows]

    def _lease(self, connection: sa.Connection, owner: str, now: datetime, rows: Sequence[sa.RowMapping]) -> None:
        if rows:
            connection.execute(
                sa.update(URLS)
                .where(URLS.c.canonical_url.in_([row["canonical_url"] for row in rows]))
                .values(lease_owner=owner, leased_until=now + self.lease, claims=URLS.c.claims + 1)
            )

    def retry(self, now: datetime, reason: str = "", url: str = "") -> int:
        """Make failed URLs due now: all with one reason, or one URL (even a rejected one). Returns how many."""
        which = (
            URLS.c.canonical_url == bounded_key(url_key(url))
            if url
            else sa.and_(URLS.c.outcome == "failed", URLS.c.reason == reason)
        )
        with self.engine.begin() as connection:
            return connection.execute(
                sa.update(URLS).where(which, URLS.c.outcome != "article").values(due_at=now, tries=0, claims=0)
            ).rowcount


def batch_size(due: int, largest: int) -> int:
    """Return the maximum number of links in a batch when `due` are due."""
    return max(SMALLEST_BATCH, min(largest, due // SHARES))


def present(
    connection: sa.Connection, column: sa.Column[Any], values: Sequence[str], *where: sa.ColumnElement[bool]
) -> set[str]:
    """Return which of the values are in a column; queries in chunks, as the values per statement are limited."""
    found: set[str] = set()
    for start in range(0, len(values), MOST_VALUES):
        part = values[start : start + MOST_VALUES]
        found.update(connection.execute(sa.select(column).where(column.in_(part), *where)).scalars())
    return found


def _listed(connection: sa.Connection, keys: Sequence[str], feeds: Iterable[str]) -> set[tuple[str, str]]:
    """Return which of the keys these feeds have listed before, with the feed."""
    found: set[tuple[str, str]] = set()
    columns = SIGHTINGS.c.canonical_url, SIGHTINGS.c.feed_url
    for start in range(0, len(keys), MOST_VALUES):
        part = keys[start : start + MOST_VALUES]
        rows = connection.execute(sa.select(*columns).where(columns[0].in_(part), columns[1].in_(feeds)))
        found.update((row.canonical_url, row.feed_url) for row in rows)
    return found


def _take_turns(
    connection: sa.Connection, due: sa.ColumnElement[bool], allowed: Mapping[str, int], limit: int
) -> list[sa.RowMapping]:
    """Return the first due rows of these hosts, hosts in turn: at most `allowed` of each, and `limit` in all."""
    turns = []
    # one query per host reads a few entries of an index; ranking in one query would read every due URL
    first = sa.select(URLS.c.due_at, URLS.c.canonical_url).where(URLS.c.host == sa.bindparam("name"), due)
    first = first.order_by(URLS.c.due_at).limit(sa.bindparam("most"))
    for host, most in allowed.items():
        rows = connection.execute(first, {"name": host, "most": most})
        turns += [(turn, row.due_at, row.canonical_url) for turn, row in enumerate(rows)]
    keys = [key for _, _, key in sorted(turns)[:limit]]
    found = connection.execute(sa.select(URLS).where(URLS.c.canonical_url.in_(keys))).mappings()
    by_key = {row["canonical_url"]: row for row in found}
    return [by_key[key] for key in keys]


def _url_row(sighting: Sighting, now: datetime) -> dict[str, Any]:
    link = sighting.link
    return link_columns(link) | {
        "tries": 0,
        "claims": 0,
        "discovered_at": link.discovered_at or now,
        "due_at": now,
        "entry_updated_at": sighting.updated_at,
        "hints": hints_of(link),
    }


def _sighting_row(sighting: Sighting, now: datetime) -> dict[str, Any]:
    return {
        "canonical_url": bounded_key(sighting.link.canonical_url),
        "feed_url": cut_text(storable(sighting.link.feed_url), LONGEST_FEED),
        "url": storable(sighting.link.url),
        "guid": storable(sighting.guid)[:LONGEST_HINT],
        "title": storable(sighting.link.title)[:LONGEST_HINT],
        "seen_at": now,
    }

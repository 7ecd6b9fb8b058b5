"""The ledger: every feed and URL with its fate, and who works on what until when.

A URL is due while `due_at` is set and past, and free while nobody holds a lease on it. Work is leased by host, so that
one process at a time talks to a host and politeness holds across processes; a lease that is not renewed runs out and
the work is claimed again. The sink writes an article and its URL's fate in one transaction (pipeline.sinks.sql), so a
process can be killed anywhere: what had not landed is still due.

Every method takes `now`, so that tests need no clock.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipeline.tables.database import METADATA, insert_rows, reading
from pipeline.tables.keys import LONGEST_FEED, LONGEST_HOST, bounded_key, storable
from transforms.records import ArticleLink, Event, FeedState
from transforms.urls import host_of, url_key

FEEDS, URLS, HOSTS = METADATA.tables["feeds"], METADATA.tables["urls"], METADATA.tables["hosts"]
EVENTS, SIGHTINGS = METADATA.tables["events"], METADATA.tables["sightings"]

LEASE = timedelta(seconds=120)
# a feed that is due goes before the articles of its host, unless no poller has taken it for this long
FEED_FIRST = timedelta(seconds=60)
# a page that was claimed this often without ending is worked on alone, in case that it kills its worker
SUSPECT_CLAIMS = 3
LONGEST_HINT = 1000
MOST_VALUES = 1000
SMALLEST_BATCH = 8
SHARES = 6  # of what is due, one batch takes no more than this part, so that the last ones end together
REVISIT_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A link as one entry of a feed named it."""

    link: ArticleLink
    guid: str = ""
    updated_at: datetime | None = None


def new_owner() -> str:
    """Name this process as the holder of leases: host, process id and a word that no other process has."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def is_dead(owner: str) -> bool:
    """Tell whether the holder of a lease was a process of this machine that is gone."""
    host, _, rest = owner.partition("/")
    pid = rest.partition("/")[0]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class Ledger:
    """The feeds, URLs and leases in one database."""

    def __init__(self, engine: sa.Engine, revisit_after: timedelta = REVISIT_AFTER, lease: timedelta = LEASE) -> None:
        """`revisit_after` is how long an article stays as it landed, however often its feed says that it was edited."""
        self.engine, self.revisit_after, self.lease = engine, revisit_after, lease

    # -- feeds

    def add_feeds(self, urls: Iterable[str], now: datetime, from_index: str = "") -> int:
        """Record feeds that are to be polled from now on, and return how many are new; the others stay as they are."""
        states = [
            FeedState(url, url, host_of(url), next_poll_at=now, from_index=from_index)
            for url in urls
            if len(url) <= LONGEST_FEED
        ]
        with self.engine.begin() as connection:
            self._add_hosts(connection, {state.host for state in states})
            known = _present(connection, FEEDS.c.url, [state.url for state in states])
            new = [asdict(state) for state in states if state.url not in known]
            insert_rows(connection, FEEDS, new)
            return len(new)

    def claim_feeds(
        self, owner: str, now: datetime, limit: int = 64, polled_before: datetime | None = None
    ) -> list[FeedState]:
        """Lease feeds that are due, with their hosts.

        With `polled_before`, every enabled feed is due that was not polled since (`--once`).
        """
        due = sa.and_(FEEDS.c.enabled, FEEDS.c.next_poll_at <= now)
        if polled_before is not None:
            due = sa.and_(FEEDS.c.enabled, sa.or_(FEEDS.c.polled_at.is_(None), FEEDS.c.polled_at < polled_before))
        with self.engine.begin() as connection:
            hosts = self._claim_hosts(
                connection, owner, now, limit, sa.exists().where(FEEDS.c.host == HOSTS.c.host, due)
            )
            rows = connection.execute(
                sa.select(FEEDS).where(FEEDS.c.host.in_(hosts), due).order_by(FEEDS.c.next_poll_at).limit(limit)
            )
            states = [FeedState(**row) for row in rows.mappings()]
            self._free_hosts(connection, owner, set(hosts) - {state.host for state in states}, now, None)
        return states

    def count_feeds(self) -> int:
        """Count the feeds that are polled."""
        with reading(self.engine) as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(FEEDS).where(FEEDS.c.enabled)).scalar_one()

    def unpolled_feeds(self, since: datetime) -> int:
        """Count the enabled feeds that were not polled since."""
        with reading(self.engine) as connection:
            return connection.execute(
                sa.select(sa.func.count())
                .select_from(FEEDS)
                .where(FEEDS.c.enabled, sa.or_(FEEDS.c.polled_at.is_(None), FEEDS.c.polled_at < since))
            ).scalar_one()

    def known_keys(self, keys: Sequence[str]) -> set[str]:
        """Return those of these canonical URLs that the ledger has."""
        with reading(self.engine) as connection:
            return _known_keys(connection, [bounded_key(key) for key in keys])

    def landed_keys(self, keys: Sequence[str]) -> set[str]:
        """Return those of these canonical URLs whose article has landed."""
        with reading(self.engine) as connection:
            return _present(
                connection, URLS.c.canonical_url, [bounded_key(key) for key in keys], URLS.c.outcome == "article"
            )

    def record_poll(
        self,
        state: FeedState,
        sightings: Sequence[Sighting],
        events: Sequence[Event],
        now: datetime,
        children: Sequence[tuple[str, datetime]] = (),
    ) -> int:
        """Write a feed's new state, its new URLs and what happened, in one transaction. Returns how many URLs are new.

        A URL that stands already is due again if the feed says that it was updated since. `children` are the feeds
        that a sitemap index names, each with the time of its first poll.
        """
        with self.engine.begin() as connection:
            connection.execute(sa.update(FEEDS).where(FEEDS.c.url == state.url).values(asdict(state)))
            insert_rows(connection, EVENTS, [_event_row(event, number) for number, event in enumerate(events)])
            if children:
                states = [
                    FeedState(url, url, host_of(url), next_poll_at=at, from_index=state.url)
                    for url, at in children
                    if len(url) <= LONGEST_FEED
                ]
                insert_rows(connection, FEEDS, [asdict(child) for child in states])
            hosts = {sighting.link.host for sighting in sightings} | {host_of(url) for url, _ in children}
            self._add_hosts(connection, hosts | {state.host})
            return self._add_sightings(connection, sightings, now)

    def add_links(self, sightings: Sequence[Sighting], now: datetime) -> int:
        """Record URLs that no poll named (a file of URLs, a topic). Returns how many are new."""
        with self.engine.begin() as connection:
            self._add_hosts(connection, {sighting.link.host for sighting in sightings})
            return self._add_sightings(connection, sightings, now)

    def _add_sightings(self, connection: sa.Connection, sightings: Sequence[Sighting], now: datetime) -> int:
        rows = list({row["canonical_url"]: row for row in (_url_row(s, now) for s in reversed(sightings))}.values())
        rows.reverse()
        known = _known_keys(connection, [row["canonical_url"] for row in rows])
        new = [row for row in rows if row["canonical_url"] not in known]
        insert_rows(connection, URLS, new)
        seen = [
            {
                "canonical_url": bounded_key(s.link.canonical_url),
                "feed_url": s.link.feed_url,
                "url": storable(s.link.url),
                "guid": storable(s.guid)[:LONGEST_HINT],
                "title": storable(s.link.title)[:LONGEST_HINT],
                "seen_at": now,
            }
            for s in sightings
        ]
        insert_rows(connection, SIGHTINGS, seen)
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
                [{"key": bounded_key(s.link.canonical_url), "updated": s.updated_at} for s in edited],
            )
        return len(new)

    # -- work

    def claim_links(
        self, owner: str, now: datetime, limit: int = 64, host_delay_s: float = 1.0, budget_s: float = 10.0
    ) -> list[ArticleLink]:
        """Lease due URLs of hosts that nobody else talks to, in turns between hosts.

        Of one host come at most as many as its pace lets through in `budget_s` seconds. A page that has been claimed
        `SUSPECT_CLAIMS` times without ending comes alone.
        """
        due = sa.and_(URLS.c.due_at <= now, sa.or_(URLS.c.leased_until.is_(None), URLS.c.leased_until <= now))
        feed_waits = sa.exists().where(
            FEEDS.c.host == HOSTS.c.host,
            FEEDS.c.enabled,
            FEEDS.c.next_poll_at <= now,
            FEEDS.c.next_poll_at > now - FEED_FIRST,
        )
        with self.engine.begin() as connection:
            waits = sa.and_(sa.exists().where(URLS.c.host == HOSTS.c.host, due), sa.not_(feed_waits))
            delays = self._claim_hosts(connection, owner, now, limit, waits)
            rank = sa.func.row_number().over(partition_by=URLS.c.host, order_by=URLS.c.due_at).label("rank")
            ranked = sa.select(URLS, rank).where(URLS.c.host.in_(delays), due).subquery()
            rows = connection.execute(
                sa.select(ranked).where(ranked.c.rank <= limit).order_by(ranked.c.rank, ranked.c.due_at)
            ).mappings()
            chosen = [
                row for row in rows if row["rank"] <= max(1, budget_s // max(host_delay_s, delays[row["host"]], 1e-9))
            ][:limit]
            suspects = [row for row in chosen if row["claims"] >= SUSPECT_CLAIMS]
            if suspects:
                chosen = suspects[:1]
            self._free_hosts(connection, owner, set(delays) - {row["host"] for row in chosen}, now, None)
            if chosen:
                connection.execute(
                    sa.update(URLS)
                    .where(URLS.c.canonical_url.in_([row["canonical_url"] for row in chosen]))
                    .values(lease_owner=owner, leased_until=now + self.lease, claims=URLS.c.claims + 1)
                )
        return [link_of_row(row) for row in chosen]

    def renew(self, owner: str, now: datetime) -> None:
        """Hold what this owner holds for another lease time."""
        with self.engine.begin() as connection:
            for table in (URLS, HOSTS):
                connection.execute(
                    sa.update(table).where(table.c.lease_owner == owner).values(leased_until=now + self.lease)
                )

    def release(
        self,
        owner: str,
        now: datetime,
        delays: Mapping[str, float],
        host: str | None = None,
        forgive: bool = True,
    ) -> int:
        """Give back what this owner holds (of one host, if named); returns how many URLs had not ended.

        `delays` are the seconds for which each host is then left alone; see Fetcher.delay_of. `forgive` says that the
        URLs are not to blame for not having ended, so that this claim does not make them suspects.
        """
        with self.engine.begin() as connection:
            mine = URLS.c.lease_owner == owner
            held = HOSTS.c.lease_owner == owner
            given_back = connection.execute(
                sa.update(URLS)
                .where(mine if host is None else sa.and_(mine, URLS.c.host == host))
                .values(lease_owner=None, leased_until=None, claims=URLS.c.claims - (1 if forgive else 0))
            ).rowcount
            hosts = connection.execute(
                sa.select(HOSTS.c.host).where(held if host is None else sa.and_(held, HOSTS.c.host == host))
            ).scalars()
            self._free_hosts(connection, owner, set(hosts), now, delays)
        return given_back

    def release_hosts(self, owner: str, now: datetime, delays: Mapping[str, float]) -> None:
        """Give back these hosts of this owner, and none of the URLs that it holds."""
        with self.engine.begin() as connection:
            self._free_hosts(connection, owner, delays, now, delays)

    def hosts_of(self, owner: str) -> list[str]:
        """Return the hosts that this owner holds."""
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(HOSTS.c.host).where(HOSTS.c.lease_owner == owner)).scalars())

    def take_back_dead(self, own: Sequence[str], now: datetime) -> int:
        """End the leases of processes of this machine that are gone, so that a restart need not wait for them.

        Returns how many URLs came free.
        """
        freed = 0
        with self.engine.begin() as connection:
            for table in (URLS, HOSTS):
                owners = connection.execute(
                    sa.select(table.c.lease_owner).where(table.c.lease_owner.is_not(None)).distinct()
                ).scalars()
                dead = [other for other in owners if other not in own and is_dead(other)]
                if not dead:
                    continue
                rows = connection.execute(
                    sa.update(table).where(table.c.lease_owner.in_(dead)).values(lease_owner=None, leased_until=None)
                ).rowcount
                freed += rows if table is URLS else 0
        return freed

    def count_due(self, by: datetime) -> int:
        """Count the URLs that are due until then or are being worked on."""
        with reading(self.engine) as connection:
            return connection.execute(
                sa.select(sa.func.count())
                .select_from(URLS)
                .where(sa.or_(URLS.c.due_at <= by, sa.and_(URLS.c.due_at.is_not(None), URLS.c.leased_until > by)))
            ).scalar_one()

    def retry(self, now: datetime, reason: str = "", url: str = "") -> int:
        """Make failed URLs due now: of one reason, or one URL (also a rejected one). Returns how many."""
        which = (
            URLS.c.canonical_url == bounded_key(url_key(url))
            if url
            else sa.and_(URLS.c.outcome == "failed", URLS.c.reason == reason)
        )
        with self.engine.begin() as connection:
            return connection.execute(
                sa.update(URLS).where(which, URLS.c.outcome != "article").values(due_at=now, tries=0)
            ).rowcount

    # -- hosts

    def _add_hosts(self, connection: sa.Connection, hosts: Iterable[str]) -> None:
        insert_rows(connection, HOSTS, [{"host": host} for host in sorted({name[:LONGEST_HOST] for name in hosts})])

    def _claim_hosts(
        self, connection: sa.Connection, owner: str, now: datetime, limit: int, wanted: sa.ColumnElement[bool]
    ) -> dict[str, float]:
        rows = connection.execute(
            sa.select(HOSTS.c.host, HOSTS.c.delay_s)
            .where(
                sa.or_(HOSTS.c.leased_until.is_(None), HOSTS.c.leased_until <= now),
                sa.or_(HOSTS.c.free_at.is_(None), HOSTS.c.free_at <= now),
                wanted,
            )
            .order_by(HOSTS.c.claimed_at.asc().nulls_first(), HOSTS.c.host)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        delays = {row.host: row.delay_s or 0.0 for row in rows}
        if delays:
            connection.execute(
                sa.update(HOSTS)
                .where(HOSTS.c.host.in_(delays))
                .values(lease_owner=owner, leased_until=now + self.lease, claimed_at=now)
            )
        return delays

    def _free_hosts(
        self,
        connection: sa.Connection,
        owner: str,
        hosts: Iterable[str],
        now: datetime,
        delays: Mapping[str, float] | None,
    ) -> None:
        rows = [
            {
                "name": host,
                "mine": owner,
                "free": now + timedelta(seconds=delays.get(host, 0.0)),
                "delay": delays.get(host),
            }
            if delays is not None
            else {"name": host, "mine": owner}
            for host in hosts
        ]
        if not rows:
            return
        values: dict[str, Any] = {"lease_owner": None, "leased_until": None}
        if delays is not None:
            values |= {"free_at": sa.bindparam("free"), "delay_s": sa.bindparam("delay")}
        connection.execute(
            sa.update(HOSTS)
            .where(HOSTS.c.host == sa.bindparam("name"), HOSTS.c.lease_owner == sa.bindparam("mine"))
            .values(values),
            rows,
        )


def batch_size(due: int, largest: int) -> int:
    """Return how many links a batch has at most when so many are due."""
    return max(SMALLEST_BATCH, min(largest, due // SHARES))


def _known_keys(connection: sa.Connection, keys: Sequence[str]) -> set[str]:
    return _present(connection, URLS.c.canonical_url, keys)


def _present(
    connection: sa.Connection, column: sa.Column[Any], values: Sequence[str], *where: sa.ColumnElement[bool]
) -> set[str]:
    """Return those of the values that stand in a column; asked in parts, as a statement takes only so many."""
    found: set[str] = set()
    for start in range(0, len(values), MOST_VALUES):
        part = values[start : start + MOST_VALUES]
        found.update(connection.execute(sa.select(column).where(column.in_(part), *where)).scalars())
    return found


def _event_row(event: Event, number: int) -> dict[str, Any]:
    return {
        "event_id": f"{event.at:%Y%m%d%H%M%S%f}-{number:03d}-{secrets.token_hex(4)}",
        "kind": event.kind,
        "subject": storable(event.subject),
        "detail": storable(event.detail),
        "at": event.at,
    }


def _url_row(sighting: Sighting, now: datetime) -> dict[str, Any]:
    link = sighting.link
    return {
        "canonical_url": bounded_key(link.canonical_url),
        "url": storable(link.url),
        "article_id": link.article_id,
        "host": link.host[:LONGEST_HOST],
        "feed_url": link.feed_url,
        "tries": 0,
        "claims": 0,
        "discovered_at": link.discovered_at or now,
        "due_at": now,
        "entry_updated_at": sighting.updated_at,
        "hints": {
            "title": storable(link.title)[:LONGEST_HINT],
            "published_at": link.published_at.isoformat() if link.published_at else None,
            "authors": [storable(author)[:LONGEST_HINT] for author in link.authors[:20]],
            "language": storable(link.language)[:LONGEST_HINT],
        },
    }


def link_of_row(row: Mapping[Any, Any]) -> ArticleLink:
    """Return the link of a row of `urls`."""
    hints = row["hints"] or {}
    published = hints.get("published_at")
    return ArticleLink(
        url=row["url"],
        canonical_url=row["canonical_url"],
        article_id=row["article_id"],
        host=row["host"],
        feed_url=row["feed_url"],
        discovered_at=row["discovered_at"],
        tries=row["tries"],
        title=hints.get("title", ""),
        published_at=datetime.fromisoformat(published) if published else None,
        authors=tuple(hints.get("authors", ())),
        language=hints.get("language", ""),
    )

"""The outbox: publish the ledger's due URLs to the topic, so that none is lost between the two.

    choose due rows, hosts in turn, at most as many of one host as its delay allows -> publish
        -> wait for every acknowledgement -> mark the rows as announced

If the process is killed before it marks the rows, they are published again, and a URL that is fetched twice lands once.
A row is announced if it is due and has not been announced since it became due. It is announced again if it is still due
long after that: a runner may have lost it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
import structlog
from google.api_core.exceptions import NotFound

from pipeline.config import Config
from pipeline.ledger.hosts import add_hosts
from pipeline.ledger.link_rows import link_of_row
from pipeline.loop import Loop
from pipeline.messages.links import attributes_of, encode_link
from pipeline.tables.database import METADATA, reading
from transforms.errors import UserError
from transforms.records import ArticleLink

URLS, HOSTS = METADATA.tables["urls"], METADATA.tables["hosts"]

LIMIT = 500
BUDGET_S = 10.0  # announce at most as many URLs of one host at once as can be fetched in this time
ANNOUNCE_AGAIN = timedelta(days=1)
ACKNOWLEDGED_S = 60.0

log = structlog.get_logger(__name__)


class Client(Protocol):
    """The part of google.cloud.pubsub_v1.PublisherClient that is used here."""

    def publish(self, topic: str, data: bytes, **attributes: str) -> Future[str]:
        """Send a message in the background; the result is its id."""


class Publisher:
    """Announce the ledger's due URLs on a topic until told to stop."""

    def __init__(
        self,
        engine: sa.Engine,
        topic: str,
        config: Config,
        client: Client | None = None,
        again_after: timedelta = ANNOUNCE_AGAIN,
        loop: Loop | None = None,
    ) -> None:
        """`again_after` is how long a URL may stay due before it is announced again."""
        self.engine, self.topic, self.host_delay = engine, topic, config.host_delay
        self.client = client or make_client()
        self.again_after = again_after
        # what a failed round did not mark is published again
        self.loop = loop or Loop("publishing failed")
        self._is_finishing = False

    def run(self) -> None:
        """Publish until `stop` is called or, after `finish`, until everything due has been announced.

        Raises UserError if there is no such topic.
        """
        self.loop.run(
            lambda: bool(self.publish_due(datetime.now(UTC))),
            lambda: self._is_finishing and not self.count_unannounced(datetime.now(UTC)),
            fatal=(UserError,),
        )

    def finish(self) -> None:
        """Stop when nothing is left to announce."""
        self._is_finishing = True

    def stop(self) -> None:
        """Stop after the messages that are being published."""
        self.loop.stop()

    def publish_due(self, now: datetime) -> int:
        """Publish one batch of due URLs; returns how many.

        Raises UserError if there is no such topic, and what the client or the database raises.
        """
        links = self.choose_links(now)
        if not links:
            return 0
        start = time.monotonic()
        futures = [self.client.publish(self.topic, encode_link(link), **attributes_of(link)) for link in links]
        try:
            for future in futures:
                future.result(ACKNOWLEDGED_S)
        except NotFound as exc:
            raise UserError(f"no topic {self.topic}: create it first, with a subscription for the job") from exc
        self.mark_announced(links, now)
        log.info("published", links=len(links), seconds=round(time.monotonic() - start, 3))
        return len(links)

    def choose_links(self, now: datetime) -> list[ArticleLink]:
        """Return URLs to announce now, hosts in turn, and reserve their hosts for the time that fetching them takes.

        Skips hosts that a process of this ledger has leased, and hosts that are not free yet.
        """
        rank = sa.func.row_number().over(partition_by=URLS.c.host, order_by=URLS.c.due_at).label("rank")
        free = sa.or_(HOSTS.c.free_at.is_(None), HOSTS.c.free_at <= now)
        unleased = sa.or_(HOSTS.c.leased_until.is_(None), HOSTS.c.leased_until <= now)
        ranked = (
            sa.select(URLS, HOSTS.c.delay_s, rank)
            .outerjoin(HOSTS, HOSTS.c.host == URLS.c.host)
            .where(self._unannounced(now), free, unleased)
            .subquery()
        )
        with self.engine.begin() as connection:
            rows = connection.execute(
                sa.select(ranked).where(ranked.c.rank <= LIMIT).order_by(ranked.c.rank, ranked.c.due_at).limit(LIMIT)
            ).mappings()
            chosen, busy = [], dict[str, float]()
            for row in rows:
                delay = max(self.host_delay, row["delay_s"] or 0.0)
                if row["rank"] <= max(1, BUDGET_S // max(delay, 1e-9)):
                    chosen.append(link_of_row(row))
                    busy[row["host"]] = busy.get(row["host"], 0.0) + delay
            if busy:
                # the host of a URL that another publisher put on the topic has no row yet
                add_hosts(connection, busy)
                connection.execute(
                    sa.update(HOSTS).where(HOSTS.c.host == sa.bindparam("name")).values(free_at=sa.bindparam("free")),
                    [{"name": host, "free": now + timedelta(seconds=busy[host])} for host in sorted(busy)],
                )
        return chosen

    def mark_announced(self, links: Sequence[ArticleLink], now: datetime) -> None:
        """Record that these have been published."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.update(URLS)
                .where(URLS.c.canonical_url.in_([link.canonical_url for link in links]))
                .values(announced_at=now)
            )

    def count_unannounced(self, now: datetime) -> int:
        """Count the URLs that are due and have not been announced since."""
        with reading(self.engine) as connection:
            return connection.execute(
                sa.select(sa.func.count()).select_from(URLS).where(self._unannounced(now))
            ).scalar_one()

    def _unannounced(self, now: datetime) -> sa.ColumnElement[bool]:
        return sa.and_(
            URLS.c.due_at <= now,
            sa.or_(
                URLS.c.announced_at.is_(None),
                URLS.c.announced_at < URLS.c.due_at,
                URLS.c.announced_at < now - self.again_after,
            ),
        )


def make_client() -> Any:
    """Return a Pub/Sub client that batches messages for up to 50 ms; raises UserError if there are no credentials."""
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import pubsub_v1

    try:
        return pubsub_v1.PublisherClient(pubsub_v1.types.BatchSettings(max_messages=500, max_latency=0.05))
    except DefaultCredentialsError as exc:
        raise UserError(f"no access to Pub/Sub: {exc}") from exc

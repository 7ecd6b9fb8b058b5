"""Hosts: which process may send requests to each one, and from when on.

Politeness is per host and must hold across processes, so feeds and links are leased by host. These functions run in
transactions that their callers open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipeline.tables.database import METADATA, insert_rows
from pipeline.tables.keys import bounded_host

HOSTS = METADATA.tables["hosts"]

# how far the clocks of the machines that share a ledger may differ
CLOCK_ERROR = timedelta(minutes=5)
# the longest delay between two requests that is kept: transforms.fetch.pace.MAX_DELAY_S
LONGEST_DELAY = timedelta(seconds=120)


def add_hosts(connection: sa.Connection, hosts: Iterable[str]) -> None:
    """Add hosts; known ones are unchanged."""
    # sorted, so that two processes that add the same hosts cannot deadlock
    insert_rows(connection, HOSTS, [{"host": host} for host in sorted({bounded_host(name) for name in hosts})])


def is_free(now: datetime, lease: timedelta) -> sa.ColumnElement[bool]:
    """Return the condition that nobody holds a host and its delay is over.

    A lease or a delay that ends later than any can was written before the clock was set back, and holds nothing.
    """
    leased, waits = HOSTS.c.leased_until, HOSTS.c.free_at
    return sa.and_(
        sa.or_(leased.is_(None), leased <= now, leased > now + CLOCK_ERROR + lease),
        sa.or_(waits.is_(None), waits <= now, waits > now + CLOCK_ERROR + LONGEST_DELAY),
    )


def claim_hosts(
    connection: sa.Connection,
    owner: str,
    now: datetime,
    until: datetime,
    limit: int,
    wanted: sa.ColumnElement[bool],
) -> dict[str, float]:
    """Lease up to `limit` free hosts that match `wanted`, least recently leased first.

    Returns the last known delay between two requests in seconds, by host.
    """
    rows = connection.execute(
        sa.select(HOSTS.c.host, HOSTS.c.delay_s)
        .where(is_free(now, until - now), wanted)
        .order_by(HOSTS.c.claimed_at.asc().nulls_first(), HOSTS.c.host)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    delays = {row.host: row.delay_s or 0.0 for row in rows}
    if delays:
        connection.execute(
            sa.update(HOSTS)
            .where(HOSTS.c.host.in_(delays))
            .values(lease_owner=owner, leased_until=until, claimed_at=now)
        )
    return delays


def release_unused_hosts(connection: sa.Connection, owner: str, hosts: Iterable[str]) -> None:
    """Release hosts to which nothing was sent, so that others may lease them at once."""
    _release(connection, [{"name": host, "mine": owner} for host in hosts], {})


def release_hosts(connection: sa.Connection, owner: str, now: datetime, delays: Mapping[str, float]) -> None:
    """Release hosts; each is free again after its delay in seconds."""
    rows = [
        {"name": host, "mine": owner, "free": now + timedelta(seconds=delay), "delay": delay}
        for host, delay in delays.items()
    ]
    _release(connection, rows, {"free_at": sa.bindparam("free"), "delay_s": sa.bindparam("delay")})


def _release(connection: sa.Connection, rows: list[dict[str, Any]], values: Mapping[str, Any]) -> None:
    if not rows:
        return
    connection.execute(
        sa.update(HOSTS)
        .where(HOSTS.c.host == sa.bindparam("name"), HOSTS.c.lease_owner == sa.bindparam("mine"))
        .values({"lease_owner": None, "leased_until": None} | dict(values)),
        rows,
    )

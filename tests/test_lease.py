"""Leases: which owners are dead, renewal in the background, and what is given back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from pipeline.ledger import Lease, Leases, Ledger, Sighting
from pipeline.ledger.lease import is_dead, new_owner
from pipeline.tables.database import METADATA, reading
from transforms.records import FeedEntry
from transforms.urls import link_of

URLS, HOSTS = METADATA.tables["urls"], METADATA.tables["hosts"]
OWNER = "import sys; from pipeline.ledger.lease import new_owner; print(new_owner(), flush=True); sys.stdin.read()"
NEEDS_PROC = pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"), reason="needs /proc for the start time of a process"
)


@contextmanager
def other_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that lives as long as the context, and an owner in it."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


def add(ledger: Ledger, *urls: str, now: datetime | None = None) -> None:
    now = now or datetime.now(UTC)
    ledger.links.add([Sighting(link_of(FeedEntry(url), "", now)) for url in urls], now)


def column(ledger: Ledger, column: sa.Column[object]) -> list[object]:
    with reading(ledger.engine) as connection:
        return list(connection.execute(sa.select(column).order_by(column)).scalars())


def test_a_living_process_is_not_dead_and_one_that_ended_is() -> None:
    with other_process() as (_, owner):
        assert not is_dead(owner) and not is_dead(new_owner())
        assert not is_dead(owner.replace(socket.gethostname(), "elsewhere", 1))
    assert is_dead(owner)
    assert not is_dead(owner.replace(socket.gethostname(), "elsewhere", 1))


@NEEDS_PROC
def test_a_reused_process_id_does_not_count_as_the_process_that_ended() -> None:
    with other_process() as (process, owner):
        host, pid, start, *rest = owner.split("/")
        earlier = "/".join([host, pid, f"{start}0", *rest])
        assert pid == str(process.pid) and start
        assert is_dead(earlier), "another process had this id before this one started"
        assert not is_dead(f"{host}/{pid}/aaaa"), "an owner of an older newsbeam: only its process id is known"


def test_a_restarted_container_is_told_apart_despite_the_same_process_id() -> None:
    """Host name and process id are the same as before, as for process 1 of a restarted container."""
    host, pid, start, process, holder = new_owner().split("/")
    assert is_dead(f"{host}/{pid}/{start}/0badcafe/{holder}")
    assert is_dead(f"{host}/{pid}/aaaa"), "an owner of an older newsbeam"
    assert not is_dead(f"{host}/{pid}/{start}/{process}/other"), "another holder in this process"


def test_leases_of_dead_processes_are_free_at_once(ledger: Ledger) -> None:
    now = datetime.now(UTC)
    add(ledger, "https://a.example/1", "https://b.example/1", now=now)
    with other_process() as (_, owner):
        assert len(ledger.links.claim(owner, now)) == 2
        assert ledger.leases.take_back_dead() == 0
    assert ledger.leases.take_back_dead() == 2
    assert len(ledger.links.claim(new_owner(), now)) == 2


def test_a_lease_is_renewed_while_it_lasts(ledger: Ledger) -> None:
    duration = timedelta(seconds=0.4)
    short = Ledger(ledger.engine, lease=duration)
    add(short, "https://a.example/1")
    with Lease(short.leases, lambda host: 0.0) as lease:
        assert short.links.claim(lease.owner, datetime.now(UTC))
        (first,) = column(short, URLS.c.leased_until)
        give_up_at = time.monotonic() + 30
        while column(short, URLS.c.leased_until) == [first]:
            assert time.monotonic() < give_up_at, "not renewed"
            time.sleep(0.02)
    (last,) = column(short, HOSTS.c.leased_until)
    assert isinstance(last, datetime)
    assert short.links.claim("other", last + duration), "a lease is not renewed after its end"


def test_an_unavailable_database_does_not_end_renewal(ledger: Ledger) -> None:
    renewed: list[str] = []

    class Flaky(Leases):
        def renew(self, owner: str, now: datetime) -> None:
            renewed.append(owner)
            if len(renewed) == 1:
                raise sa.exc.OperationalError("UPDATE", {}, OSError("the database is away"))

    with Lease(Flaky(ledger.engine, timedelta(seconds=0.04)), lambda host: 0.0) as lease:
        give_up_at = time.monotonic() + 30
        while len(renewed) < 2:
            assert time.monotonic() < give_up_at, "not retried"
            time.sleep(0.01)
    assert set(renewed) == {lease.owner}


@NEEDS_PROC
def test_a_killed_process_is_dead_before_its_parent_has_asked() -> None:
    with other_process() as (process, owner):
        process.kill()
        give_up_at = time.monotonic() + 10
        # subprocess asks only when told to
        while not is_dead(owner) and time.monotonic() < give_up_at:
            time.sleep(0.01)
        assert is_dead(owner)


@pytest.mark.parametrize("forgive", [True, False])
def test_leases_left_by_a_failed_round_are_given_back_by_the_next(ledger: Ledger, forgive: bool) -> None:
    now = datetime.now(UTC)
    add(ledger, "https://a.example/1", now=now)
    lease = Lease(ledger.leases, lambda host: 5.0)
    with pytest.raises(ZeroDivisionError), lease.round(lambda _: forgive) as owner:
        assert ledger.links.claim(owner, now)
        raise ZeroDivisionError
    assert column(ledger, HOSTS.c.lease_owner) == [lease.owner]
    with lease.round(lambda _: forgive):
        assert column(ledger, HOSTS.c.lease_owner) == [None] == column(ledger, URLS.c.lease_owner)
        assert column(ledger, HOSTS.c.delay_s) == [5.0]
        assert column(ledger, URLS.c.claims) == [0 if forgive else 1]
        ledger.links.claim(lease.owner, now + timedelta(minutes=1))
    with lease.round(lambda _: forgive):
        assert column(ledger, HOSTS.c.lease_owner) == [lease.owner], "a round that succeeded keeps its leases"


def test_hosts_are_given_back_one_by_one_or_without_their_urls(ledger: Ledger) -> None:
    now = datetime.now(UTC)
    add(ledger, "https://a.example/1", "https://b.example/1", "https://c.example/1", now=now)
    lease = Lease(ledger.leases, lambda host: 0.0)
    assert len(ledger.links.claim(lease.owner, now)) == 3
    lease.give_back("a.example")
    assert sorted(ledger.leases.hosts_of(lease.owner)) == ["b.example", "c.example"]
    assert column(ledger, URLS.c.lease_owner).count(lease.owner) == 2
    lease.give_back_hosts()
    assert ledger.leases.hosts_of(lease.owner) == []
    assert column(ledger, URLS.c.lease_owner).count(lease.owner) == 2, "until their fates are written"
    lease.give_back()
    assert column(ledger, URLS.c.lease_owner) == [None] * 3

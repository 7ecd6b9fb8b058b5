"""Leases: which process works on which hosts and URLs, until when.

One process at a time sends requests to a host, so that politeness holds across processes. A lease that is not renewed
expires, and the work is claimed again.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
import structlog

from pipeline.ledger.hosts import HOSTS, release_hosts
from pipeline.tables.database import METADATA, reading
from transforms.errors import DatabaseGone

URLS = METADATA.tables["urls"]
LEASE = timedelta(seconds=120)
# unique to this process; after a fork, the process id differs
PROCESS = secrets.token_hex(4)

log = structlog.get_logger(__name__)


def new_owner() -> str:
    """Return a name for a holder of leases in this process: host, process id, start of the process, PROCESS, holder."""
    pid = os.getpid()
    return f"{socket.gethostname()}/{pid}/{_start_of(pid)}/{PROCESS}/{secrets.token_hex(4)}"


def is_dead(owner: str) -> bool:
    """Tell whether the holder of a lease was a process of this machine that no longer exists.

    A process id alone is not enough: the main process of a container always has id 1, and ids are reused. So the start
    of the process is compared too. Two containers with the same host name would consider each other dead: give each its
    own, as Docker and Kubernetes do by default.
    """
    host, pid, start, process = (owner.split("/") + [""] * 3)[:4]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return process != PROCESS
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    # a process that was killed exists until its parent has asked how it ended
    is_zombie = _stat_of(int(pid))[:1] in (["Z"], ["X"])
    return is_zombie or (bool(process and start) and _start_of(int(pid)) not in ("", start))


def _start_of(pid: int) -> str:
    """Return the boot id of the machine and when a process started, in ticks since boot; "" without Linux's /proc."""
    try:
        return f"{_boot()}-{_stat_of(pid)[19]}"
    except (OSError, IndexError):
        return ""


def _stat_of(pid: int) -> list[str]:
    """Return what Linux tells about a process, from its state (field 3) on; nothing without /proc.

    See https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html.
    """
    try:
        # skip the name of the program, in parentheses, which may contain anything
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()[:8]


class Leases:
    """The leases of one ledger. A holder is a name that `new_owner` returned."""

    def __init__(self, engine: sa.Engine, duration: timedelta = LEASE) -> None:
        self.engine, self.duration = engine, duration

    def renew(self, owner: str, now: datetime) -> None:
        """Extend everything that this owner holds by the duration of a lease, from `now`."""
        with self.engine.begin() as connection:
            for table in (URLS, HOSTS):
                connection.execute(
                    sa.update(table).where(table.c.lease_owner == owner).values(leased_until=now + self.duration)
                )

    def release(
        self,
        owner: str,
        now: datetime,
        delays: Mapping[str, float],
        host: str | None = None,
        forgive: bool = True,
    ) -> int:
        """Release what this owner holds (of one host, if given); returns how many URLs had not ended.

        `delays` are the seconds after which each host is free again; see Fetcher.delay_of. With `forgive`, the claim is
        not counted, so that URLs that are not to blame for not having ended do not become suspects.
        """
        urls, held = URLS.c.lease_owner == owner, HOSTS.c.lease_owner == owner
        if host is not None:
            urls, held = sa.and_(urls, URLS.c.host == host), sa.and_(held, HOSTS.c.host == host)
        with self.engine.begin() as connection:
            given_back = connection.execute(
                sa.update(URLS)
                .where(urls)
                .values(lease_owner=None, leased_until=None, claims=URLS.c.claims - (1 if forgive else 0))
            ).rowcount
            hosts = connection.execute(sa.select(HOSTS.c.host).where(held)).scalars()
            release_hosts(connection, owner, now, {name: delays.get(name, 0.0) for name in hosts})
        return given_back

    def release_hosts(self, owner: str, now: datetime, delays: Mapping[str, float]) -> None:
        """Release these hosts of this owner, but none of the URLs that it holds."""
        with self.engine.begin() as connection:
            release_hosts(connection, owner, now, delays)

    def hosts_of(self, owner: str) -> list[str]:
        """Return the hosts that this owner holds."""
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(HOSTS.c.host).where(HOSTS.c.lease_owner == owner)).scalars())

    def take_back_dead(self, forgive: bool = False) -> int:
        """Release the leases of dead processes of this machine, so that a restart need not wait for them to expire.

        Returns how many URLs were released. With `forgive`, having been claimed does not make these URLs suspects: when
        everything was stopped, no page was to blame.
        """
        freed = 0
        with self.engine.begin() as connection:
            for table in (URLS, HOSTS):
                owners = connection.execute(
                    sa.select(table.c.lease_owner).where(table.c.lease_owner.is_not(None)).distinct()
                ).scalars()
                dead = [owner for owner in owners if is_dead(owner)]
                if not dead:
                    continue
                values: dict[str, Any] = {"lease_owner": None, "leased_until": None}
                if forgive and table is URLS:
                    values["claims"] = URLS.c.claims - 1
                rows = connection.execute(sa.update(table).where(table.c.lease_owner.in_(dead)).values(values)).rowcount
                freed += rows if table is URLS else 0
        return freed


class Lease:
    """What one holder has claimed, renewed in the background while the context is open.

    `delay_of` returns the seconds after which a released host is free again.
    """

    def __init__(self, leases: Leases, delay_of: Callable[[str], float]) -> None:
        self.leases, self.delay_of = leases, delay_of
        self.owner = new_owner()
        self._has_leftovers, self._forgive = False, True
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="leases", daemon=True)

    def __enter__(self) -> Self:
        self._renewing.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._renewing.join()

    @contextmanager
    def round(self, forgives: Callable[[BaseException], bool] = lambda _: True) -> Iterator[str]:
        """Open a round of work under this lease; yields the owner to claim for.

        If a round raises, the next one first releases what it had claimed; `forgives` tells for the error whether to do
        so with `forgive`, as in Leases.release.
        """
        if self._has_leftovers:
            self.give_back(forgive=self._forgive)
        self._has_leftovers = True
        try:
            yield self.owner
        except BaseException as error:
            self._forgive = forgives(error)
            raise
        self._has_leftovers = False

    def give_back(self, host: str | None = None, forgive: bool = True) -> None:
        """Release the hosts and URLs that are held (of one host, if given)."""
        hosts = [host] if host else self.leases.hosts_of(self.owner)
        delays = {name: self.delay_of(name) for name in hosts}
        self.leases.release(self.owner, datetime.now(UTC), delays, host, forgive)

    def give_back_hosts(self) -> None:
        """Release the hosts; URLs stay leased until their fates are written."""
        delays = {host: self.delay_of(host) for host in self.leases.hosts_of(self.owner)}
        self.leases.release_hosts(self.owner, datetime.now(UTC), delays)

    def _renew(self) -> None:
        while not self._ended.wait(self.leases.duration.total_seconds() / 4):
            try:
                self.leases.renew(self.owner, datetime.now(UTC))
            except (sa.exc.SQLAlchemyError, DatabaseGone) as error:
                log.warning("leases not renewed", error=str(error))

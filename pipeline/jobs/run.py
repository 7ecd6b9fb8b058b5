"""`newsbeam run`: one poller and N workers on one ledger, kept alive until the work or the user says stop.

The poller runs in this process, each worker in one of its own (`newsbeam work`), so that every core is used and a
worker that dies takes nobody with it. A worker ends by itself when this process is gone: its standard input closes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
import structlog

from pipeline.config import Config
from pipeline.jobs.poll import Poller
from pipeline.ledger import Ledger
from pipeline.ledger.reports import Audit, Progress, audit, progress
from pipeline.tables.database import open_database
from transforms.errors import UserError

log = structlog.get_logger()

LOOK_S = 0.5
WORKERS_STOP_S = 13.0  # a worker takes at most GRACE_S (pipeline.jobs.work) and a little to leave
RESTART_AFTER_S = 5.0
TROUBLE_S = 5.0
USER_ERROR = 2


class Shows(Protocol):
    """What shows progress while the pipeline runs."""

    def update(self, progress: Progress, now: datetime) -> None:
        """Show these figures."""


class Workers:
    """N worker processes, started again when they die."""

    def __init__(self, config: Config, count: int) -> None:
        self.environment = os.environ | config.as_environment()
        self.count = count
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start_at = [0.0] * count

    def start(self) -> None:
        """Start all of them."""
        self.processes = [self._spawn() for _ in range(self.count)]

    def look_after(self) -> None:
        """Start dead workers again, but not in a hurry; raises UserError if one ended with an error of the user."""
        for number, process in enumerate(self.processes):
            code = process.poll()
            if code is None:
                continue
            if code == USER_ERROR:
                raise UserError("a worker cannot start; its message stands above")
            if time.monotonic() >= self._start_at[number]:
                log.warning("worker died, starting another", exit_code=code)
                self._start_at[number] = time.monotonic() + RESTART_AFTER_S
                self.processes[number] = self._spawn()

    def stop(self) -> None:
        """Ask all to stop, wait, and kill what does not: its leases run out or are taken back at the next start."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + WORKERS_STOP_S
        for process in self.processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin:
                process.stdin.close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "pipeline.cli", "work", "--until-stdin-closes"]
        return subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


@contextmanager
def stop_signals(stop: threading.Event) -> Iterator[None]:
    """Set `stop` on SIGINT and SIGTERM."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(config: Config, feeds: Sequence[str], once: bool = False, show: Shows | None = None) -> Audit | None:
    """Poll and ingest until told to stop, or with `once` until every URL has its fate or is due later than patience.

    Returns, with `once`, the audit of the ledger at the end. Raises UserError for what the user can mend.
    """
    engine = open_database(config.db)
    ledger = Ledger(engine)
    started = datetime.now(UTC)
    ledger.feeds.add(feeds, started)
    if not ledger.feeds.count():
        raise UserError("no feed to poll: say one, as in newsbeam run https://example.org/feed.xml")
    poller = Poller(ledger, config)
    workers = Workers(config, config.workers or os.cpu_count() or 1)
    polling = threading.Thread(target=poller.run, kwargs={"once_since": started if once else None}, name="poller")
    stop = threading.Event()
    with stop_signals(stop):
        workers.start()
        polling.start()
        try:
            while not stop.wait(LOOK_S):
                now = datetime.now(UTC)
                workers.look_after()
                if not polling.is_alive() and not once:
                    raise RuntimeError("the poller ended; its error stands above")
                try:
                    if show is not None:
                        show.update(progress(engine, now), now)
                    if not polling.is_alive() and not ledger.links.has_due(now + timedelta(seconds=config.patience)):
                        break
                except sa.exc.OperationalError as error:
                    # the poller and the workers wait for the database too
                    log.warning("database away", error=str(error.orig))
                    stop.wait(TROUBLE_S)
        finally:
            poller.stop()
            workers.stop()
            polling.join()
    try:
        return audit(engine, datetime.now(UTC)) if once else None
    finally:
        engine.dispose()

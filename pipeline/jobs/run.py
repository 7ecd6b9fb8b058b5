"""`newsbeam run`: one poller and N workers on one ledger, kept running until the work is done or the user stops them.

The poller runs in this process and each worker in a process of its own (`newsbeam work`), so that every core is used
and a worker that crashes does not affect the others. When this process dies, the workers' stdin closes and they stop.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Protocol

import sqlalchemy as sa
import structlog

from pipeline.config import Config
from pipeline.jobs.poll import Poller
from pipeline.ledger import Ledger
from pipeline.ledger.reports import Audit, Progress, audit, progress
from pipeline.tables.database import open_when_there
from transforms.errors import UserError

log = structlog.get_logger()

TICK_S = 0.5
WORKERS_STOP_S = 13.0  # a worker takes up to GRACE_S (pipeline.jobs.work), and some time to exit
RESTART_AFTER_S = 5.0
TROUBLE_S = 5.0
DRAIN_S = 1.0
USER_ERROR = 2


class ProgressView(Protocol):
    """Shows progress while the pipeline runs."""

    def update(self, progress: Progress, now: datetime) -> None:
        """Show these figures."""

    def print_line(self, line: str) -> None:
        """Show a line that a worker wrote to its stderr; called from threads."""


class Workers:
    """N worker processes that are restarted when they die; `on_line` gets each line of their stderr."""

    def __init__(self, config: Config, count: int, on_line: Callable[[str], None]) -> None:
        # pass settings in the environment, so that passwords do not show in the list of processes
        self.environment = os.environ | config.as_environment()
        self.on_line = on_line
        # These and the poller forgive: what died before was stopped with an earlier run, and some may still be dying.
        self._workers = [self._spawn("--forgive") for _ in range(count)]
        self._restart_at = [0.0] * count

    def restart_dead(self) -> None:
        """Restart workers that died, each at most every RESTART_AFTER_S.

        Raises UserError if one ended with an error that the user can fix.
        """
        for number, worker in enumerate(self._workers):
            code = worker.process.poll()
            if code is None:
                continue
            if code == USER_ERROR:
                worker.lines.join(DRAIN_S)
                raise UserError("a worker ended with an error; see its line above")
            if time.monotonic() >= self._restart_at[number]:
                log.warning("worker died, starting another", exit_code=code)
                worker.close()
                self._restart_at[number] = time.monotonic() + RESTART_AFTER_S
                self._workers[number] = self._spawn()

    def stop(self) -> None:
        """Ask all workers to stop, wait, and kill those that do not.

        The leases of a killed worker expire, or are released at the next start.
        """
        for worker in self._workers:
            if worker.process.poll() is None:
                worker.process.terminate()
        deadline = time.monotonic() + WORKERS_STOP_S
        for worker in self._workers:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.close()

    def _spawn(self, *options: str) -> _Worker:
        command = [sys.executable, "-m", "pipeline.cli", "work", "--until-stdin-closes", *options]
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        lines = threading.Thread(
            target=forward_lines, args=(process.stderr, self.on_line), name="worker's stderr", daemon=True
        )
        lines.start()
        return _Worker(process, lines)


@dataclass(frozen=True, slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    lines: threading.Thread

    def close(self) -> None:
        """Wait until the last lines of a worker that ended have been forwarded, and close its pipes."""
        # with a timeout, since a grandchild may keep the pipe open
        self.lines.join(DRAIN_S)
        if self.process.stdin:
            self.process.stdin.close()


def forward_lines(stream: IO[bytes], on_line: Callable[[str], None]) -> None:
    """Pass each line of a stream to `on_line`, until the stream ends.

    A line that cannot be shown is skipped: if reading stopped, the worker would block once its pipe is full.
    """
    with stream:
        for line in stream:
            with suppress(OSError, ValueError):
                on_line(line.decode("utf-8", "replace").rstrip("\n"))


def write_to_stderr(line: str) -> None:
    """Write a line to this process's stderr, in one piece."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextmanager
def stop_signals(stop: threading.Event) -> Iterator[None]:
    """Set `stop` on SIGINT and SIGTERM."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(config: Config, feeds: Sequence[str], once: bool = False, view: ProgressView | None = None) -> Audit | None:
    """Poll and ingest until stopped; with `once`, until no URL is due within the configured patience.

    Returns the final audit of the ledger with `once`. Raises UserError for errors that the user can fix.
    """
    engine = open_when_there(config.db)
    ledger = Ledger(engine)
    started = datetime.now(UTC)
    ledger.feeds.add(feeds, started)
    if not ledger.feeds.count():
        raise UserError("no feed to poll: pass one, as in newsbeam run https://example.org/feed.xml")
    poller = Poller(ledger, config)
    failed: list[UserError] = []

    def poll() -> None:
        try:
            poller.run(once_since=started if once else None, forgive=True)
        except UserError as error:
            failed.append(error)

    polling = threading.Thread(target=poll, name="poller")
    stop = threading.Event()
    with stop_signals(stop):
        on_line = write_to_stderr if view is None else view.print_line
        workers = Workers(config, config.workers or os.cpu_count() or 1, on_line)
        polling.start()
        try:
            while not stop.wait(TICK_S):
                now = datetime.now(UTC)
                if failed:
                    raise failed[0]
                workers.restart_dead()
                if not polling.is_alive() and not once:
                    raise RuntimeError("the poller ended; see its error above")
                try:
                    if view is not None:
                        view.update(progress(engine, now), now)
                    if not polling.is_alive() and not ledger.links.has_due(now + timedelta(seconds=config.patience)):
                        break
                except sa.exc.OperationalError as error:
                    # the poller and the workers wait for it too
                    log.warning("database unavailable", error=str(error.orig))
                    stop.wait(TROUBLE_S)
        finally:
            poller.stop()
            workers.stop()
            polling.join()
    try:
        return audit(engine, datetime.now(UTC)) if once else None
    finally:
        engine.dispose()

"""Run newsbeam on good sites and an attacker, and measure how many good pages land before and during the attack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from commands import NEWSBEAM, clean_environment, rows_of
from family import family, resident
from newsworld import WebProcess

from hostile.declare import Case
from pipeline.ledger import Ledger
from pipeline.tables.database import METADATA, create_engine
from transforms.urls import url_key

ARTICLES, URLS, FEEDS = METADATA.tables["articles"], METADATA.tables["urls"], METADATA.tables["feeds"]
OPTIONS = ("--workers", "2", "--host-delay", "0", "--allow-private-addresses")
WARM_ARTICLES = 60  # by then both workers have loaded their models
WARM_S = 120.0
BEFORE_S, DURING_S = 15.0, 30.0
DRAIN_S = 45.0  # what was asked for during the attack has ended by then
STOP_S = 40.0
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Result:
    """What a case showed. Rates are good pages a second; `fates` count the attacker's URLs by fate and reason.

    `unended` are URLs of the attacker that were asked for and have no fate. `wronged` are good URLs that were rejected,
    failed, or leased three times without a fate. `load` is the machine's load, which tells whether it was ours alone.
    """

    before: float
    during: float
    fates: Mapping[str, int]
    unended: tuple[str, ...]
    wronged: tuple[str, ...]
    feed_errors: Mapping[str, int]
    feeds: int
    urls: int
    peak_mb: float
    load: float
    exit_code: int | None

    @property
    def share(self) -> float:
        """Return which share of the undisturbed rate was kept."""
        return self.during / self.before if self.before else 0.0

    def row(self, name: str) -> str:
        """Return a line of the table."""
        fates = ", ".join(f"{fate} {count}" for fate, count in sorted(self.fates.items())) or "no URL"
        feeds = "; ".join(f"{error[:60]} ({count})" for error, count in self.feed_errors.items())
        ended = (
            fates + (f"; feeds: {feeds}" if feeds else "") + (f"; {len(self.unended)} unended" if self.unended else "")
        )
        rates = f"{self.before:5.1f} | {self.during:5.1f} | {100 * self.share:4.0f} %"
        return f"{name:32} | {rates} | {self.peak_mb:5.0f} MB | {self.load:4.1f} | {ended}"


HEAD = f"{'case':32} | {'before':>5} | {'beside':>5} | share  | memory   | load | what became of the attacker's URLs"


@dataclass
class Memory(threading.Thread):
    """The largest resident memory of a process and all below it, sampled until stopped."""

    pid: int
    peak: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Sample."""
        while not self.done.wait(LOOK_S):
            self.peak = max([self.peak, *(resident(pid) for pid in family(self.pid))])


class Attack:
    """One run of newsbeam on the web of a case."""

    def __init__(self, case: Case, db: str, folder: Path) -> None:
        self.case, self.db, self.folder = case, db, folder

    def measure(self) -> Result:
        """Run, measure, attack, measure again, stop, and look at what is in the tables."""
        command = [sys.executable, "-m", "hostile.web", self.case.name]
        with WebProcess(command) as web, (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*NEWSBEAM, "run", web.feeds_url, "--db", self.db, *OPTIONS],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                start_new_session=True,
            )
            memory = Memory(process.pid)
            memory.start()
            try:
                return self._measure(web, process, memory)
            finally:
                memory.done.set()
                memory.join()
                stop(process)

    def _measure(self, web: WebProcess, process: subprocess.Popen[bytes], memory: Memory) -> Result:
        self.good = {address_of(row["base"]) for row in web.stats() if row["host"].startswith("good-")}
        self._wait_for(WARM_ARTICLES)
        before = self._rate(BEFORE_S)
        engine = create_engine(self.db)
        try:
            Ledger(engine).feeds.add(web.summary["attack"], datetime.now(UTC))
        finally:
            engine.dispose()
        during = self._rate(DURING_S)
        give_up_at = time.monotonic() + DRAIN_S
        while (unended := self._unended(web)) and time.monotonic() < give_up_at and process.poll() is None:
            time.sleep(LOOK_S)
        code = process.poll()
        fates, wronged = self._fates()
        feeds = rows_of(self.db, sa.select(FEEDS.c.url, FEEDS.c.host, FEEDS.c.last_error))
        bad = [row for row in feeds if row["host"] not in self.good and row["url"] != web.feeds_url]
        return Result(
            before=before,
            during=during,
            fates=fates,
            unended=tuple(unended),
            wronged=tuple(wronged),
            feed_errors=Counter(row["last_error"] for row in bad if row["last_error"]),
            feeds=len(bad),
            urls=sum(fates.values()),
            peak_mb=memory.peak / 1e6,
            load=os.getloadavg()[0],
            exit_code=code,
        )

    def _wait_for(self, articles: int) -> None:
        give_up_at = time.monotonic() + WARM_S
        while time.monotonic() < give_up_at:
            time.sleep(LOOK_S)
            try:
                if self._landed(datetime.min.replace(tzinfo=UTC)) >= articles:
                    return
            except sa.exc.SQLAlchemyError:
                # the tables are not there yet
                continue
        raise AssertionError(f"no {articles} articles within {WARM_S} s: {self.log_tail()}")

    def _rate(self, seconds: float) -> float:
        """Wait, and return how many good pages landed a second."""
        start = datetime.now(UTC)
        time.sleep(seconds)
        return self._landed(start, start + timedelta(seconds=seconds)) / seconds

    def _landed(self, since: datetime, until: datetime | None = None) -> int:
        landed = sa.select(sa.func.count().label("count")).where(
            ARTICLES.c.processed_at >= since, ARTICLES.c.host.in_(self.good)
        )
        if until is not None:
            landed = landed.where(ARTICLES.c.processed_at < until)
        return int(rows_of(self.db, landed)[0]["count"])

    def _unended(self, web: WebProcess) -> list[str]:
        """Return the attacker's URLs that were asked for and have neither a fate nor a failed try."""
        asked = {
            url_key(row["base"] + path)
            for row in web.stats()
            if address_of(row["base"]) not in self.good
            for path in row["pages"]
        }
        waiting = rows_of(
            self.db,
            sa.select(URLS.c.canonical_url).where(
                URLS.c.outcome.is_(None), URLS.c.tries == 0, URLS.c.host.not_in(self.good), URLS.c.claims > 0
            ),
        )
        return [row["canonical_url"] for row in waiting if row["canonical_url"] in asked]

    def _fates(self) -> tuple[Counter[str], list[str]]:
        fates: Counter[str] = Counter()
        wronged = []
        columns = (URLS.c.url, URLS.c.host, URLS.c.outcome, URLS.c.reason, URLS.c.claims)
        for row in rows_of(self.db, sa.select(*columns)):
            if row["host"] not in self.good:
                reason = row["reason"] if row["outcome"] in ("rejected", "failed") else ""
                fates[" ".join(filter(None, (row["outcome"] or "waiting", reason)))] += 1
            elif row["outcome"] in ("rejected", "failed") or row["claims"] >= 3:
                wronged.append(f"{row['url']}: {row['outcome']} {row['reason']} claims={row['claims']}")
        return fates, wronged

    def log_tail(self) -> str:
        """Return the end of what the run wrote."""
        return (self.folder / "log").read_bytes()[-3000:].decode("utf-8", "replace")


def address_of(base: str) -> str:
    """Return the host of a site's base address."""
    return base.partition("://")[2].rpartition(":")[0]


def stop(process: subprocess.Popen[Any]) -> None:
    """End a run and all its processes."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

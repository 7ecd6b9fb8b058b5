"""The local driver: lease a batch of URLs, run the graph on it as a bounded pipeline, settle, again.

One process computes on one page at a time, with LANES batches under way; more cores are used by more `newsbeam work`
processes on the same ledger. A bounded run and not a streaming one: DirectRunner's streaming sources acknowledge what
they read before it is done, so a crash would lose it. The engine is named: plain `DirectRunner` picks another one from
case to case.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog

from pipeline.config import Config
from pipeline.jobs.microbatch import run_batch
from pipeline.ledger.ledger import Ledger, batch_size, new_owner
from transforms.fetch.fetcher import shared_fetcher

log = structlog.get_logger()

GRACE_S = 10.0  # how long a batch may go on after the signal to stop
IDLE_S = 0.5
TROUBLE_S = 5.0
BATCH_BUDGET_S = 20.0
LANES = 2


class Worker:
    """Work on the ledger's URLs until told to stop.

    LANES batches are under way at once, each in a thread of its own with leases of its own: while one computes, the
    other's pages come in, and a site that keeps one waiting does not stop the work. They compute in turns
    (pipeline.graph.build.FetchBatch).
    """

    def __init__(self, ledger: Ledger, config: Config) -> None:
        self.ledger = ledger
        self.config = replace(config, batch_budget=config.batch_budget or BATCH_BUDGET_S)
        self.stopping = threading.Event()
        self._ended = threading.Event()
        self._owners = [new_owner() for _ in range(LANES)]

    def run(self, once: bool = False) -> None:
        """Work until `stop` is called; with `once`, until nothing is due within the configured patience."""
        self.ledger.take_back_dead(self._owners, datetime.now(UTC))
        threading.Thread(target=self._renew_leases, name="leases", daemon=True).start()
        lanes = [
            threading.Thread(target=self._work_lane, args=(owner, once), name=f"lane {number}", daemon=True)
            for number, owner in enumerate(self._owners)
        ]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        self._ended.set()

    def stop(self) -> None:
        """Finish the batches that end within GRACE_S, give the others back and leave the process with exit code 0.

        A batch cannot be interrupted from outside; since nothing of it counts before it has landed, leaving is safe.
        """
        self.stopping.set()

        def leave() -> None:
            try:
                for owner in self._owners:
                    self._give_back(owner)
            finally:
                os._exit(0)

        timer = threading.Timer(GRACE_S, leave)
        timer.daemon = True
        timer.start()

    def _work_lane(self, owner: str, once: bool) -> None:
        holding = False
        while not self.stopping.is_set():
            try:
                if holding:
                    self._give_back(owner, forgive=False)
                holding = True
                worked = self._work(owner)
                holding = False
                if not worked and once and not self.ledger.count_due(now_plus(self.config.patience)):
                    return
            except Exception:
                # the database may be away for a while, a page may be poison: what had not landed is due again
                log.exception("batch failed")
                self.stopping.wait(TROUBLE_S)
                continue
            if not worked:
                self.stopping.wait(IDLE_S)

    def _work(self, owner: str) -> bool:
        """Do one batch; returns whether there was one."""
        now = datetime.now(UTC)
        due = self.ledger.count_due(now)
        limit = batch_size(due, self.config.batch)
        links = self.ledger.claim_links(owner, now, limit, self.config.host_delay) if due else []
        if not links:
            return False
        start = time.monotonic()
        result = run_batch(links, self.config, self.config.db)
        self._give_back(owner)
        log.info(
            "batch",
            links=len(links),
            articles=result.articles,
            seconds=round(time.monotonic() - start, 2),
        )
        return True

    def _give_back(self, owner: str, forgive: bool = True) -> None:
        fetcher = shared_fetcher(self.config.fetch_policy())
        delays = {host: fetcher.delay_of(host) for host in self.ledger.hosts_of(owner)}
        self.ledger.release(owner, datetime.now(UTC), delays, forgive=forgive)

    def _renew_leases(self) -> None:
        while not self._ended.wait(self.ledger.lease.total_seconds() / 4):
            for owner in self._owners:
                try:
                    self.ledger.renew(owner, datetime.now(UTC))
                except sa.exc.SQLAlchemyError as error:
                    log.warning("leases not renewed", error=str(error))


def now_plus(seconds: float) -> datetime:
    """Return the time that many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)

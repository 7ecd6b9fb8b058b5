"""The local driver: repeatedly lease a batch of URLs, run the graph on it as a bounded pipeline and release its hosts.

One process computes on one page at a time, with LANES batches in progress. To use more cores, start more `newsbeam
work` processes on the same ledger. A batch is a bounded run rather than a streaming one because DirectRunner's
streaming sources acknowledge what they read before it is processed, so a crash would lose it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import random

import sqlalchemy as sa
import structlog

from pipeline.config import Config
from pipeline.jobs.microbatch import run_batch
from pipeline.ledger import Lease, Ledger
from pipeline.loop import Loop
from pipeline.sinks.sql_writer import write_landings
from pipeline.tables.refusals import is_of_database
from pipeline.tables.rows import landing_of
from transforms.errors import DatabaseGone, WorkerKilled
from transforms.fates import end
from transforms.fetch.fetcher import shared_fetcher

log = structlog.get_logger()

GRACE_S = 10.0  # how long a batch may continue after the signal to stop
LOOK_S = 0.2
BATCH_BUDGET_S = 20.0
LANES = 2
GUILTY_EVERY_S = 10.0  # looking for them reads every URL that is due


class Worker:
    """Work on the ledger's URLs until told to stop.

    LANES batches are in progress at once, each in a thread of its own with a lease of its own: while one computes, the
    other fetches, and a slow site does not leave the worker idle. They take turns to compute (pipeline.graph.turns).
    """

    def __init__(self, ledger: Ledger, config: Config, loop: Loop | None = None, grace_s: float = GRACE_S) -> None:
        self.ledger = ledger
        self.config = replace(config, batch_budget=config.batch_budget or BATCH_BUDGET_S)
        self.loop = loop or Loop("batch failed")
        self.grace_s = grace_s
        self._gone: DatabaseGone | None = None
        self._guilty_looked_for_at = 0.0

    def run(self, once: bool = False, forgive: bool = False) -> None:
        """Work until `stop` is called; with `once`, until nothing is due within the configured patience.

        `forgive` says that the workers that have died did so because everything was stopped (Leases.take_back_dead).

        After `stop`, batches that do not end within `grace_s` seconds are released and abandoned in their threads: a
        batch cannot be interrupted from outside. The process may then exit, since nothing counts before it has landed.
        Raises DatabaseGone if the file of the database was deleted or replaced.
        """
        try:
            self.ledger.leases.take_back_dead(forgive)
        except sa.exc.SQLAlchemyError as error:
            # the lanes wait for the database; leases of the dead expire
            log.warning("leases of dead workers not taken back", error=str(error))
        leases = [Lease(self.ledger.leases, self._delay_of) for _ in range(LANES)]
        lanes = [
            threading.Thread(target=self._work_lane, args=(lease, once), name=f"lane {number}", daemon=True)
            for number, lease in enumerate(leases)
        ]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            # wait in short steps, so that the main thread handles signals
            while lane.is_alive() and not self.loop.stopping:
                lane.join(LOOK_S)
        if self._gone is not None:
            raise self._gone
        give_up_at = time.monotonic() + self.grace_s
        for lane, lease in zip(lanes, leases, strict=True):
            lane.join(max(0.0, give_up_at - time.monotonic()))
            if lane.is_alive():
                log.warning("batch left unfinished", lane=lane.name)
                try:
                    lease.give_back()
                except sa.exc.SQLAlchemyError as error:
                    # the next start releases it, or it expires
                    log.warning("leases not released", error=str(error))

    def stop(self) -> None:
        """Let the batches in progress end within `grace_s` seconds, and release those that do not."""
        self.loop.stop()

    def _work_lane(self, lease: Lease, once: bool) -> None:
        with lease:
            try:
                self.loop.run(lambda: self._work(lease), lambda: once and not self._is_work_left())
            except DatabaseGone as error:
                self._gone = error
                self.loop.stop()

    def _is_work_left(self) -> bool:
        return self.ledger.links.has_due(datetime.now(UTC) + timedelta(seconds=self.config.patience))

    def _work(self, lease: Lease) -> bool:
        """Do one batch; returns whether there was one."""
        # a batch that raised counts against its links, unless the database was to blame
        with lease.round(forgives=is_of_database) as owner:
            links = self.ledger.links.claim_batch(owner, datetime.now(UTC), self.config.batch, self.config.host_delay)
            if not links:
                return self._give_up_guilty(owner)
            start = time.monotonic()
            result = run_batch(links, self.config, self.config.db)
            # only after everything has landed: until then, the fetcher may send requests to the hosts
            lease.give_back()
        log.info(
            "batch",
            links=len(links),
            articles=result.articles,
            seconds=round(time.monotonic() - start, 2),
        )
        return True

    def _give_up_guilty(self, owner: str) -> bool:
        """Reject the URLs whose workers died again and again; returns whether there were any."""
        if time.monotonic() < self._guilty_looked_for_at:
            return False
        self._guilty_looked_for_at = time.monotonic() + GUILTY_EVERY_S
        now = datetime.now(UTC)
        guilty = self.ledger.links.claim_guilty(owner, now)
        error = WorkerKilled("every process that worked on it died; to try it again, use newsbeam failures --retry URL")
        rejected = [landing_of(end(link, error, "work", now, random()), now) for link in guilty]
        write_landings(self.ledger.engine, rejected)
        for link in guilty:
            log.warning("given up", url=link.url, reason=error.reason)
        return bool(guilty)

    def _delay_of(self, host: str) -> float:
        return shared_fetcher(self.config.fetch_policy()).delay_of(host)

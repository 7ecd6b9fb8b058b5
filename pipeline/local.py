"""The local driver: lease a batch of URLs, run the graph on it as a bounded pipeline, settle, again.

One process works on one batch at a time; more cores are used by more `newsbeam work` processes on the same ledger. A
bounded run and not a streaming one: DirectRunner's streaming sources acknowledge what they read before it is done, so
a crash would lose it. The engine is named: plain `DirectRunner` picks another one from case to case.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
import structlog
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.config import Config
from pipeline.graph import build
from pipeline.ledger import LEASE, Ledger, new_owner
from pipeline.sinks import sink_of
from transforms.fetch import shared_fetcher
from transforms.records import ArticleLink

log = structlog.get_logger()

GRACE_S = 10.0  # how long a batch may go on after the signal to stop
IDLE_S = 0.5
SMALLEST_BATCH = 8


def run_batch(links: Sequence[ArticleLink], config: Config, sink: str) -> dict[str, int]:
    """Run the graph on these links and wait until its outcomes have landed; returns Beam's counters.

    Raises what the sink raises when it cannot write; the links are then still due.
    """
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    batches = pipeline | beam.Create([list(links)], reshuffle=False)
    _ = build(batches, config) | sink_of(sink)
    result = pipeline.run()
    result.wait_until_finish()
    return counters(result)


def bounded_options() -> PipelineOptions:
    """Return options for a run in this process that needs no checks of types it does not use."""
    return PipelineOptions(["--no_pipeline_type_check", "--direct_running_mode=in_memory"])


def counters(result: Any) -> dict[str, int]:
    """Return the committed counters of a finished run, by name."""
    found = result.metrics().query(beam.metrics.MetricsFilter().with_namespace("newsbeam"))["counters"]
    return {counter.key.metric.name: counter.committed for counter in found}


class Worker:
    """Work on the ledger's URLs until told to stop."""

    def __init__(self, ledger: Ledger, config: Config) -> None:
        self.ledger, self.config = ledger, config
        self.owner = new_owner()
        self.stopping = threading.Event()
        self._idle = threading.Event()

    def run(self, once: bool = False) -> None:
        """Work until `stop` is called; with `once`, until nothing is due within the configured patience."""
        heart = threading.Thread(target=self._renew_leases, name="leases", daemon=True)
        heart.start()
        self.ledger.take_back_dead(self.owner, datetime.now(UTC))
        pause = 0.0
        while not self.stopping.wait(pause):
            pause = self._work(once)
        self.give_back()

    def stop(self) -> None:
        """Finish the batch if it ends within GRACE_S, else give it back and leave the process with exit code 0.

        A batch cannot be interrupted from outside; since nothing of it counts before it has landed, leaving is safe.
        """
        self.stopping.set()

        def leave() -> None:
            self.give_back()
            os._exit(0)

        timer = threading.Timer(GRACE_S, leave)
        timer.daemon = True
        timer.start()

    def give_back(self, forgive: bool = True) -> None:
        """End this worker's leases."""
        now = datetime.now(UTC)
        fetcher = shared_fetcher(self.config.fetch_policy())
        hosts = self.ledger.hosts_of(self.owner)
        self.ledger.release(self.owner, now, {host: fetcher.delay_of(host) for host in hosts}, forgive=forgive)

    def _work(self, once: bool) -> float:
        """Do one batch; returns the seconds to wait before the next."""
        now = datetime.now(UTC)
        due = self.ledger.count_due(now)
        limit = max(SMALLEST_BATCH, min(self.config.batch, due // 4))
        links = self.ledger.claim_links(self.owner, now, limit, self.config.host_delay) if due else []
        if not links:
            if once and not self.ledger.count_due(now_plus(self.config.patience)):
                self.stopping.set()
            return IDLE_S
        start = time.monotonic()
        try:
            counts = run_batch(links, self.config, self.config.db)
        except Exception as error:
            # the database may be away for a while, a page may be poison: nothing landed, so nothing is lost
            log.exception("batch failed", links=len(links), error=str(error))
            self.give_back(forgive=False)
            return 5.0
        self.give_back()
        log.info(
            "batch",
            links=len(links),
            articles=counts.get("entities_out", 0),
            seconds=round(time.monotonic() - start, 2),
        )
        return 0.0

    def _renew_leases(self) -> None:
        while not self._idle.wait(LEASE.total_seconds() / 4):
            try:
                self.ledger.renew(self.owner, datetime.now(UTC))
            except Exception as error:
                log.warning("leases not renewed", error=str(error))


def now_plus(seconds: float) -> datetime:
    """Return the time that many seconds from now."""
    from datetime import timedelta

    return datetime.now(UTC) + timedelta(seconds=seconds)


def quiet_libraries() -> None:
    """Keep Beam's remarks on options and file systems that nothing here uses out of the log."""
    for name in ("apache_beam", "root"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="apache_beam")


Stop = Callable[[], None]

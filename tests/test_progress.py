"""The queries that the display and the workers run twice a second stay fast at a million URLs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from millions import fill_ledger

from pipeline.ledger import Ledger
from pipeline.ledger.reports import audit, progress
from pipeline.tables.database import reading

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URLS, FEEDS = 1_000_000, 10_000
TICK_S = 0.050
# a claim is made for each batch of up to 96 pages, not twice a second
CLAIM_S = 0.500


def cpu_seconds(engine: sa.Engine) -> float:
    """Return the CPU seconds of this process, and of those in which PostgreSQL serves it."""
    spent = time.process_time()
    if engine.dialect.name == "postgresql":
        with reading(engine) as connection:
            query = "select pid from pg_stat_activity where datname = current_database()"
            processes = list(connection.exec_driver_sql(query).scalars())
        spent += sum(int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) for process in processes) / 1e9
    return spent


def median_seconds(engine: sa.Engine, call: Callable[[], object], times: int = 7) -> float:
    """Return the median of the CPU seconds that a call takes, which depend little on other load on the machine."""
    took = []
    for _ in range(times):
        start = cpu_seconds(engine)
        call()
        took.append(cpu_seconds(engine) - start)
    return statistics.median(took)


@pytest.mark.slow
def test_a_tick_at_a_million_urls_is_quick_and_agrees_with_the_audit(engine: sa.Engine) -> None:
    if engine.dialect.name == "postgresql":
        if not Path("/proc/self/schedstat").exists():
            pytest.skip("needs /proc for the CPU time of the server's processes")

        # all work in one process, whose time can be read
        @sa.event.listens_for(engine, "connect")
        def _(connection: Any, _record: Any) -> None:
            connection.execute("set max_parallel_workers_per_gather = 0")
            connection.commit()

    fill_ledger(engine, URLS, FEEDS, NOW)
    ledger = Ledger(engine)
    claims: list[int] = []

    def claim() -> None:
        claims.append(len(ledger.links.claim_batch(f"worker {len(claims)}", NOW, 96, 1.0)))

    assert median_seconds(engine, claim, 3) < CLAIM_S
    assert claims == [96] * 3

    assert median_seconds(engine, lambda: progress(engine, NOW)) < TICK_S
    assert median_seconds(engine, lambda: ledger.links.has_due(NOW)) < TICK_S
    assert median_seconds(engine, lambda: ledger.feeds.has_due(NOW)) < TICK_S

    seen, counts = progress(engine, NOW), audit(engine, NOW)
    assert counts.miscounted == {} and counts.lost == 0 and counts.urls == URLS
    assert (seen.articles, seen.waiting, seen.leased) == (counts.article, counts.waiting, counts.leased)
    assert (seen.rejected, seen.failed) == (counts.rejected, counts.failed)
    assert seen.articles == URLS * 50 // 100
    assert seen.leased == sum(claims) and seen.waiting + seen.leased == URLS * 20 // 100
    assert sum(seen.failed.values()) == URLS * 20 // 100 and counts.failed_given_up == URLS * 10 // 100
    assert (seen.feeds, seen.feeds_failing, seen.articles_last_minute) == (FEEDS, FEEDS * 9 // 10, URLS // 100)
    assert len(seen.newest) == 5
    assert progress(engine, NOW + timedelta(minutes=2)).articles_last_minute == 0

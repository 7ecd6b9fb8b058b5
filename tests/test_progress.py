"""The queries that the display and the workers run twice a second stay fast at a million URLs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from millions import fill_ledger

from pipeline.ledger import Ledger
from pipeline.ledger.reports import audit, progress

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URLS, FEEDS = 1_000_000, 10_000
TICK_S = 0.050
# a claim is made for each batch of up to 96 pages, not twice a second
CLAIM_S = 0.500


def median_seconds(call: Callable[[], object], times: int = 7) -> float:
    took = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


@pytest.mark.slow
def test_a_tick_at_a_million_urls_is_quick_and_agrees_with_the_audit(engine: sa.Engine) -> None:
    fill_ledger(engine, URLS, FEEDS, NOW)
    ledger = Ledger(engine)
    claims: list[int] = []

    def claim() -> None:
        claims.append(len(ledger.links.claim_batch(f"worker {len(claims)}", NOW, 96, 1.0)))

    assert median_seconds(claim, 3) < CLAIM_S
    assert claims == [96] * 3

    assert median_seconds(lambda: progress(engine, NOW)) < TICK_S
    assert median_seconds(lambda: ledger.links.has_due(NOW)) < TICK_S
    assert median_seconds(lambda: ledger.feeds.has_due(NOW)) < TICK_S

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

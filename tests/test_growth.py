"""Extraction takes time in proportion to the page: repeated fragments of markup take no more than their share."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from fragments import list_fragments
from hardpages import ARTICLE
from test_extract_any_bytes import LINK

from transforms.errors import NewsbeamError
from transforms.page.boilerplate import strip_boilerplate
from transforms.page.extract import extract
from transforms.records import FetchedPage

FRAGMENTS = dict(list_fragments())
# in a machine that is busy, times of less vary too much to be compared
COMPARED_S = 0.4
LONGEST_S = 3.0


def measure(markup: str) -> float:
    """Return the CPU seconds that reading or refusing a page takes."""
    page = FetchedPage(LINK, LINK.url, "text/html", markup.encode(), datetime(2026, 3, 5, tzinfo=UTC))
    start = time.process_time()
    with suppress(NewsbeamError):
        strip_boilerplate(extract(page))
    return time.process_time() - start


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    measure(ARTICLE)
    measure("<p>x")


def check_growth(make: Callable[[int], str], sizes: tuple[int, ...]) -> None:
    before = None
    for size in sizes:
        took = measure(make(size))
        assert took < LONGEST_S, f"{took:.1f} s for {size:,} bytes"
        if before is not None and took > COMPARED_S and took > 2.7 * before:
            # once more, as anything may have happened between the two
            took, before = measure(make(size)), max(before, measure(make(size // 2)))
            assert took < 3 * before, f"{before:.2f} s for {size // 2:,} bytes, {took:.2f} s for {size:,}"
        before = took


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FRAGMENTS)[::11])
def test_time_grows_with_the_page(name: str) -> None:
    check_growth(FRAGMENTS[name], (40_000, 80_000))


@pytest.mark.hostile
@pytest.mark.parametrize("name", FRAGMENTS)
def test_time_grows_with_any_page(name: str) -> None:
    check_growth(FRAGMENTS[name], (20_000, 40_000, 80_000, 160_000, 1_000_000, 2_000_000))

"""A batch of links as one run of a graph that is kept: results, failures, overhead and leaks."""

from __future__ import annotations

import gc
import shutil
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import apache_beam as beam
import pytest
import sqlalchemy as sa
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import RunnerResult
from apache_beam.transforms.userstate import BagStateSpec
from commands import rows_of
from smallnews import SmallNews, small_news

from pipeline.config import Config
from pipeline.graph.build import build
from pipeline.jobs.engine import WarmRunner
from pipeline.jobs.microbatch import BatchResult, PreparedGraph, bounded_options, run_batch
from pipeline.sinks import sink_of
from pipeline.tables.database import METADATA, create_engine
from transforms.records import ArticleLink, FeedEntry
from transforms.urls import link_of

ARTICLES, URLS = METADATA.tables["articles"], METADATA.tables["urls"]
CONFIG = Config(allow_private_addresses=True, host_delay=0.0)


@pytest.fixture
def db(tmp_path: Path, migrated_sqlite: Path) -> str:
    shutil.copy(migrated_sqlite, tmp_path / "x.db")
    return f"sqlite:///{tmp_path}/x.db"


@pytest.fixture(scope="module")
def news() -> Iterator[SmallNews]:
    with small_news() as news:
        yield news


def test_each_batch_has_its_own_counts(db: str, news: SmallNews) -> None:
    missing = link_of(FeedEntry(f"{news.base}/missing"), "", news.links(range(1))[0].discovered_at)
    first = run_batch([*news.links(range(3)), missing], CONFIG, db)
    second = run_batch(news.links(range(3, 5)), CONFIG, db)
    assert first.articles == 3 and first.counters["fetch_in"] == 4 and first.counters["fetch_ended"] == 1
    assert second.articles == 2 and second.counters["fetch_in"] == 2 and not second.counters.get("fetch_ended")
    assert run_batch([], CONFIG, db).articles == 0
    assert len(rows_of(db, ARTICLES.select())) == 5
    fates = {row["canonical_url"]: row["outcome"] for row in rows_of(db, sa.select(URLS))}
    assert fates.pop(missing.canonical_url) == "rejected" and list(fates.values()) == ["article"] * 5


def test_batches_run_side_by_side(db: str, news: SmallNews) -> None:
    found: dict[int, BatchResult] = {}

    def run(lane: int) -> None:
        for step in range(3):
            start = 100 * lane + 10 * step
            found[start] = run_batch(news.links(range(start, start + lane)), CONFIG, db)

    threads = [threading.Thread(target=run, args=(lane,)) for lane in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {start: result.articles for start, result in found.items()} == {
        100 * lane + 10 * step: lane for lane in (1, 2, 3) for step in range(3)
    }
    assert len(rows_of(db, ARTICLES.select())) == 3 * (1 + 2 + 3)


def test_an_error_of_the_sink_is_raised_and_the_next_batch_lands(db: str, news: SmallNews) -> None:
    run_batch(news.links(range(2)), CONFIG, db)
    engine = create_engine(db)
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table urls rename to gone")
    threads = threading.active_count()
    for _ in range(3):
        with pytest.raises(Exception, match="no such table: urls"):
            run_batch(news.links(range(2, 4)), CONFIG, db)
    assert threading.active_count() <= threads, "a failed run must not leave threads behind"
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table gone rename to urls")
    engine.dispose()
    assert run_batch(news.links(range(2, 4)), CONFIG, db).articles == 2
    assert len(rows_of(db, ARTICLES.select())) == 4


class RunnerOfAnotherBeam(WarmRunner):
    def run_again(self) -> RunnerResult:
        raise TypeError("_execute_bundle() takes 3 positional arguments but 4 were given")


def test_batches_still_run_if_the_internals_of_beam_have_changed(db: str, news: SmallNews) -> None:
    graph = PreparedGraph(CONFIG, db, RunnerOfAnotherBeam)
    assert [graph.run(news.links(range(n, n + 2))).articles for n in (0, 2)] == [2, 2]
    graph.close()
    assert len(rows_of(db, ARTICLES.select())) == 4


def test_a_pipeline_with_state_cannot_be_kept() -> None:
    class Remember(beam.DoFn):  # type: ignore[misc]
        def process(self, pair, seen=beam.DoFn.StateParam(BagStateSpec("seen", beam.coders.VarIntCoder()))):  # type: ignore[no-untyped-def]  # noqa: B008
            yield pair

    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    _ = pipeline | beam.Create([(1, 2)]) | beam.ParDo(Remember())
    with pytest.raises(ValueError, match="run it with FnApiRunner"):
        WarmRunner(pipeline)


def run_built_each_time(links: list[ArticleLink], db: str) -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    given = pipeline | beam.Create([links], reshuffle=False).with_output_types(list[ArticleLink])
    _ = build(given, CONFIG) | sink_of(db, CONFIG)
    pipeline.run().wait_until_finish()


def cpu_of(run: Callable[[], object]) -> float:
    """Return the minimum CPU seconds of this process over five runs."""
    run()
    seconds = []
    for _ in range(5):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


def test_a_run_has_little_overhead(db: str) -> None:
    built = cpu_of(lambda: run_built_each_time([], db))
    kept = cpu_of(lambda: run_batch([], CONFIG, db))
    # 1/25 when this was written
    assert kept < built / 5, f"{kept * 1000:.1f} ms of CPU for an empty batch, {built * 1000:.1f} ms with a new graph"


def test_many_runs_leave_nothing_behind(db: str) -> None:
    for _ in range(20):
        run_batch([], CONFIG, db)
    threads = threading.active_count()
    tracemalloc.start()
    try:
        run_batch([], CONFIG, db)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(150):
            run_batch([], CONFIG, db)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert threading.active_count() == threads
    assert grown < 500_000, f"150 runs leaked {grown} bytes"


def test_an_idle_configuration_is_evicted(db: str) -> None:
    for number in range(3):
        run_batch([], Config(batch_budget=float(number)), db)
    threads = threading.active_count()
    for number in range(12):
        run_batch([], Config(batch_budget=float(number)), db)
    assert threading.active_count() <= threads + 2

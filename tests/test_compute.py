"""One page at a time is processed in each process, and threads that wait for something else do not block that."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from commands import rows_of
from smallnews import small_news

from pipeline.config import Config
from pipeline.graph.build import Outcomes, build
from pipeline.graph.turns import FairLock
from pipeline.jobs.microbatch import bounded_options
from pipeline.sinks import sink_of
from pipeline.tables.database import METADATA, create_engine
from transforms.records import Article

ARTICLES = METADATA.tables["articles"]
# the sink writes this many articles at a time, so the last of them makes it wait for the database
WRITTEN_AT_ONCE = 16
computed = {"first": threading.Semaphore(0), "second": threading.Semaphore(0)}


class Announce(beam.DoFn):  # type: ignore[misc]
    """Signal that an article of a batch has been processed, before the sink gets it."""

    def __init__(self, batch: str) -> None:
        self.batch = batch

    def process(self, article: Article) -> Iterator[Article]:
        computed[self.batch].release()
        yield article


def start_batch(name: str, links: Any, db: str) -> threading.Thread:
    config = Config(allow_private_addresses=True, host_delay=0.0)

    def run() -> None:
        pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
        articles, endings = build(pipeline | beam.Create([links], reshuffle=False), config)
        _ = Outcomes(articles | beam.ParDo(Announce(name)), endings) | sink_of(db, config)
        pipeline.run().wait_until_finish()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def wait_for(name: str, articles: int, seconds: float) -> bool:
    return all(computed[name].acquire(timeout=seconds) for _ in range(articles))


@pytest.mark.slow
def test_a_locked_database_does_not_stop_the_other_batch(tmp_path: Path, migrated_sqlite: Path) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "x.db")
    db = f"sqlite:///{tmp_path}/x.db"
    engine = create_engine(db)
    with small_news() as news:
        with engine.begin():
            first = start_batch("first", news.links(range(WRITTEN_AT_ONCE)), db)
            assert wait_for("first", WRITTEN_AT_ONCE, 40), "the first batch must be processed"
            # now it waits for the database, as long as this transaction is open
            second = start_batch("second", news.links(range(100, 103)), db)
            went_on = wait_for("second", 3, 20)
        first.join(60)
        second.join(60)
    engine.dispose()
    assert went_on, "the second batch waited for the first one's database"
    assert len(rows_of(db, ARTICLES.select())) == WRITTEN_AT_ONCE + 3


def test_the_lock_goes_to_the_thread_that_has_waited_longest() -> None:
    lock, order, threads = FairLock(), [], []

    def take(name: int) -> None:
        with lock:
            order.append(name)

    with lock:
        for name in range(5):
            threads.append(threading.Thread(target=take, args=(name,)))
            threads[-1].start()
            while lock.waiting <= name:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_two_threads_take_turns() -> None:
    lock, order = FairLock(), ""

    def take(name: str) -> None:
        nonlocal order
        for _ in range(200):
            with lock:
                order += name
                # wait until the other one is queued, unless it has had all its turns
                while not lock.waiting and order.count("ab".replace(name, "")) < 200:
                    time.sleep(0)

    threads = [threading.Thread(target=take, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(order) == 400 and "aa" not in order and "bb" not in order

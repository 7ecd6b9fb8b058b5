"""Measure CPU per article in batches of 1, 8 and 96 links, with a graph built for every batch and with one kept.

usage: python bench/batches.py [--articles N]

Both run the same graph on Beam's FnApiRunner, from a server on the loopback interface to an SQLite database, with no
pause between requests; their batches alternate. Only the CPU of this process (all its threads) counts; the server is
another process. The first line is an empty batch: the cost of a run before it does any work.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# replaces this folder, in which pipeline.py would hide the package of the same name
sys.path[0] = str(REPOSITORY)

import apache_beam as beam  # noqa: E402
import structlog  # noqa: E402
from apache_beam.runners.portability.fn_api_runner import FnApiRunner  # noqa: E402

from pipeline.config import Config  # noqa: E402
from pipeline.graph.build import build  # noqa: E402
from pipeline.jobs.microbatch import bounded_options, run_batch  # noqa: E402
from pipeline.sinks import sink_of  # noqa: E402
from pipeline.tables.database import open_database  # noqa: E402
from transforms.records import ArticleLink, FeedEntry  # noqa: E402
from transforms.urls import link_of  # noqa: E402

SIZES = (0, 1, 8, 96)
FEWEST_RUNS = 3
MOST_RUNS = 30
CONFIG = Config(allow_private_addresses=True, host_delay=0.0)

Run = Callable[[Sequence[ArticleLink], str], object]


@contextmanager
def serve_news() -> Iterator[str]:
    """Serve the small news site of the tests from a separate process; yields its address."""
    command = [sys.executable, str(REPOSITORY / "tests/smallnews.py")]
    environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdin and server.stdout
        yield server.stdout.readline().strip()
        server.stdin.close()


def run_on_new_graph(links: Sequence[ArticleLink], sink: str) -> None:
    """Build, translate and fuse the graph for this batch alone."""
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    batches = pipeline | beam.Create([list(links)], reshuffle=False).with_output_types(list[ArticleLink])
    _ = build(batches, CONFIG) | sink_of(sink, CONFIG)
    pipeline.run().wait_until_finish()


def run_on_kept_graph(links: Sequence[ArticleLink], sink: str) -> None:
    """Run the batch as `newsbeam work` does."""
    run_batch(links, CONFIG, sink)


def measure(run: Run, links: Sequence[ArticleLink], sink: str) -> float:
    """Return the CPU seconds of one run."""
    start = time.process_time()
    run(links, sink)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=120, help="minimum articles per size (default: 120)")
    articles = parser.parse_args().articles
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    numbers = count()

    def take(size: int) -> list[ArticleLink]:
        now = datetime.now(UTC)
        return [link_of(FeedEntry(f"{base}/article/{next(numbers)}"), "", now) for _ in range(size)]

    with tempfile.TemporaryDirectory() as folder, serve_news() as base:
        sink = f"sqlite:///{folder}/bench.db"
        open_database(sink).dispose()
        for run in (run_on_new_graph, run_on_kept_graph):
            # loads the model and fills its vocabulary with the words of the site
            run(take(20), sink)
        print(
            "links  runs   graph built each time   graph kept   ratio   (ms of CPU per article; for 0 links, per run)"
        )
        for size in SIZES:
            runs = max(FEWEST_RUNS, min(MOST_RUNS, articles // max(1, size)))
            new = kept = 0.0
            for _ in range(runs):
                new += measure(run_on_new_graph, take(size), sink)
                kept += measure(run_on_kept_graph, take(size), sink)
            each = 1000 / runs / max(1, size)
            print(f"{size:5}  {runs:4}  {new * each:22.1f}  {kept * each:11.1f}  {new / kept:6.1f}", flush=True)


if __name__ == "__main__":
    main()

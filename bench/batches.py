"""Measure CPU per article in batches of 1, 8 and 96 links: without Beam, with a graph that is kept, and with one built
for every batch.

usage: python bench/batches.py [--articles N]

All three fetch from a server on the loopback interface, read the pages in the guarded process, and write to an SQLite
database, with no pause between requests; their batches alternate. Without Beam, the stages are called one after the
other. Counted is the CPU of this process and of the one that reads, not of the server. The first line is an empty
batch: the cost of a run before it does any work.
"""

from __future__ import annotations

import argparse
import logging
import os
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
sys.path.insert(1, str(REPOSITORY / "tests"))

import apache_beam as beam  # noqa: E402
import structlog  # noqa: E402
from apache_beam.runners.portability.fn_api_runner import FnApiRunner  # noqa: E402
from family import cpu_s, family  # noqa: E402

from pipeline.config import Config  # noqa: E402
from pipeline.graph.build import build  # noqa: E402
from pipeline.graph.reading import Read  # noqa: E402
from pipeline.graph.stages import FetchBatch  # noqa: E402
from pipeline.jobs.microbatch import bounded_options, run_batch  # noqa: E402
from pipeline.sinks import sink_of  # noqa: E402
from pipeline.sinks.sql import BATCH  # noqa: E402
from pipeline.sinks.sql_writer import write_landings  # noqa: E402
from pipeline.tables.database import open_database, opened  # noqa: E402
from pipeline.tables.rows import landing_of  # noqa: E402
from transforms.records import ArticleLink, FeedEntry  # noqa: E402
from transforms.results import Ok  # noqa: E402
from transforms.urls import link_of  # noqa: E402

SIZES = (0, 1, 8, 96)
FEWEST_RUNS = 3
MOST_RUNS = 30
CONFIG = Config(allow_private_addresses=True, host_delay=0.0)

SERVERS: set[int] = set()

Run = Callable[[Sequence[ArticleLink], str], object]


@contextmanager
def serve_news() -> Iterator[str]:
    """Serve the small news site of the tests from a separate process; yields its address."""
    command = [sys.executable, str(REPOSITORY / "tests/smallnews.py")]
    environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdin and server.stdout
        SERVERS.add(server.pid)
        yield server.stdout.readline().strip()
        server.stdin.close()


def run_without_beam(links: Sequence[ArticleLink], sink: str) -> None:
    """Call the stages one after the other."""
    read, now = Read.checked(CONFIG), datetime.now(UTC)
    fetched = FetchBatch(CONFIG.fetch_policy(), None)(links)
    landings = [landing_of(read(result.record), now) for result in fetched if isinstance(result, Ok)]
    for start in range(0, len(landings), BATCH):
        write_landings(opened(sink), landings[start : start + BATCH])


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
    start = spent()
    run(links, sink)
    return spent() - start


def spent() -> float:
    """Return the CPU seconds so far of this process, precisely, and of those that it started, except the server."""
    others = [pid for pid in family(os.getpid()) if pid != os.getpid() and pid not in SERVERS]
    return time.process_time() + cpu_s(others)


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
        ways = (run_without_beam, run_on_kept_graph, run_on_new_graph)
        for run in ways:
            # loads the model and fills its vocabulary with the words of the site
            run(take(20), sink)
        print(
            "links  runs   without Beam   graph kept   graph built each time   (ms of CPU per article; for 0, per run)"
        )
        for size in SIZES:
            runs = max(FEWEST_RUNS, min(MOST_RUNS, articles // max(1, size)))
            totals = [0.0, 0.0, 0.0]
            for _ in range(runs):
                for way, run in enumerate(ways):
                    totals[way] += measure(run, take(size), sink)
            plain, kept, new = (total * 1000 / runs / max(1, size) for total in totals)
            share = f"{100 * (kept - plain) / kept:.0f} % of the kept graph's is Beam's" if size else ""
            print(f"{size:5}  {runs:4}  {plain:13.1f}  {kept:11.1f}  {new:22.1f}   {share}", flush=True)


if __name__ == "__main__":
    main()

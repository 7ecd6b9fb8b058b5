"""Compare articles per second of the streaming job on Flink with the local driver using as many processes.

usage: python bench/flink.py [--articles N] [--workers N] [--no-flink | --no-local]

Both process the same URLs of the shared news web from a ledger on PostgreSQL, with no pause between requests. Rates are
counted from the first request to the last row, so they exclude the start of the cluster and of interpreters. Needs the
extras cloud and cloud-test, Java and Maven.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# replaces this folder, in which pipeline.py would hide the package of the same name
sys.path[0] = str(REPOSITORY / "tests")

from emulators.flink import FlinkCluster  # noqa: E402
from emulators.postgres import create_database  # noqa: E402
from sharedworld import SharedNewsworld  # noqa: E402

from pipeline.ledger import Ledger, Sighting  # noqa: E402
from pipeline.tables.database import METADATA, open_database, reading  # noqa: E402
from transforms.records import FeedEntry  # noqa: E402
from transforms.urls import link_of  # noqa: E402

ARTICLES = METADATA.tables["articles"]
POLITE = ["--host-delay", "0", "--allow-private-addresses"]
PATIENCE_S = 300


def fill_ledger(world: SharedNewsworld, articles: int) -> str:
    """Return a database whose ledger has this many URLs: the pages of the web, repeated."""
    url = create_database()
    ledger = Ledger(open_database(url))
    now = datetime.now(UTC)
    rows = [row for row in world.truth() if row["outcome"] == "article"]
    named = [f"{rows[n % len(rows)]['url'].partition('?')[0]}?copy={n // len(rows)}" for n in range(articles)]
    ledger.links.add([Sighting(link_of(FeedEntry(address), "", now)) for address in named], now)
    ledger.engine.dispose()
    return url


def count_landed(url: str) -> int:
    engine = open_database(url)
    with reading(engine) as connection:
        landed = len(connection.execute(ARTICLES.select().with_only_columns(ARTICLES.c.article_id)).all())
    engine.dispose()
    return landed


def wait_until_landed(url: str, articles: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (landed := count_landed(url)) < articles:
        if time.monotonic() > deadline:
            sys.exit(f"only {landed} of {articles} articles after {PATIENCE_S} s")
        time.sleep(1)


def rate_of(url: str) -> dict[str, float]:
    engine = open_database(url)
    with reading(engine) as connection:
        rows = connection.execute(
            ARTICLES.select().with_only_columns(ARTICLES.c.fetched_at, ARTICLES.c.processed_at)
        ).all()
    engine.dispose()
    # the second rate leaves out the first quarter, in which processes load their models
    starts, ends = sorted(row.fetched_at for row in rows), sorted(row.processed_at for row in rows)
    seconds = (ends[-1] - starts[0]).total_seconds()
    warm = len(rows) // 4
    warm_seconds = (ends[-1] - ends[warm]).total_seconds()
    return {
        "articles": len(rows),
        "seconds": round(seconds, 1),
        "per_second": round(len(rows) / seconds, 2),
        "per_second_after_first_quarter": round((len(rows) - warm - 1) / warm_seconds, 2),
    }


def run_local(world: SharedNewsworld, articles: int, workers: int) -> dict[str, float]:
    """Run this many `newsbeam work` processes."""
    url = fill_ledger(world, articles)
    command = [sys.executable, "-m", "pipeline.cli", "work", "--once", "--patience", "0", "--db", url, *POLITE]
    processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(workers)]
    for process in processes:
        process.wait()
    return rate_of(url)


def run_flink(world: SharedNewsworld, articles: int, workers: int) -> dict[str, float]:
    """Run the streaming job on this many task managers with one Python process each."""
    url = fill_ledger(world, articles)
    with tempfile.TemporaryDirectory() as folder, FlinkCluster(Path(folder), task_managers=workers) as cluster:
        arguments = ["--source", f"ledger:{url}", "--sink", url, *POLITE, *cluster.submit_args()]
        arguments += [f"--parallelism={workers}", "--job_name=bench"]
        subprocess.run([sys.executable, "-m", "pipeline", *arguments], check=True, capture_output=True)
        wait_until_landed(url, articles)
        checkpoints = cluster.count_checkpoints("bench")["completed"]
        cluster.cancel("bench")
    return rate_of(url) | {"checkpoints": checkpoints}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=400)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--no-local", action="store_true")
    parser.add_argument("--no-flink", action="store_true")
    options = parser.parse_args()
    with SharedNewsworld(faults=False) as world:
        if not options.no_local:
            print("local", json.dumps(run_local(world, options.articles, options.workers)), flush=True)
        if not options.no_flink:
            print("flink", json.dumps(run_flink(world, options.articles, options.workers)), flush=True)


if __name__ == "__main__":
    main()

"""Measure articles per second and peak memory of a whole run, next to the script that a user would write instead.

usage: python bench/pipeline.py [--pages N] [--workers N] [--no-naive] [--memory ARTICLES]

Both ingest the same shared news web (../shared/newsworld/serve.py --no-faults) with no pause between requests, one
after the other on the same cores. Rates are counted as naive.py counts its own: from the first request to the last
row, without starting the interpreter and loading the model; `whole_command` counts those too.
With --memory, one worker ingests that many articles (the pages repeated under new addresses) and its resident memory
is printed along the way.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# replaces this folder, in which pipeline.py would hide the package of the same name
sys.path[0] = str(REPOSITORY / "tests")

from sharedworld import SHARED, SharedNewsworld  # noqa: E402

from pipeline.ledger import Ledger, Sighting  # noqa: E402
from pipeline.tables.database import METADATA, open_database, reading  # noqa: E402
from transforms.records import FeedEntry  # noqa: E402
from transforms.urls import link_of  # noqa: E402


class PeakMemory(threading.Thread):
    """Samples the memory of a process's workers, each with the processes that it started, until stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.done = pid, threading.Event()
        self.peaks: dict[int, int] = {}

    def run(self) -> None:
        while not self.done.wait(0.5):
            for pid in children_of(self.pid):
                self.peaks[pid] = max(self.peaks.get(pid, 0), memory_of(pid))


def children_of(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def memory_of(pid: int) -> int:
    """Return the memory of a process and its descendants in bytes, each shared page counted once (PSS, proc(5))."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    own = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return own + sum(map(memory_of, children_of(pid)))


def run_newsbeam(world: SharedNewsworld, workers: int, folder: str) -> dict[str, float]:
    """Run the whole command on an empty database."""
    url = f"sqlite:///{folder}/bench.db"
    command = [sys.executable, "-m", "pipeline.cli", "run", world.feeds_url, "--db", url, "--once", "--patience", "0"]
    command += ["--host-delay", "0", "--allow-private-addresses", "--workers", str(workers)]
    start = time.time()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    memory = PeakMemory(process.pid)
    memory.start()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed, _ = process.communicate()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = time.time() - start
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    memory.done.set()
    counts = json.loads(printed.splitlines()[-1])
    articles = METADATA.tables["articles"]
    with reading(open_database(url)) as connection:
        times = [row[0] for row in connection.execute(articles.select().with_only_columns(articles.c.fetched_at))]
        ends = [row[0] for row in connection.execute(articles.select().with_only_columns(articles.c.processed_at))]
    seconds = (max(ends) - min(times)).total_seconds()
    return {
        "articles": counts["article"],
        "seconds": round(seconds, 1),
        "per_second": round(counts["article"] / seconds, 2),
        "whole_command_seconds": round(whole, 1),
        "whole_command_per_second": round(counts["article"] / whole, 2),
        "cpu_seconds": round(cpu, 1),
        "peak_worker_mb": round(max(memory.peaks.values()) / 1e6),
    }


def run_naive(world: SharedNewsworld, folder: str) -> dict[str, float]:
    """Run the script that a user would write."""
    script = SHARED / "bench" / "naive.py"
    start = time.time()
    done = subprocess.run(
        [sys.executable, str(script), world.control, f"{folder}/naive.db"], capture_output=True, text=True, check=True
    )
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    whole = time.time() - start
    return row | {
        "whole_command_seconds": round(whole, 1),
        "whole_command_per_second": round(row["articles"] / whole, 2),
    }


def run_memory(world: SharedNewsworld, articles: int, folder: str) -> None:
    """Ingest many articles with one worker and print its memory along the way."""
    url = f"sqlite:///{folder}/memory.db"
    ledger = Ledger(open_database(url))
    now = datetime.now(UTC)
    rows = [row for row in world.truth() if row["outcome"] == "article"]
    copies = -(-articles // len(rows))
    links = [
        Sighting(link_of(FeedEntry(f"{row['url'].partition('?')[0]}?copy={n}"), row["feed"], now))
        for n in range(copies)
        for row in rows
    ][:articles]
    for start in range(0, len(links), 500):
        ledger.links.add(links[start : start + 500], now)
    command = [sys.executable, "-m", "pipeline.cli", "work", "--once", "--patience", "0", "--db", url]
    command += ["--host-delay", "0", "--allow-private-addresses"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    step = 500
    seen: dict[int, float] = {}
    begun = time.time()
    while process.poll() is None:
        time.sleep(1)
        with reading(ledger.engine) as connection:
            landed = connection.exec_driver_sql("select count(*) from articles").scalar_one()
        if landed >= step:
            seen[landed] = memory_of(process.pid) / 1e6
            print(
                f"{landed:6} articles  {seen[landed]:6.0f} MB  {landed / (time.time() - begun):5.2f} articles/s",
                flush=True,
            )
            step += 500
    first, last = seen[min(seen)], seen[max(seen)]
    print(json.dumps({"memory_growth_mb": round(last - first, 1), "from": min(seen), "to": max(seen)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=None)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--no-naive", action="store_true")
    parser.add_argument("--memory", type=int, default=0, metavar="ARTICLES")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with SharedNewsworld(pages=options.pages, faults=False) as world:
            if options.memory:
                run_memory(world, options.memory, folder)
                return
            ours = run_newsbeam(world, options.workers, folder)
            print("newsbeam", json.dumps(ours), flush=True)
        if options.no_naive:
            return
        with SharedNewsworld(pages=options.pages, faults=False) as world:
            naive = run_naive(world, folder)
            print("naive   ", json.dumps(naive), flush=True)
    ratio = ours["per_second"] / naive["per_second"]
    whole = ours["whole_command_per_second"] / naive["whole_command_per_second"]
    print(f"ratio     {ratio:.2f} (whole command: {whole:.2f})")


if __name__ == "__main__":
    main()

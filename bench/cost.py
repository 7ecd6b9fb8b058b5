"""Estimate the cost of ingestion: CPU and bytes per article, measured here, times assumed prices.

usage: python bench/cost.py [--small N] [--large N] [--cpu-ms MS --row-kb KB] [--PRICE DOLLARS ...]

`newsbeam run --once` runs twice on the shared news web with one worker, on few and on many pages. The difference in CPU
time (user and system, of all processes) divided by the difference in articles is the CPU per article, excluding the
start of the interpreter and loading the model. With --cpu-ms and --row-kb nothing is measured.
Prices are Google's list prices for us-central1 in US dollars as remembered in 2025, without discounts; each is an
option, so that you can use your own. Costs are per month of 30.4 days.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass, fields, replace
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# replaces this folder, in which pipeline.py would hide the package of the same name
sys.path[0] = str(REPOSITORY / "tests")

DAYS = 30.4
HOURS = 24 * DAYS
GB = 1e9
DAILY = (10_000, 1_000_000, 10_000_000)


@dataclass(frozen=True)
class Assumed:
    """What is assumed, not measured: prices in US dollars, and how the installation is operated."""

    utilisation: float = 0.6  # share of the CPU paid for that does work; the rest waits for the network
    peak: float = 2.0  # load of the busiest hour over the average; it determines the maximum number of machines
    server_vcpu_hour: float = 0.0335  # general-purpose virtual machine, per vCPU with its memory (4 GB)
    server_disk_gb: float = 0.10  # balanced disk, per GB and month
    runner: float = 1.3  # CPU of Beam's streaming workers over that of the local driver, due to moving records
    dataflow_vcpu_hour: float = 0.069  # streaming worker
    dataflow_gb_hour: float = 0.003557  # its memory; 4 GB a vCPU
    streaming_engine_gb: float = 0.018  # per GB through Streaming Engine
    streaming_engine_kb: float = 60.0  # KB per article that go through it: the URL, then its rows
    address_hour: float = 0.005  # external address of a worker of 2 vCPU
    pubsub_tib: float = 40.0  # per TiB published, and again per TiB delivered
    message_kb: float = 1.0  # a URL with its hints; an article event is as large as its rows
    bigquery_gb: float = 0.04  # physical storage, per GB and month
    compression: float = 4.0  # logical bytes over physical ones
    cloud_sql_month: float = 51.0  # db-custom-1-3840 with 10 GB
    ledger_gb: float = 0.17  # Cloud SQL storage, per GB and month
    ledger_kb: float = 1.5  # a URL with its indexes in the ledger
    poller_month: float = 52.6  # Cloud Run, 1 vCPU and 1 GiB all the time (0.000018 and 0.000002 a second)
    kept_months: float = 12.0  # months of articles kept in storage


@dataclass(frozen=True)
class Measured:
    """The measurements per article: CPU in milliseconds, rows in KB."""

    cpu_ms: float
    row_kb: float


def run_once(pages: int, folder: Path) -> tuple[int, float, float]:
    """Ingest the news web with this many pages; returns articles, CPU seconds and KB of rows."""
    from sharedworld import SharedNewsworld

    from pipeline.tables.database import METADATA, open_database, reading
    from pipeline.tables.schema import TABLES

    url = f"sqlite:///{folder}/{pages}.db"
    with SharedNewsworld(pages=pages, faults=False) as world:
        command = [sys.executable, "-m", "pipeline.cli", "run", world.feeds_url, "--db", url, "--once"]
        command += ["--patience", "0", "--host-delay", "0", "--allow-private-addresses", "--workers", "1"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    articles = json.loads(done.stdout.splitlines()[-1])["article"]
    size = 0
    with reading(open_database(url)) as connection:
        for table in (table for table in TABLES if table.is_output):
            for row in connection.execute(METADATA.tables[table.name].select()):
                size += len(json.dumps(list(row), default=str).encode())
    return articles, cpu, size / 1e3


def measure(small: int, large: int) -> Measured:
    """Run twice and take the slope."""
    with tempfile.TemporaryDirectory() as folder:
        few, few_cpu, _ = run_once(small, Path(folder))
        print(f"{few:5} articles  {few_cpu:7.1f} s CPU")
        many, many_cpu, kilobytes = run_once(large, Path(folder))
        print(f"{many:5} articles  {many_cpu:7.1f} s CPU  {kilobytes / many:.1f} KB of rows per article")
    return Measured((many_cpu - few_cpu) / (many - few) * 1e3, kilobytes / many)


def machines(daily: int, measured: Measured, assumed: Assumed) -> tuple[float, int]:
    """Return the vCPUs that are busy on average, and those that the busiest hour needs."""
    busy = daily * measured.cpu_ms / 1e3 / 86_400 / assumed.utilisation
    return busy, math.ceil(busy * assumed.peak)


def server_month(daily: int, measured: Measured, assumed: Assumed) -> dict[str, float]:
    """Estimate a self-managed server (compose.yaml), sized for the busiest hour plus one vCPU for PostgreSQL."""
    vcpus = machines(daily, measured, assumed)[1] + 1
    stored = daily * DAYS * assumed.kept_months * (measured.row_kb * 1.5 + assumed.ledger_kb) * 1e3 / GB
    return {"machines": vcpus * HOURS * assumed.server_vcpu_hour, "disk": stored * assumed.server_disk_gb}


def cloud_month(daily: int, measured: Measured, assumed: Assumed) -> dict[str, float]:
    """Estimate Google Cloud as deploy/terraform sets it up, with the default FILE_LOADS, for which loading is free."""
    vcpus = max(2.0, machines(daily, measured, assumed)[0] * assumed.runner)
    articles = daily * DAYS
    moved = articles * (assumed.message_kb * 2 + measured.row_kb) * 1e3 / 2**40
    stored = articles * assumed.kept_months * measured.row_kb * 1e3 / GB
    return {
        "workers": vcpus
        * HOURS
        * (assumed.dataflow_vcpu_hour + 4 * assumed.dataflow_gb_hour + assumed.address_hour / 2),
        "streaming engine": articles * assumed.streaming_engine_kb * 1e3 / GB * assumed.streaming_engine_gb,
        "pubsub": moved * assumed.pubsub_tib,
        "bigquery storage": stored / assumed.compression * assumed.bigquery_gb,
        "ledger": assumed.cloud_sql_month
        + articles * assumed.kept_months * assumed.ledger_kb * 1e3 / GB * assumed.ledger_gb,
        "poller": assumed.poller_month,
    }


def report(measured: Measured, assumed: Assumed) -> str:
    """Render the tables of docs/operations.md."""
    lines = [f"measured: {measured.cpu_ms:.0f} ms of CPU and {measured.row_kb:.1f} KB of rows an article", ""]
    lines += ["| articles a day | articles a second | vCPU busy | vCPU at the peak |", "|---:|---:|---:|---:|"]
    for daily in DAILY:
        busy, peak = machines(daily, measured, assumed)
        lines.append(f"| {daily:,} | {daily / 86_400:.1f} | {busy:.1f} | {peak} |")
    for title, reckon in (("one's own servers", server_month), ("Google Cloud", cloud_month)):
        months = [reckon(daily, measured, assumed) for daily in DAILY]
        lines += ["", f"| {title}, $ a month | {' | '.join(f'{daily:,}' for daily in DAILY)} |", "|---|---:|---:|---:|"]
        for part in months[0]:
            lines.append(f"| {part} | {' | '.join(f'{month[part]:,.0f}' for month in months)} |")
        totals = [sum(month.values()) for month in months]
        lines.append(f"| **all** | {' | '.join(f'**{total:,.0f}**' for total in totals)} |")
        each = [total / (daily * DAYS) * 1e3 for total, daily in zip(totals, DAILY, strict=True)]
        lines.append(f"| a thousand articles | {' | '.join(f'{cost:.3f}' for cost in each)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=40, help="pages of the small run")
    parser.add_argument("--large", type=int, default=264, help="pages of the large run")
    parser.add_argument("--cpu-ms", type=float, help="CPU milliseconds per article, instead of measuring")
    parser.add_argument("--row-kb", type=float, default=20.0, help="with --cpu-ms: KB of rows per article")
    for field in fields(Assumed):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=None, help=f"[{field.default}]")
    options = vars(parser.parse_args())
    given = {field.name: options[field.name] for field in fields(Assumed) if options[field.name] is not None}
    if options["cpu_ms"] is None:
        measured = measure(options["small"], options["large"])
    else:
        measured = Measured(options["cpu_ms"], options["row_kb"])
    print(report(measured, replace(Assumed(), **given)))


if __name__ == "__main__":
    main()

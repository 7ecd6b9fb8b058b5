"""Serve a small news site on loopback, ingest it twice, and show the result.

One article is edited between the two rounds. The demo uses the poller, ledger, graph and sink of `newsbeam run`, but in
one process, so that the models are loaded only once.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.markup import escape

from pipeline.cli.console import PrintableConsole
from pipeline.cli.demo.show import show_results
from pipeline.cli.demo.site import DemoSite
from pipeline.cli.display import Display
from pipeline.config import Config, read_config
from pipeline.ledger import Ledger
from pipeline.ledger.reports import progress
from pipeline.logs import configure_logs
from pipeline.tables.database import METADATA, open_database, reading

HOST_DELAY_S = 0.2
PATIENCE_S = 5.0
LOOK_S = 0.5
PLAIN_WIDTH = 110  # columns, in a file or a pipe


def demonstrate(db: str | None, console: Console | None = None, sink: str | None = None) -> int:
    """Run the demo and return its exit code; the result stays in `db`, or in a new temporary file if `db` is None.

    With `sink`, also writes the articles there. Raises UserError if the database or the sink cannot be used.
    """
    console = console or PrintableConsole()
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    db = db or f"sqlite:///{Path(tempfile.mkdtemp(prefix='newsbeam-demo-')) / 'newsbeam.db'}"
    config = replace(
        read_config({"db": db}),
        allow_private_addresses=True,
        host_delay=HOST_DELAY_S,
        patience=PATIENCE_S,
    )
    configure_logs(json=True, level="warning")
    if sink is not None:
        from pipeline.sinks import sink_of

        # raises UserError before anything starts; run_bounded makes its own
        sink_of(sink, config)
    engine = open_database(config.db)
    # an article is normally not fetched again for 15 minutes; the demo's edit comes seconds after the first version
    ledger = Ledger(engine, revisit_after=timedelta())
    with DemoSite(datetime.now(UTC)) as site:
        for name, edition in site.editions.items():
            console.print(f"[bold]Serving[/bold] {name} at {edition.base}", highlight=False)
        first = _ingest(ledger, config, site)
        console.print(f"[bold]First round[/bold] done in {first:.1f} s, {_requests(site, 0)}.", highlight=False)
        before = len(site.requests)
        site.edit(datetime.now(UTC))
        second = _ingest(ledger, config, site)
        console.print(
            f"[bold]Second round[/bold], after one article was edited, in {second:.1f} s, {_requests(site, before)}.",
            highlight=False,
        )
        if sink is not None:
            written = _write_to(sink, engine, config)
            console.print(f"[bold]Wrote[/bold] {written} articles to {escape(sink)}.", highlight=False)
        counts = show_results(engine, site.feeds, site.edited_url, config.db, console)
    engine.dispose()
    return 1 if counts.lost else 0


def _ingest(ledger: Ledger, config: Config, site: DemoSite) -> float:
    """Poll every feed once and work until nothing is due; returns the time taken in seconds."""
    start, now = time.monotonic(), datetime.now(UTC)
    ledger.feeds.add(site.feeds, now)
    if not sys.stderr.isatty():
        _work_off(ledger, config, now)
        return time.monotonic() - start
    with Display() as display:
        stop = threading.Event()
        watching = threading.Thread(target=_watch, args=(ledger.engine, display.update, stop), daemon=True)
        watching.start()
        try:
            _work_off(ledger, config, now)
        finally:
            stop.set()
            watching.join()
            now = datetime.now(UTC)
            display.update(progress(ledger.engine, now), now)
    return time.monotonic() - start


def _work_off(ledger: Ledger, config: Config, now: datetime) -> None:
    # imported here because they load Beam and the models: the first messages appear without delay
    from pipeline.graph.reading import launch_reading

    launch_reading(config)
    from pipeline.jobs.poll import Poller
    from pipeline.jobs.work import Worker

    Poller(ledger, config).run(once_since=now)
    Worker(ledger, config).run(once=True)


def _write_to(sink: str, engine: sa.Engine, config: Config) -> int:
    """Run the graph on every article's URL as one bounded Beam job; returns how many articles came out."""
    from pipeline.jobs.bounded import run_bounded

    with reading(engine) as connection:
        urls = connection.execute(sa.select(METADATA.tables["articles"].c.url)).scalars().all()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "urls.txt"
        path.write_text("\n".join(urls))
        project = sink.partition(":")[2].partition(".")[0]
        counts = run_bounded(path, sink, config, [f"--project={project}"] if sink.startswith("bigquery:") else [])
    return counts["read_out"]


def _watch(engine: sa.Engine, update: Callable[..., None], stop: threading.Event) -> None:
    while not stop.wait(LOOK_S):
        now = datetime.now(UTC)
        update(progress(engine, now), now)


def _requests(site: DemoSite, since: int) -> str:
    made = site.requests[since:]
    unchanged = sum(1 for request in made if request.status == 304)
    return f"{len(made)} requests" + (f", {unchanged} of them answered “not modified”" if unchanged else "")

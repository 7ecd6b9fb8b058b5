"""poll and work as separate processes on one database, signals, and workers on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from commands import RUN_TIMEOUT_S, log_lines, rows_of, start, wait_for
from emulators.postgres import create_database
from forked import newsbeam
from newsworld import Newsworld

from pipeline.jobs.run import WORKERS_STOP_S
from pipeline.jobs.work import GRACE_S
from pipeline.tables.database import METADATA

# how long a page may hang: what ends sooner has not waited for it
HANGS_S = 300
HANGING = {"NEWSBEAM_FETCH_TIMEOUT": str(HANGS_S)}
# by then a run has killed workers that do not end; what is left takes a second of CPU, so many on a busy machine
ENDED_S = WORKERS_STOP_S + 20
ARTICLES, URLS = METADATA.tables["articles"], METADATA.tables["urls"]


@pytest.mark.slow
def test_two_workers_on_one_postgresql_share_the_work() -> None:
    db = create_database()
    options = ["--db", db, "--host-delay", "0", "--allow-private-addresses"]
    with Newsworld(pages=60, faults=False) as world:
        polled = newsbeam("poll", world.feeds_url, "--once", *options)
        assert polled.returncode == 0, polled.stderr[-2000:]
        asked_by_poller = sum(row["requests"] for row in world.stats())
        workers = [start("work", "--once", "--patience", "2", *options) for _ in range(2)]
        printed = [worker.communicate()[1] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0], printed
        asked_by_workers = sum(row["requests"] for row in world.stats()) - asked_by_poller
        hosts = len(world.stats())
    batches = [[line for line in log_lines(text) if line["event"] == "batch"] for text in printed]
    assert sum(line["links"] for worker in batches for line in worker) == 60, "each URL must be processed once"
    # one request per article, and robots.txt once per host and worker
    assert asked_by_workers <= 60 + 2 * hosts
    counts = json.loads(newsbeam("audit", "--db", db).stdout)
    assert counts["article"] == 60 and counts["lost"] == 0
    assert len(rows_of(db, sa.select(ARTICLES.c.article_id))) == 60


def stop(process: subprocess.Popen[str], number: signal.Signals) -> float:
    """Send a signal; returns the seconds until the process ended."""
    begun = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=HANGS_S)
    return time.monotonic() - begun


@pytest.mark.slow
def test_a_run_ends_cleanly_on_an_interrupt(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/news.db"
    with Newsworld(pages=120, faults=False, latency=0.3) as world:
        process = start("run", world.feeds_url, "--db", db, "--allow-private-addresses", "--host-delay", "0.2")
        wait_for(process, db, sa.select(sa.func.count()).select_from(ARTICLES))
        took = stop(process, signal.SIGINT)
    assert process.returncode == 0 and took < ENDED_S
    counts = json.loads(newsbeam("audit", "--db", db).stdout)
    assert counts["leased"] == 0 and counts["lost"] == 0, "unfinished work must be given back"
    assert counts["article"] > 0


@pytest.mark.slow
def test_a_hanging_page_does_not_delay_termination(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/news.db"
    with Newsworld(pages=0, stall=2 * HANGS_S) as world:
        base = world.site("stalled.example")["base"]
        options = ["--db", db, "--workers", "1", "--allow-private-addresses"]
        process = start("run", f"{base}/feed.xml", *options, environment=HANGING)
        while "/silent" not in world.site("stalled.example")["pages"]:
            assert process.poll() is None
            time.sleep(0.1)
        took = stop(process, signal.SIGTERM)
    assert process.returncode == 0 and GRACE_S - 1 < took < ENDED_S
    counts = json.loads(newsbeam("audit", "--db", db).stdout)
    assert counts["leased"] == 0 and counts["lost"] == 0, "unfinished work must be given back"
    assert counts["waiting"] == counts["urls"] == 2


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/news.db"
    with Newsworld(pages=36, faults=False, latency=0.5) as world:
        options = ["--db", db, "--once", "--patience", "5", "--host-delay", "0", "--allow-private-addresses"]
        process = start("run", world.feeds_url, "--workers", "1", *options)
        wait_for(process, db, sa.select(sa.func.count(URLS.c.lease_owner)))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            process.kill()
            pytest.skip("needs /proc to find the worker")
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)
        out, rest = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, rest[-2000:]
    assert any(line["event"].startswith("worker died") for line in log_lines(rest))
    counts = json.loads(out.splitlines()[-1])
    assert counts["article"] == 36 and counts["lost"] == 0

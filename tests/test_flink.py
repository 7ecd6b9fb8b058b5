"""The streaming job on a real Flink cluster: news arrives while it runs, and nothing is lost if a task manager is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from commands import clean_environment, newsbeam, rows_of
from newsworld import Newsworld

from pipeline.tables.database import METADATA, open_database
from transforms.urls import url_key

pytestmark = [pytest.mark.cloud, pytest.mark.flink]

from emulators.flink import FlinkCluster, find_missing_tools  # noqa: E402

FATES, ARTICLES = METADATA.tables["urls"], METADATA.tables["articles"]
JOB = "newsbeam"
DRIP_S = 4.0


def submit(cluster: FlinkCluster, db: str, *more: str) -> None:
    """Submit the job to the cluster; returns once it has been accepted."""
    arguments = ["--source", f"ledger:{db}", "--sink", db, *cluster.submit_args(), *more]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        capture_output=True,
        text=True,
        # links claimed by a lost task manager are soon claimed again
        env=clean_environment() | {"NEWSBEAM_LEASE": "15"},
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def wait_for(done: Callable[[], bool], seconds: float, cluster: FlinkCluster) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            pytest.fail(f"not done after {seconds} s:\n{cluster.read_log_ends()}")
        time.sleep(0.5)


def fates_of(db: str) -> dict[str, str | None]:
    found = sa.select(FATES.c.canonical_url, FATES.c.outcome)
    return {row["canonical_url"]: row["outcome"] for row in rows_of(db, found)}


def test_nothing_is_lost_when_a_task_manager_dies(tmp_path: Path) -> None:
    if missing := find_missing_tools():
        pytest.skip(f"the Flink cluster needs {' and '.join(missing)}, which is not installed")
    from emulators.postgres import create_database

    db = create_database()
    open_database(db).dispose()
    polite = ["--allow-private-addresses", "--host-delay", "0.05"]
    with FlinkCluster(tmp_path) as cluster, Newsworld(pages=60, drip=DRIP_S) as world:
        submit(cluster, db, *polite, "--parallelism=2", f"--job_name={JOB}")
        truth = {url_key(row["url"]): row["outcome"] for row in world.truth()}
        killed_with = -1

        def poll_until_done() -> bool:
            nonlocal killed_with
            if len(fates_of(db)) < len(truth):
                feeds = world.feeds()
                # the other half of the news arrives after the task manager has been lost
                known = feeds[: len(feeds) // 2] if killed_with < 0 else feeds
                polled = newsbeam("poll", "--once", "--db", db, *polite, *known)
                assert polled.returncode == 0, polled.stderr[-3000:]
            fates = fates_of(db)
            landed = sum(outcome == "article" for outcome in fates.values())
            if killed_with < 0 and landed > 10 and cluster.count_checkpoints(JOB)["completed"]:
                cluster.kill_task_manager(cluster.find_busy_task_managers(JOB)[-1])
                killed_with = landed
            return killed_with >= 0 and fates == truth

        wait_for(poll_until_done, 420, cluster)
        articles = sum(outcome == "article" for outcome in truth.values())
        assert 0 < killed_with < articles, "there must be work left for the remaining task manager"
        assert cluster.get_state(JOB) == "RUNNING"
        checkpoints = cluster.count_checkpoints(JOB)
        assert checkpoints["completed"] > 0 and checkpoints["restored"] > 0, checkpoints
        cluster.cancel(JOB)
        wait_for(lambda: cluster.get_state(JOB) == "CANCELED", 60, cluster)

    audit = newsbeam("audit", "--db", db)
    counts = json.loads(audit.stdout)
    assert audit.returncode == 0, counts
    assert counts["article"] == articles and counts["lost"] == counts["waiting"] == counts["leased"] == 0
    assert len(rows_of(db, sa.select(ARTICLES.c.article_id))) == len(
        {row["article_id"] for row in rows_of(db, sa.select(FATES.c.article_id).where(FATES.c.outcome == "article"))}
    )
    print(f"killed after {killed_with} of {articles} articles; checkpoints {checkpoints}")

"""Killed with SIGKILL at random moments and started again, a run ends as if nothing had happened.

The number of kills is small here; `make kill-test` does thirty.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from commands import newsbeam, rows_of, start, wait_for
from forked import newsbeam as ask
from newsworld import Newsworld

from pipeline.tables.database import METADATA

KILLS = int(os.environ.get("KILLS", "2"))
# enough that each run does part of the work before it is killed
PAGES = 8 * (KILLS + 1)
ARTICLES, REVISIONS, URLS = (METADATA.tables[name] for name in ("articles", "revisions", "urls"))
COUNT = sa.select(sa.func.count()).select_from(ARTICLES)


def arguments(world: Newsworld, db: str) -> list[str]:
    options = ["--once", "--patience", "2", "--host-delay", "0", "--allow-private-addresses", "--workers", "2"]
    return ["run", world.feeds_url, "--db", db, *options]


def landed(db: str) -> dict[str, str]:
    return {row["url"]: row["content_hash"] for row in rows_of(db, sa.select(ARTICLES.c.url, ARTICLES.c.content_hash))}


@pytest.mark.slow
def test_a_run_that_is_killed_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    moments = random.Random(7)
    calm, stormy = f"sqlite:///{tmp_path}/calm.db", f"sqlite:///{tmp_path}/stormy.db"
    cut_short = 0
    landed_before: list[int] = []
    with Newsworld(pages=PAGES, faults=False, latency=0.4) as world:
        assert newsbeam(*arguments(world, calm)).returncode == 0
        for number in range(KILLS):
            process = start(*arguments(world, stormy))
            # every third is killed while it starts, the others while they work
            if number % 3:
                wait_for(process, stormy, COUNT, more_than=landed_before[-1] if landed_before else 0)
            try:
                process.communicate(timeout=moments.uniform(0.1, 1.2))
            except subprocess.TimeoutExpired:
                cut_short += 1
            # the whole group: supervisor and workers, whatever they are doing
            os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
            process.communicate()
            # the first run may have died before there was a database
            landed_before.append(len(landed(stormy)) if number else 0)
        last = newsbeam(*arguments(world, stormy))
        assert last.returncode == 0, last.stderr[-3000:]
    counts = json.loads(last.stdout.splitlines()[-1])
    assert cut_short >= KILLS / 2, "the kills came too late to test anything"
    assert any(0 < count < PAGES for count in landed_before), f"no kill came in the middle: {landed_before}"
    ends = rows_of(stormy, sa.select(URLS.c.url, URLS.c.outcome, URLS.c.reason, URLS.c.claims, URLS.c.tries))
    assert counts["article"] == PAGES and counts["lost"] == counts["waiting"] == counts["leased"] == 0, (
        counts,
        [dict(row) for row in ends if row["outcome"] != "article"],
        last.stderr[-3000:],
    )
    assert landed(stormy) == landed(calm) and len(landed(calm)) == PAGES
    assert len(rows_of(stormy, sa.select(REVISIONS.c.revision))) == PAGES
    assert ask("audit", "--db", stormy).returncode == 0

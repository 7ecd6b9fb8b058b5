"""The main job on the shared news web, as a process: every URL ends as the truth says, politely; nothing twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from commands import log_lines, newsbeam, rows_of
from newsworld import Newsworld

from pipeline.tables.database import METADATA
from transforms.urls import url_key

URLS, ARTICLES = METADATA.tables["urls"], METADATA.tables["articles"]
# the words of the truth that name a reason, as ours
REASONS = {"too large", "content type", "no text", "robots", "private address", "redirect loop", "scheme", "timeout"}


def run_once(world: Newsworld, db: str, feeds: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    done = newsbeam("run", "--once", "--patience", "20", "--allow-private-addresses", "--db", db, feeds)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]), log_lines(done.stderr)


@pytest.mark.slow
def test_every_url_has_the_fate_that_the_truth_names(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/news.db"
    with Newsworld(pages=None) as world:
        counts, logs = run_once(world, db, world.feeds_url)
        first = {row["host"]: row for row in world.stats()}
        truth = world.truth()
        _, more_logs = run_once(world, db, world.opml_url)
        second = {row["host"]: row for row in world.stats()}

    fates = {row["canonical_url"]: row for row in rows_of(db, sa.select(URLS))}
    stored = rows_of(db, sa.select(ARTICLES.c.url, ARTICLES.c.title, ARTICLES.c.is_paywalled))
    articles = [row["url"] for row in stored]
    paywalled = [row["title"] for row in stored if row["is_paywalled"]]
    wrong = [
        (row, dict(fates[url_key(row["url"])]))
        for row in truth
        if fates[url_key(row["url"])]["outcome"] != row["outcome"]
        or (
            (row["reason"] in REASONS and row["outcome"] != "article")
            and fates[url_key(row["url"])]["reason"] != row["reason"]
        )
    ]
    assert wrong == []
    assert len(fates) == counts["urls"] == len({url_key(row["url"]) for row in truth})
    assert counts["lost"] == counts["waiting"] == counts["leased"] == 0
    assert len(articles) == len(set(articles)) == counts["article"]
    assert "Locked story" in paywalled

    for row in first.values():
        assert row["robots_breaches"] == 0
        assert row["most_active"] <= 2
        assert row["shortest_gap"] is None or row["shortest_gap"] >= 0.95, row
    publishers = [host for host in first if not host.endswith(".example")]
    assert {second[host]["requests"] - first[host]["requests"] for host in publishers} == {1}, "one poll, no article"
    assert {second[host]["not_modified"] - first[host]["not_modified"] for host in publishers} == {1}
    assert [line for line in logs + more_logs if line["level"] in ("error", "critical")] == []

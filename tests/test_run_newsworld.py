"""`newsbeam run` on a news web, as a process: every URL has its expected outcome, politely; nothing is done twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from commands import log_lines, newsbeam, rows_of
from newsworld import Newsworld, WebProcess
from newsworld.templates import CLUTTER
from sharedworld import SERVER, SharedNewsworld

from pipeline.tables.database import METADATA
from transforms.urls import url_key

URLS, ARTICLES, FEEDS = METADATA.tables["urls"], METADATA.tables["articles"], METADATA.tables["feeds"]
IMAGES = METADATA.tables["images"]
# the wait after a first error is 3 s, give or take a fifth; the run does not wait the 9 s after a second
PATIENCE_S = 5
FETCH_TIMEOUT_S = 3
# the reasons in the truth of the shared news web that match ours word for word
SHARED_REASONS = {"too large", "content type", "no text", "robots", "private address", "redirect loop", "scheme"}
Row = dict[str, Any]


def run_once(
    world: WebProcess, db: str, feeds: str, patience_s: int = PATIENCE_S, timeout_s: int = FETCH_TIMEOUT_S
) -> tuple[Row, list[Row]]:
    """Run to the end; returns the printed counts and the log."""
    options = ["--patience", str(patience_s), "--allow-private-addresses", "--db", db]
    done = newsbeam("run", "--once", *options, feeds, environment={"NEWSBEAM_FETCH_TIMEOUT": str(timeout_s)})
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]), log_lines(done.stderr)


def assert_polite(stats: list[Row]) -> None:
    for row in stats:
        assert row["robots_breaches"] == 0, row
        assert row["most_active"] <= 2, row
        # a gap that was kept shrinks by as much as the first of two requests was late to be sent and to be seen
        late = row.get("lateness", 0.0)
        assert row["shortest_gap"] is None or row["shortest_gap"] >= 0.95 - 2 * late, row


def assert_all_accounted(counts: Row, fates: dict[str, sa.RowMapping], truth: list[Row]) -> None:
    assert len(fates) == counts["urls"] == len({url_key(row["url"]) for row in truth})
    assert counts["lost"] == counts["waiting"] == counts["leased"] == 0


def read_fates(db: str) -> dict[str, sa.RowMapping]:
    return {row["canonical_url"]: row for row in rows_of(db, sa.select(URLS))}


@pytest.mark.slow
def test_every_url_has_the_fate_that_the_truth_names(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/news.db"
    with Newsworld() as world:
        counts, logs = run_once(world, db, world.feeds_url)
        first = {row["host"]: row for row in world.stats()}
        truth, expected = world.truth(), world.articles()
        feeds = {row["url"]: row for row in rows_of(db, sa.select(FEEDS))}
        _, more_logs = run_once(world, db, world.opml_url, patience_s=0)
        second = {row["host"]: row for row in world.stats()}

    fates = read_fates(db)
    found = {row["url"]: (fates[url_key(row["url"])]["outcome"], fates[url_key(row["url"])]["reason"]) for row in truth}
    # a URL that became an article keeps the reason of its last failure, if any
    wanted = {row["url"]: (row["outcome"], row["reason"]) for row in truth}
    wrong = {
        url: (found[url], wanted[url])
        for url in wanted
        if found[url][0] != wanted[url][0] or (wanted[url][0] != "article" and found[url] != wanted[url])
    }
    assert wrong == {}
    assert_all_accounted(counts, fates, truth)

    stored = rows_of(db, sa.select(ARTICLES))
    landed = {row["article_id"] for row in fates.values() if row["outcome"] == "article"}
    assert {row["article_id"] for row in stored} == landed and len(stored) == len(landed)
    # one article was listed under its own address and under one that redirects to it
    assert counts["article"] == len(stored) + 1
    assert_articles_hold_what_their_authors_wrote(stored, expected)
    credited = {row["article_id"] for row in rows_of(db, sa.select(IMAGES).where(IMAGES.c.caption != ""))}
    assert len(credited) > 20
    wires = [row["content_hash"] for row in stored if row["url"].endswith("/agency")]
    assert len(wires) == 2 and len(set(wires)) == 1, "the same story at two publishers"
    assert_feeds_ended_as_they_should(feeds)

    assert_polite(list(first.values()))
    assert all(times == 1 for times in first["twin.example"]["pages"].values()), "four spellings, two feeds, one visit"
    publishers = {row["host"]: row["template"] for row in publishers_of(first, expected)}
    # a home page, an OPML list and a sitemap index are requested in addition to the feed that they name
    listed = {"gazette.example", "archive.example", "listed.example"}
    for host in publishers:
        asked = second[host]["requests"] - first[host]["requests"]
        assert asked == (2 if host in listed else 1), f"{host}: one poll of each feed, and no article again"
        assert second[host]["not_modified"] - first[host]["not_modified"] == 1, host
    assert_polite(list(second.values()))
    assert [line for line in logs + more_logs if line["level"] in ("error", "critical")] == []


def publishers_of(stats: dict[str, Row], expected: list[Row]) -> list[Row]:
    """Return the hosts of the well-behaved publishers, each with its template."""
    bases = {row["base"]: host for host, row in stats.items()}
    named = [row for row in expected if "author" in row]
    return [{"host": bases[row["url"].partition("/news/")[0]], "template": row["template"]} for row in named]


def assert_articles_hold_what_their_authors_wrote(stored: list[sa.RowMapping], expected: list[Row]) -> None:
    articles = {row["url"].partition("?")[0]: row for row in stored}
    for wanted in expected:
        row = articles[wanted["url"]]
        rest = row["body"]
        for text in (*wanted["paragraphs"], wanted.get("subhead"), wanted.get("standfirst")):
            rest = rest.replace(text or "", "", 1) if text else rest
        assert [text for text in wanted["paragraphs"] if text not in row["body"]] == [], wanted
        assert rest.strip() == "", f"{wanted['url']} ({wanted['template']}) contains more than the story"
        assert not any(text in row["body"] for text in CLUTTER.values())
        assert row["title"] == wanted["title"]
        if "author" in wanted:
            assert row["language"] == wanted["language"], wanted
            assert bool(row["is_paywalled"]) == wanted["is_paywalled"], wanted
            assert row["authors"] == [wanted["author"]], wanted


def assert_feeds_ended_as_they_should(feeds: dict[str, sa.RowMapping]) -> None:
    errors = {url.rpartition("/")[2]: row["last_error"] or "" for url, row in feeds.items()}
    for name, reason in {
        "gone": "http 410",
        "missing": "http 404",
        "down": "http 503",
        "page": "not a feed",
        "empty": "not a feed",
        "slow": "timeout",
        "round": "redirect loop",
    }.items():
        assert reason in errors[f"{name}.xml"], (name, errors[f"{name}.xml"])
    for name in ("moved", "lent", "unescaped", "cut", "guid"):
        assert errors[f"{name}.xml"] == "", name
    # the attacks on the parser: accepted or refused, but without content of another file in the title
    titles = [row["title"] for url, row in feeds.items() if url.endswith(("/laughs.xml", "/foreign.xml"))]
    assert len(titles) == 2 and all("root:" not in title and len(title) < 10_000 for title in titles)


@pytest.mark.shared
def test_real_pages_have_the_fate_that_the_truth_names(tmp_path: Path) -> None:
    if not SERVER.exists():
        pytest.skip(f"needs the shared news web beside this repository ({SERVER})")
    db = f"sqlite:///{tmp_path}/news.db"
    with SharedNewsworld() as world:
        counts, logs = run_once(world, db, world.feeds_url, patience_s=20, timeout_s=30)
        first = {row["host"]: row for row in world.stats()}
        truth = world.truth()
        _, more_logs = run_once(world, db, world.opml_url, patience_s=20, timeout_s=30)
        second = {row["host"]: row for row in world.stats()}

    fates = read_fates(db)
    wrong = []
    for row in truth:
        fate = fates[url_key(row["url"])]
        is_named = row["reason"] in SHARED_REASONS | {"timeout"} and row["outcome"] != "article"
        if fate["outcome"] != row["outcome"] or (is_named and fate["reason"] != row["reason"]):
            wrong.append((row, dict(fate)))
    assert wrong == []
    assert_all_accounted(counts, fates, truth)
    stored = rows_of(db, sa.select(ARTICLES.c.url, ARTICLES.c.title, ARTICLES.c.is_paywalled))
    articles = [row["url"] for row in stored]
    assert len(articles) == len(set(articles)) == counts["article"]
    assert "Locked story" in [row["title"] for row in stored if row["is_paywalled"]]
    assert_polite(list(first.values()))
    publishers = [host for host in first if not host.endswith(".example")]
    assert {second[host]["requests"] - first[host]["requests"] for host in publishers} == {1}, (
        "one poll, and no article again"
    )
    assert {second[host]["not_modified"] - first[host]["not_modified"] for host in publishers} == {1}
    assert [line for line in logs + more_logs if line["level"] in ("error", "critical")] == []

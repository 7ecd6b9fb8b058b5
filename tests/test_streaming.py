"""Poller -> Pub/Sub -> the streaming job: every URL has its expected outcome, and every bad message is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from commands import newsbeam, rows_of, start
from newsworld import Newsworld
from topics import EVENTS, LETTERS, URLS, open_topics, running_job, subscription_of, wait_for

from pipeline.ledger import Ledger, Sighting
from pipeline.messages.links import read_link
from pipeline.tables.database import METADATA, open_database
from transforms.records import FeedEntry
from transforms.urls import link_of, url_key

pytestmark = pytest.mark.cloud

FATES, DEAD_LETTERS = METADATA.tables["urls"], METADATA.tables["dead_letters"]
BAD = [b"no json", b'{"version": 2, "url": "https://example.org/"}', b'{"version": 1}', b"\xff\xfe", b"[1]", b""]
BAD_ROWS = sa.select(DEAD_LETTERS.c.payload).where(DEAD_LETTERS.c.reason == "bad message")
ENDED = sa.select(FATES.c.canonical_url, FATES.c.outcome).where(FATES.c.outcome.is_not(None))


def fates_of(db: str) -> dict[str, str]:
    """Return the outcome of each URL so far, in the terms of the news web's truth."""
    return {row["canonical_url"]: row["outcome"] for row in rows_of(db, ENDED)}


def test_a_publisher_that_is_killed_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = f"sqlite:///{tmp_path}/news.db"
    ledger = Ledger(open_database(db))
    now = datetime.now(UTC)
    links = [link_of(FeedEntry(f"https://host{n % 1250}.example/{n}/{'x' * 500}"), "", now) for n in range(2500)]
    ledger.links.add([Sighting(link) for link in links], now)
    ledger.engine.dispose()
    with open_topics(tmp_path, monkeypatch) as topics:
        # one link per host now, the other six seconds later, so it cannot finish before it is killed
        publisher = start("publish", "--topic", URLS, "--db", db, "--host-delay", "6")
        messages = topics.read(URLS, 1)
        publisher.kill()
        publisher.communicate()
        left = len(rows_of(db, sa.select(FATES.c.url).where(FATES.c.announced_at.is_(None))))
        done = newsbeam("publish", "--once", "--topic", URLS, "--db", db, "--host-delay", "0")
        assert done.returncode == 0, done.stderr[-2000:]
        found = {read_link(message.data).url for message in messages}
        # some come twice, so counting them does not show when all have arrived
        while len(found) < len(links) and (more := topics.read(URLS, 1)):
            found |= {read_link(message.data).url for message in more}
    assert left > 0, "it must be killed with work left to do"
    assert found == {link.url for link in links}
    assert rows_of(db, sa.select(FATES.c.url).where(FATES.c.announced_at.is_(None))) == []


def test_every_article_lands_and_every_bad_message_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = f"sqlite:///{tmp_path}/news.db"
    job = ["--source", f"pubsub:{subscription_of(URLS)}", "--sink", db, "--dead-letter-topic", LETTERS]
    polite = ["--allow-private-addresses", "--host-delay", "0.05"]
    job += ["--output-topic", EVENTS, *polite]
    open_database(db).dispose()
    with open_topics(tmp_path, monkeypatch) as topics, Newsworld(pages=24) as world:
        truth = {url_key(row["url"]): row["outcome"] for row in world.truth()}
        with running_job(tmp_path, *job) as process:
            for data in BAD:
                topics.publish(URLS, data, origin="test")
            # not --once: URLs that fail at first are announced again when they are due
            poller = start("poll", "--topic", URLS, "--db", db, *polite, world.feeds_url)
            try:
                wait_for(lambda: fates_of(db) == truth, 300, tmp_path / "job.log", process)
                wait_for(lambda: len(rows_of(db, BAD_ROWS)) == len(BAD), 60, tmp_path / "job.log", process)
            finally:
                poller.terminate()
                _, log = poller.communicate(timeout=20)
            assert poller.returncode == 0, log[-3000:]
            letters = topics.read(LETTERS, len(BAD))
            articles = [key for key, outcome in truth.items() if outcome == "article"]
            events = [json.loads(message.data) for message in topics.read(EVENTS, len(truth))]

    assert len({row["payload"] for row in rows_of(db, BAD_ROWS)}) == len(BAD)
    assert {bytes(letter.data) for letter in letters if letter.attributes.get("origin")} == set(BAD)
    assert {event["event"] for event in events} <= {"article", "rejected", "failed"}
    assert sum(event["event"] == "article" for event in events) >= len(articles)
    audit = newsbeam("audit", "--db", db)
    assert audit.returncode == 0 and json.loads(audit.stdout)["lost"] == 0, audit.stdout

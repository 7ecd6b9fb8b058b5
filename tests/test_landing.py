"""The SQL sink when things go wrong: refused rows, an unavailable database; fates of articles that land elsewhere."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import sqlalchemy as sa
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from commands import rows_of
from forked import newsbeam

from pipeline.config import Config
from pipeline.graph.build import Outcomes
from pipeline.jobs.microbatch import bounded_options
from pipeline.ledger import Ledger, Sighting
from pipeline.sinks.sql import SettleInLedger, WriteToSql
from pipeline.tables.database import METADATA, open_database
from transforms.records import (
    Article,
    ArticleLink,
    BadMessage,
    Block,
    BlockKind,
    Entity,
    Failure,
    FeedEntry,
    Mention,
    Outcome,
)
from transforms.urls import link_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FAR = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
URLS, ARTICLES, LETTERS = (METADATA.tables[name] for name in ("urls", "articles", "dead_letters"))


def article(name: str, start: int = 0) -> Article:
    link = link_of(FeedEntry(f"https://news.example/{name}"), "https://news.example/feed", NOW)
    return Article(
        link,
        link.url,
        title=name,
        blocks=(Block(BlockKind.PARAGRAPH, "Oslo is cold."),),
        fetched_at=NOW,
        entities=(Entity("Oslo", "GPE", 1, 1.0),),
        mentions=(Mention(0, start, start + 4, "Oslo", "GPE"),),
    )


def land(sink: beam.PTransform, articles: list[Article], endings: list[Outcome | BadMessage]) -> None:
    with beam.Pipeline(runner=FnApiRunner(), options=bounded_options()) as pipeline:
        good = pipeline | "Articles" >> beam.Create(articles, reshuffle=False)
        _ = Outcomes(good, pipeline | "Endings" >> beam.Create(endings, reshuffle=False)) | sink


def test_a_row_that_does_not_fit_is_a_dead_letter_and_the_rest_lands(database_url: str) -> None:
    """SQLite would store this number, and PostgreSQL would not: both refuse it."""
    poison = article("poison", start=2**40)
    land(WriteToSql(database_url, Config()), [article("one"), poison, article("two")], [])
    assert {row["title"] for row in rows_of(database_url, sa.select(ARTICLES.c.title))} == {"one", "two"}
    (fate,) = rows_of(database_url, sa.select(URLS).where(URLS.c.outcome == "failed"))
    assert fate["url"] == poison.link.url and fate["reason"] == "bug" and fate["stage"] == "sink"
    (letter,) = rows_of(database_url, sa.select(LETTERS))
    assert "mentions.start_offset" in letter["message"] and "out of range" in letter["message"]
    assert "landing_of" in letter["traceback"]


REFUSALS = {
    "sqlite": """CREATE TRIGGER refuse BEFORE INSERT ON articles WHEN new.title = 'poison'
        BEGIN SELECT RAISE(ABORT, 'refused'); END""",
    "postgresql": """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.title = 'poison' THEN RAISE program_limit_exceeded; END IF; RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON articles FOR EACH ROW EXECUTE FUNCTION refuse()""",
}


def test_a_row_that_the_database_refuses_is_a_dead_letter_and_the_rest_lands(database_url: str) -> None:
    """PostgreSQL reports what exceeds its limits as an operational error, such as a title too long for a tsvector."""
    engine = open_database(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(REFUSALS[engine.dialect.name])
    engine.dispose()
    land(WriteToSql(database_url, Config(sink_patience=600)), [article("one"), article("poison"), article("two")], [])
    assert {row["title"] for row in rows_of(database_url, sa.select(ARTICLES.c.title))} == {"one", "two"}
    fates = {row["url"]: row for row in rows_of(database_url, sa.select(URLS))}
    assert {url.rpartition("/")[2]: row["outcome"] for url, row in fates.items()} == {
        "one": "article",
        "poison": "failed",
        "two": "article",
    }
    (letter,) = rows_of(database_url, sa.select(LETTERS))
    assert letter["stage"] == "sink" and letter["due_at"] is not None


@pytest.mark.parametrize(
    "fields",
    [{"tries": 2**70}, {"discovered_at": FAR}, {"url": "https://x.example/" + "x" * 100_000}, {"title": "\ud800"}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_link_that_no_row_can_hold_ends_in_one_fate(database_url: str, fields: dict[str, Any]) -> None:
    """Such as one from a message that somebody else published."""
    good = article("one")
    bad = replace(article("bad"), link=replace(article("bad").link, **fields))
    failed = Failure(bad.link, "timeout", "fetch", "FetchTimeout", "too slow", 1, NOW, None)
    land(WriteToSql(database_url, Config()), [bad, good], [failed])
    fates = {row["canonical_url"]: row["outcome"] for row in rows_of(database_url, sa.select(URLS))}
    stored = "article" if "title" in fields else "failed"
    assert fates == {good.link.canonical_url: "article", bad.link.canonical_url: stored}
    assert len(rows_of(database_url, sa.select(LETTERS))) == 1


def test_the_sink_waits_for_an_unavailable_database(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    url = f"sqlite:///{path}"
    open_database(url).dispose()
    tables = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    tables.execute("ALTER TABLE urls RENAME TO gone")
    back = threading.Timer(1.0, lambda: tables.execute("ALTER TABLE gone RENAME TO urls"))
    back.start()
    land(WriteToSql(url, Config(sink_patience=30)), [article("one")], [])
    back.join()
    tables.close()
    assert len(rows_of(url, sa.select(ARTICLES.c.title))) == 1

    with pytest.raises(RuntimeError, match="no such table"), sqlite3.connect(path) as tables:
        tables.execute("ALTER TABLE urls RENAME TO gone")
        tables.commit()
        land(WriteToSql(url, Config()), [article("two")], [])
    tables.close()


def test_a_ledger_records_what_landed_elsewhere(database_url: str) -> None:
    engine = open_database(database_url)
    one, two = article("one"), article("two")
    Ledger(engine).links.add([Sighting(each.link) for each in (one, two)], NOW)
    engine.dispose()
    due = datetime.now(UTC) + timedelta(hours=1)
    failure = Failure(two.link, "timeout", "fetch", "FetchTimeout", "too slow", 1, NOW, due)
    sink = SettleInLedger(database_url, "bigquery:proj-one.news", Config())
    land(sink, [one], [failure, BadMessage(b"no json", "not json", NOW)])
    assert rows_of(database_url, sa.select(ARTICLES)) == []
    fates = {row["url"]: row for row in rows_of(database_url, sa.select(URLS))}
    assert fates[one.link.url]["landed_in"] == "bigquery:proj-one.news" and fates[one.link.url]["due_at"] is None
    assert fates[two.link.url]["outcome"] == "failed" and fates[two.link.url]["due_at"] == due
    letters = {row["reason"]: row for row in rows_of(database_url, sa.select(LETTERS))}
    assert set(letters) == {"timeout", "bad message"}
    assert letters["bad message"]["payload"] == "no json" and letters["bad message"]["url"] == ""
    audit = newsbeam("audit", "--db", database_url)
    assert audit.returncode == 0 and json.loads(audit.stdout)["article"] == 1, audit.stdout

    engine = open_database(database_url)
    with engine.begin() as connection:
        connection.execute(sa.update(URLS).values(landed_in=None))
    engine.dispose()
    assert newsbeam("audit", "--db", database_url).returncode == 1, "an article without its row is lost"


def test_a_url_that_the_ledger_has_not_seen_gets_its_fate(tmp_path: Path) -> None:
    """Such as one from a message that another program published."""
    url = f"sqlite:///{tmp_path}/x.db"
    stranger = ArticleLink("https://x.example/1", "https://x.example/1", "0" * 32, "x.example")
    land(WriteToSql(url, Config()), [], [Failure(stranger, "timeout", "fetch", "FetchTimeout", "", 1, NOW, None)])
    (fate,) = rows_of(url, sa.select(URLS))
    assert fate["outcome"] == "failed" and fate["feed_url"] == ""

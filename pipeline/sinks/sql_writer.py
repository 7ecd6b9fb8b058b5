"""Write landings to SQL databases, as the tables are declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.tables.database import insert_rows
from pipeline.tables.declare import Owner, Table, Write
from pipeline.tables.keys import bounded_host
from pipeline.tables.metadata import METADATA
from pipeline.tables.rows import Landing, Row
from pipeline.tables.schema import OUTPUTS
from pipeline.tables.stored import Rewrite
from transforms.records import FeedState
from transforms.urls import host_of

ARTICLES, FEEDS = METADATA.tables["articles"], METADATA.tables["feeds"]


@dataclass(frozen=True, slots=True)
class _Version:
    """The number of the version of an article that is being written, and how it differs from what is stored."""

    number: int
    is_stored: bool
    is_new: bool


def write_landings(engine: sa.Engine, landings: Sequence[Landing]) -> None:
    """Write outcomes in one transaction. Writing the same again changes nothing.

    If several hold the same article, the last one is written.
    """
    latest = {landing.article_id: landing for landing in landings if landing.article_id}
    # sorted, so that two processes that write the same articles cannot deadlock
    articles = [latest[article_id] for article_id in sorted(latest)]
    with engine.begin() as connection:
        versions = _number_versions(connection, articles)
        _add_unknown_feeds(connection, articles)
        for table in OUTPUTS:
            sources = articles if table.name == ARTICLES.name or table.part_of else landings
            rows = [row for landing in sources for row in landing.tables.get(table.name, ())]
            _write_rows(connection, table, rows, versions)


def rewrite_articles(connection: sa.Connection, rewrites: Sequence[Rewrite]) -> int:
    """Write what stages made of stored articles; returns how many were written.

    Those that another process has written or deleted since they were read stay as they are, and so do all revisions and
    fates. Locks rows in the same order as `write_landings`.
    """
    read = {rewrite.of.article_id: rewrite for rewrite in rewrites}
    query = sa.select(ARTICLES.c.article_id, ARTICLES.c.processed_at).where(ARTICLES.c.article_id.in_(sorted(read)))
    stored = connection.execute(query.order_by(ARTICLES.c.article_id).with_for_update()).all()
    fresh = [read[row.article_id] for row in stored if row.processed_at == read[row.article_id].of.processed_at]
    for rewrite in fresh:
        is_it = ARTICLES.c.article_id == rewrite.of.article_id
        connection.execute(sa.update(ARTICLES).where(is_it).values(**rewrite.values))
    for name in sorted({name for rewrite in fresh for name in rewrite.parts}):
        table = METADATA.tables[name]
        owners = [rewrite.of.article_id for rewrite in fresh if name in rewrite.parts]
        connection.execute(sa.delete(table).where(table.c.article_id.in_(owners)))
        insert_rows(connection, table, [row for rewrite in fresh for row in rewrite.parts.get(name, ())])
    return len(fresh)


def _number_versions(connection: sa.Connection, articles: Sequence[Landing]) -> Mapping[str, _Version]:
    query = sa.select(ARTICLES.c.article_id, ARTICLES.c.content_hash, ARTICLES.c.revision)
    ids = [landing.article_id for landing in articles]
    found = connection.execute(query.where(ARTICLES.c.article_id.in_(ids))).all() if ids else []
    stored = {row.article_id: row for row in found}
    versions = {}
    for landing in articles:
        before = stored.get(landing.article_id)
        if before is None:
            versions[landing.article_id] = _Version(1, is_stored=False, is_new=True)
        else:
            is_new = before.content_hash != landing.tables[ARTICLES.name][0]["content_hash"]
            versions[landing.article_id] = _Version(before.revision + is_new, is_stored=True, is_new=is_new)
    return versions


def _add_unknown_feeds(connection: sa.Connection, articles: Iterable[Landing]) -> None:
    """Add a disabled row for each feed that is known only from messages; it is polled once somebody adds the feed."""
    named = {landing.tables[ARTICLES.name][0]["feed_url"] for landing in articles} - {None}
    states = [FeedState(url, url, bounded_host(host_of(url)), enabled=False) for url in sorted(named)]
    insert_rows(connection, FEEDS, [asdict(state) for state in states])


def _write_rows(
    connection: sa.Connection, declared: Table[Any], rows: Sequence[Row], versions: Mapping[str, _Version]
) -> None:
    table = METADATA.tables[declared.name]
    if any(column.owner is Owner.WRITER for column in declared.columns):
        rows = [{**row, "revision": versions[row["article_id"]].number} for row in rows]
    match declared.write:
        case Write.UPSERT:
            _upsert(connection, declared, rows)
        case Write.HISTORY:
            insert_rows(connection, table, [row for row in rows if versions[row["article_id"]].is_new])
        case Write.REPLACE:
            stored = [article_id for article_id, version in versions.items() if version.is_stored]
            if stored:
                connection.execute(sa.delete(table).where(table.c.article_id.in_(stored)))
            insert_rows(connection, table, rows)


def _upsert(connection: sa.Connection, declared: Table[Any], rows: Sequence[Row]) -> None:
    if not rows:
        return
    table = METADATA.tables[declared.name]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    new = insert.excluded
    values: dict[str, Any] = {}
    for column in declared.columns:
        if column.name in declared.key or column.keep_first or column.name not in rows[0]:
            continue
        values[column.name] = new[column.name]
        if column.is_final:
            # a rejection or failure never replaces an article that has landed
            stays = sa.and_(table.c.outcome == "article", new.outcome != "article")
            values[column.name] = sa.case((stays, table.c[column.name]), else_=new[column.name])
    upsert = insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=values)
    connection.execute(upsert, [dict(row) for row in rows])

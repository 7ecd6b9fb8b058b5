"""The declared tables as SQLAlchemy tables, with the types of SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.interfaces import Dialect

from pipeline.tables.declare import Table, Type
from pipeline.tables.schema import PARTS, TABLES


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware datetimes in UTC: `timestamptz` in PostgreSQL, sortable text in SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"datetime without time zone: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
SQL_TYPES: dict[Type, Any] = {
    Type.STRING: sa.Text(),
    Type.INTEGER: sa.Integer(),
    Type.FLOAT: sa.Float(),
    Type.BOOLEAN: sa.Boolean(),
    Type.TIMESTAMP: UtcDateTime(),
    Type.STRINGS: JSON,
    Type.JSON: JSON,
}


def make_metadata() -> sa.MetaData:
    """Return the declared tables with their keys, indexes and foreign keys."""
    metadata = sa.MetaData()
    for table in TABLES:
        sa.Table(
            table.name,
            metadata,
            *(
                sa.Column(c.name, SQL_TYPES[c.type], primary_key=c.name in table.key, nullable=not c.required)
                for c in table.columns
            ),
            *_foreign_keys(table),
            *(sa.Index(f"ix_{table.name}_{'_'.join(names)}", *names) for names in table.indexes),
            *_sparse_indexes(table),
        )
    return metadata


def _sparse_indexes(table: Table[Any]) -> Iterator[sa.Index]:
    for names in table.sparse_indexes:
        are_set = sa.text(" AND ".join(f"{name} IS NOT NULL" for name in names if not table.by_name[name].required))
        name = f"ix_{table.name}_{'_'.join(names)}"
        yield sa.Index(name, *names, postgresql_where=are_set, sqlite_where=are_set)


def _foreign_keys(table: Table[Any]) -> Iterator[sa.ForeignKeyConstraint]:
    """Parts are deleted with their owner; other references become NULL when the row that they name is deleted."""
    for column in table.columns:
        if column.references:
            owner = column.references.partition(".")[0]
            yield sa.ForeignKeyConstraint(
                [column.name],
                [column.references],
                name=f"fk_{table.name}_{column.name}",
                ondelete="CASCADE" if owner == table.part_of else "SET NULL",
            )


METADATA = make_metadata()


def deletion_triggers(dialect: str) -> Iterator[str]:
    """Yield the statements that create the triggers for the deletion of articles.

    The URLs of a deleted article are rejected with the reason "deleted", so that they are not fetched again. SQLite
    enforces foreign keys only on connections that ask for it, so there triggers delete the parts as well.
    """
    fate = (
        "outcome = 'rejected', reason = 'deleted', stage = 'tables', message = 'the article was deleted', due_at = NULL"
    )
    whose = "WHERE article_id = OLD.article_id AND outcome = 'article'"
    if dialect == "sqlite":
        now = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"
        yield f"""CREATE TRIGGER IF NOT EXISTS articles_deleted AFTER DELETE ON articles BEGIN
            UPDATE urls SET {fate}, settled_at = {now} {whose};
        END"""
        for table in PARTS:
            yield f"""CREATE TRIGGER IF NOT EXISTS {table.name}_deleted AFTER DELETE ON {table.part_of} BEGIN
                DELETE FROM {table.name} WHERE article_id = OLD.article_id;
            END"""
        return
    yield f"""CREATE OR REPLACE FUNCTION articles_deleted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE urls SET {fate}, settled_at = now() {whose};
        RETURN OLD;
    END $$"""
    yield """CREATE OR REPLACE TRIGGER articles_deleted AFTER DELETE ON articles
        FOR EACH ROW EXECUTE FUNCTION articles_deleted()"""

"""Bring a database's schema to the newest migration, or tell whether it can be used as it is.

A migration that only adds (tables, indexes, columns that may be NULL) sets `additive = True`. The database records its
migrations with that flag (`schema_history`), so that an older newsbeam, which does not know the newest ones, can still
use it: it needs nothing that was added. To roll back, it is then enough to deploy the older code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from pipeline import __version__
from pipeline.tables.metadata import METADATA, UtcDateTime, deletion_triggers
from transforms.errors import UserError

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig
    from alembic.script import ScriptDirectory

MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = "alembic_version"  # Alembic's table with the revision
FOREIGN_SHOWN = 5
MIGRATION_LOCK = 0x6E657773  # "news": the key of the PostgreSQL advisory lock that migrations take

HISTORY = sa.Table(
    "schema_history",
    sa.MetaData(),
    sa.Column("revision", sa.Text(), primary_key=True),
    sa.Column("additive", sa.Boolean(), nullable=False),
    sa.Column("applied_at", UtcDateTime(), nullable=False),
    sa.Column("applied_by", sa.Text(), nullable=False),
)


class SchemaState(StrEnum):
    """How a database's schema relates to this version of the code.

    EMPTY       it has no tables of newsbeam
    FOREIGN     it belongs to another program, and newsbeam's tables may not go there
    OLDER       migrations must be applied before anything is written
    CURRENT     it is at the newest migration of this version
    NEWER       a newer version has only added to it; this version can use it
    TOO_NEW     a newer version has changed what this version needs
    """

    EMPTY = "empty"
    FOREIGN = "foreign"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    TOO_NEW = "too new"


@dataclass(frozen=True, slots=True)
class Schema:
    """The state of a database's schema, its revision ("" for none) and, if it is another program's, its tables."""

    state: SchemaState
    revision: str
    foreign: tuple[str, ...] = ()


def read_schema(connection: sa.Connection, folder: Path = MIGRATIONS) -> Schema:
    """Return the state of a database's schema; changes nothing."""
    from alembic.runtime.migration import MigrationContext

    scripts = _scripts(folder)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        others = _foreign_tables(connection)
        # again, as another process may just have created them: it does so in one transaction
        current = MigrationContext.configure(connection).get_current_revision()
        if current is None:
            return Schema(SchemaState.FOREIGN if others else SchemaState.EMPTY, "", others)
    if current == scripts.get_current_head():
        return Schema(SchemaState.CURRENT, current)
    known = {script.revision for script in scripts.walk_revisions()}
    if current in known:
        return Schema(SchemaState.OLDER, current)
    if not sa.inspect(connection).has_table(HISTORY.name):
        # the revision of another program that uses Alembic
        return Schema(SchemaState.FOREIGN, current, tuple(sorted(sa.inspect(connection).get_table_names())))
    return Schema(SchemaState.NEWER if _only_added(connection, known) else SchemaState.TOO_NEW, current)


def migrate(engine: sa.Engine, folder: Path = MIGRATIONS) -> None:
    """Bring the schema to the newest migration; several processes may call it at once.

    `engine` must not enforce foreign keys in SQLite, whose tables are recreated to change them. Raises UserError for a
    schema that is too new.
    """
    from alembic import command

    with engine.connect() as connection:
        connection = connection.execution_options(newsbeam_write=False)
        with connection.begin():
            schema = read_schema(connection, folder)
    if schema.state in (SchemaState.CURRENT, SchemaState.NEWER):
        return
    if schema.state is SchemaState.TOO_NEW:
        raise UserError(too_new(schema))
    if schema.state is SchemaState.FOREIGN:
        raise UserError(foreign(schema))
    config = alembic_config(folder)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        for statement in deletion_triggers(connection.dialect.name):
            connection.exec_driver_sql(statement)
        _record(connection, _scripts(folder))


def too_new(schema: Schema) -> str:
    """Return the message for a user whose database has a schema that this version cannot use."""
    return (
        f"the database has a newer schema ({schema.revision}) than this newsbeam: upgrade with pip install -U newsbeam"
    )


def foreign(schema: Schema) -> str:
    """Return the message for a user who named the database of another program."""
    shown = ", ".join(schema.foreign[:FOREIGN_SHOWN]) + (", ..." if len(schema.foreign) > FOREIGN_SHOWN else "")
    return f"the database belongs to another program (its tables: {shown}): pass another one with --db"


def alembic_config(folder: Path = MIGRATIONS) -> AlembicConfig:
    """Return Alembic's configuration for a folder of migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def _scripts(folder: Path) -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(alembic_config(folder))


def _foreign_tables(connection: sa.Connection) -> tuple[str, ...]:
    """Return the tables because of which newsbeam's may not be created in a database that has none of its own.

    In SQLite, where a file belongs to one program, any table; in PostgreSQL, those that have the name of one of ours.
    """
    there = sorted(sa.inspect(connection).get_table_names())
    if connection.dialect.name == "sqlite":
        return tuple(there)
    return tuple(name for name in there if name in METADATA.tables or name == VERSIONS)


def _only_added(connection: sa.Connection, known: set[str]) -> bool:
    """Tell whether all migrations of the database that this version does not know only added to it."""
    rows = connection.execute(sa.select(HISTORY.c.revision, HISTORY.c.additive)).all()
    unknown = [row.additive for row in rows if row.revision not in known]
    return bool(unknown) and all(unknown)


def _record(connection: sa.Connection, scripts: ScriptDirectory) -> None:
    HISTORY.create(connection, checkfirst=True)
    there: Sequence[str] = connection.execute(sa.select(HISTORY.c.revision)).scalars().all()
    rows = [
        {
            "revision": script.revision,
            "additive": bool(getattr(script.module, "additive", False)),
            "applied_at": datetime.now(UTC),
            "applied_by": __version__,
        }
        for script in scripts.walk_revisions()
        if script.revision not in there
    ]
    if rows:
        connection.execute(sa.insert(HISTORY), rows)

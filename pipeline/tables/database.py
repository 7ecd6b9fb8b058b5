"""SQLAlchemy engines and tables for SQLite and PostgreSQL, and the migrations that keep them true.

`open_database(url)` gives an engine whose schema is at the newest migration. SQLite runs in WAL mode, so that consumers
read while the pipeline writes, and each transaction of ours takes the write lock at its start
(https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable), so that none fails half-way on upgrade.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect

from pipeline.tables.schema import TABLES, Type
from transforms.errors import UserError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_S = 60
MIGRATION_LOCK = 0x6E657773  # "news": the key of the PostgreSQL advisory lock that migrations take


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


def _sql_metadata() -> sa.MetaData:
    metadata = sa.MetaData()
    for table in TABLES:
        sa.Table(
            table.name,
            metadata,
            *(
                sa.Column(c.name, SQL_TYPES[c.type], primary_key=c.name in table.key, nullable=not c.required)
                for c in table.columns
            ),
            *(sa.Index(f"ix_{table.name}_{'_'.join(names)}", *names) for names in table.indexes),
        )
    return metadata


METADATA = _sql_metadata()


def create_engine(url: str) -> sa.Engine:
    """Make an engine without touching the database; raises UserError for a URL that no driver takes."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as exc:
        raise UserError(
            f"not a database URL: {url!r}; say sqlite:///newsbeam.db or postgresql://user@host/name"
        ) from exc
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UserError(f"unknown database {parsed.get_backend_name()!r} in --db: sqlite:/// or postgresql://")
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        folder = Path(parsed.database).resolve().parent
        if not folder.is_dir():
            raise UserError(f"database unreachable: the folder {folder} does not exist; make it first")
    try:
        if parsed.get_backend_name() == "sqlite":
            engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})
            _configure_sqlite(engine)
        else:
            engine = sa.create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError as exc:
        raise UserError(f"the driver {exc.name!r} is not installed: pip install 'newsbeam[postgres]'") from exc
    return engine


def _configure_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @sa.event.listens_for(engine, "begin")
    def begin_immediate(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("newsbeam_write", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that only reads: in SQLite it takes no write lock."""
    with engine.connect().execution_options(newsbeam_write=False) as connection, connection.begin():
        yield connection


def insert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], update: Sequence[str] = ()
) -> None:
    """Insert rows; where the primary key stands already, set the columns `update` or leave the row as it is."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    if update:
        insert = insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_={name: insert.excluded[name] for name in update}
        )
    else:
        insert = insert.on_conflict_do_nothing(index_elements=list(table.primary_key.columns))
    connection.execute(insert, list(rows))


def is_sql(url: str) -> bool:
    """Tell whether a sink is an SQL database, which holds the ledger too."""
    return url.partition(":")[0].partition("+")[0] in ("sqlite", "postgresql")


def open_database(url: str) -> sa.Engine:
    """Return an engine whose schema is at the newest migration; raises UserError if the database cannot be reached."""
    engine = create_engine(url)
    try:
        migrate(engine)
    except UserError:
        engine.dispose()
        raise
    except sa.exc.OperationalError as exc:
        shown = sa.make_url(url).render_as_string(hide_password=True)
        cause = str(exc.orig).strip().splitlines()[0]
        raise UserError(f"database unreachable: {shown}: {cause}; check --db and that the server runs") from exc
    except sa.exc.DatabaseError as exc:
        shown = sa.make_url(url).render_as_string(hide_password=True)
        raise UserError(f"not usable as a database: {shown}: {exc.orig}; check --db") from exc
    return engine


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest migration; several processes may call it at once."""
    from alembic import command
    from alembic.config import Config as AlembicConfig
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with reading(engine) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == newest:
        return
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise UserError(
            f"the database was written by a newer newsbeam (schema {current}): upgrade with pip install -U newsbeam"
        )
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


_engines: dict[str, sa.Engine] = {}
_opening = threading.Lock()


def opened(url: str) -> sa.Engine:
    """Return the one engine that this process has for a database; raises what `open_database` raises."""
    with _opening:
        if url not in _engines:
            _engines[url] = open_database(url)
        return _engines[url]

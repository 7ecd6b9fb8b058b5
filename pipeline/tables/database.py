"""Engines for SQLite and PostgreSQL, opened with the schema that this version needs.

SQLite runs in WAL mode, so that consumers read while the pipeline writes, and each transaction of ours takes the write
lock at its start (https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable), so that none fails
half-way when it would upgrade its lock.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.tables.metadata import METADATA
from pipeline.tables.migrate import SchemaState, migrate, read_schema, too_new
from transforms.errors import UserError

BUSY_TIMEOUT_S = 60


def create_engine(url: str, foreign_keys: bool = True) -> sa.Engine:
    """Make an engine without touching the database; raises UserError for a URL that no driver takes.

    `foreign_keys` says whether SQLite enforces them; PostgreSQL always does.
    """
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
            _configure_sqlite(engine, foreign_keys)
        else:
            engine = sa.create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError as exc:
        raise UserError(f"the driver {exc.name!r} is not installed: pip install 'newsbeam[postgres]'") from exc
    return engine


def _configure_sqlite(engine: sa.Engine, foreign_keys: bool) -> None:
    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")

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
    """Return an engine whose schema is at the newest migration; raises UserError if the database cannot be used."""
    engine = create_engine(url)
    with _disposed_on_error(engine), _explained(url):
        if engine.dialect.name == "sqlite":
            # SQLite changes a table by making it anew, which foreign keys must not follow
            without_keys = create_engine(url, foreign_keys=False)
            migrate(without_keys)
            without_keys.dispose()
        else:
            migrate(engine)
    return engine


def open_for_reading(url: str) -> sa.Engine:
    """Return an engine for questions: the database is neither made nor migrated.

    Raises UserError if it cannot be reached, has no tables of newsbeam, or has a schema that this version cannot read.
    """
    engine = create_engine(url)
    with _disposed_on_error(engine), _explained(url):
        with reading(engine) as connection:
            schema = read_schema(connection)
        shown = shown_url(url)
        match schema.state:
            case SchemaState.EMPTY:
                raise UserError(f"no tables of newsbeam in {shown}: check --db, or make them with `newsbeam run FEED`")
            case SchemaState.OLDER:
                raise UserError(
                    f"{shown} has an older schema ({schema.revision}): start `newsbeam run` or `newsbeam work` once to"
                    " migrate it, or ask with the newsbeam that wrote it"
                )
            case SchemaState.TOO_NEW:
                raise UserError(too_new(schema))
    return engine


def shown_url(url: str) -> str:
    """Return a database URL as it may be shown: without its password."""
    return sa.make_url(url).render_as_string(hide_password=True)


@contextmanager
def _disposed_on_error(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what a driver raises into what a user can do about it."""
    try:
        yield
    except sa.exc.OperationalError as exc:
        cause = str(exc.orig).strip().splitlines()[0]
        raise UserError(
            f"database unreachable: {shown_url(url)}: {cause}; check --db and that the server runs"
        ) from exc
    except sa.exc.DatabaseError as exc:
        raise UserError(f"not usable as a database: {shown_url(url)}: {exc.orig}; check --db") from exc


_engines: dict[str, sa.Engine] = {}
_opening = threading.Lock()


def opened(url: str) -> sa.Engine:
    """Return the one engine that this process has for a database; raises what `open_database` raises."""
    with _opening:
        if url not in _engines:
            _engines[url] = open_database(url)
        return _engines[url]


__all__ = [
    "METADATA",
    "create_engine",
    "insert_rows",
    "is_sql",
    "open_database",
    "open_for_reading",
    "opened",
    "reading",
    "shown_url",
]

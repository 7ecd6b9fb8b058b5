"""Engines for SQLite and PostgreSQL, opened with the schema that this version needs.

SQLite runs in WAL mode, so that consumers can read while the pipeline writes. Each transaction that writes takes the
write lock at its start (https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable), so that none
fails half-way when it upgrades its lock.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.tables.metadata import METADATA
from pipeline.tables.migrate import Schema, SchemaState, foreign, migrate, read_schema, too_new
from pipeline.tables.refusals import About, what_is_wrong
from transforms.errors import DatabaseAway, DatabaseGone, UserError

BUSY_TIMEOUT_S = 60
AWAY_S = 5.0  # pause between two tries to open a database that is away

log = structlog.get_logger(__name__)

DRIVERS = {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite", "postgresql": "postgresql+psycopg"}
DRIVERS["postgresql+psycopg"] = DRIVERS["postgresql"]
EXAMPLES = "use sqlite:///FILE or postgresql://USER@HOST/NAME"
IN_MEMORY = (None, "", ":memory:")
SECRETS = ("password", "sslpassword")  # URL parameters of libpq


def shown_url(url: str | sa.URL) -> str:
    """Return a database URL without passwords, for messages and tables. Raises ArgumentError if it is not a URL."""
    url = sa.make_url(url)
    hidden = {name: "***" for name in SECRETS if name in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def parse_database_url(url: str) -> sa.URL:
    """Parse the URL of a supported database; raises UserError, which shows no password, for any other."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as exc:
        # text that cannot be parsed may hold a password anywhere
        raise UserError(f"not a database URL{'' if '@' in url else f': {url!r}'}; {EXAMPLES}") from exc
    if parsed.drivername not in DRIVERS:
        raise UserError(f"unknown database {parsed.drivername}://; {EXAMPLES}")
    parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in IN_MEMORY:
            raise UserError(f"{url} needs a file, since several processes share the database; {EXAMPLES}")
        if parsed.query.keys() - {"mode", "cache", "uri"}:
            raise UserError(f"not a database URL: {shown_url(parsed)}: no parameters are allowed; {EXAMPLES}")
    return parsed


def create_engine(url: str, foreign_keys: bool = True) -> sa.Engine:
    """Create an engine without connecting; raises UserError for a URL that cannot be used.

    `foreign_keys` says whether SQLite enforces them; PostgreSQL always does.
    """
    parsed = parse_database_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        folder = Path(parsed.database).resolve().parent
        if not folder.is_dir():
            raise UserError(f"database unreachable: the folder {folder} does not exist; create it first")
    try:
        if parsed.get_backend_name() == "sqlite":
            engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})
            _configure_sqlite(engine, foreign_keys)
            _watch_file(engine, Path(parsed.database or ""))
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


def _watch_file(engine: sa.Engine, path: Path) -> None:
    """Raise DatabaseGone, before anything is written or created, if the file is not the one that was opened first.

    Without this, open connections would go on writing to a deleted file, and new ones would create an empty database.
    SQLite itself compares inodes only with a rollback journal (https://sqlite.org/rescode.html#readonly_dbmoved).
    """
    first: list[tuple[int, int]] = []

    def check(*_: Any) -> None:
        if first and _identity(path) != first[0]:
            raise _gone(path)

    sa.event.listen(engine, "do_connect", check)
    sa.event.listen(engine, "begin", check)

    @sa.event.listens_for(engine, "connect", insert=True)
    def remember(_connection: Any, _record: Any) -> None:
        if not first and (found := _identity(path)):
            first.append(found)


def _gone(path: Path) -> DatabaseGone:
    return DatabaseGone(
        f"the database {path} was deleted or replaced while newsbeam used it: what was written since is lost;"
        " start newsbeam again to use the file that is there now, or a new one"
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that only reads: in SQLite it takes no write lock."""
    with engine.connect().execution_options(newsbeam_write=False) as connection, connection.begin():
        yield connection


def insert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], update: Sequence[str] = ()
) -> None:
    """Insert rows; where the primary key exists already, set the columns `update`, or leave the row unchanged."""
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
    """Tell whether a sink is an SQL database, which can also hold the ledger."""
    return url.partition(":")[0].partition("+")[0] in ("sqlite", "postgresql")


def open_database(url: str, is_there: bool = False) -> sa.Engine:
    """Return an engine whose schema is at the newest migration; raises UserError if the database cannot be used.

    That is DatabaseAway if it may be reached later. With `is_there`, which says that another process has just opened
    it, an SQLite file that is missing raises DatabaseGone; without, it is created.
    """
    engine = create_engine(url)
    if is_there and engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        raise _gone(Path(engine.url.database or ""))
    with _user_errors(engine):
        if engine.dialect.name == "sqlite":
            # migrations change a table in SQLite by recreating it, which foreign keys must not react to
            without_keys = create_engine(url, foreign_keys=False)
            migrate(without_keys)
            without_keys.dispose()
        else:
            migrate(engine)
    return engine


def open_when_there(url: str, pause: Callable[[float], object] = time.sleep, is_there: bool = False) -> sa.Engine:
    """Return what `open_database` returns, as soon as the database can be reached; meanwhile says so every few seconds.

    `pause` waits for some seconds. Raises UserError for what waiting does not change, such as a wrong password.
    """
    while True:
        try:
            return open_database(url, is_there)
        except DatabaseAway as error:
            log.warning("the database is away, waiting for it", error=str(error))
            pause(AWAY_S)


def open_existing(url: str) -> sa.Engine:
    """Return what `open_database` returns; raises UserError if the database is missing or has no tables yet."""
    engine, _ = _open_for_reading(url)
    engine.dispose()
    return open_database(url)


def open_for_reading(url: str) -> sa.Engine:
    """Return a read-only engine for reports, without migrating the schema.

    Raises UserError if there is no such database, or if this version cannot read its schema.
    """
    engine, schema = _open_for_reading(url)
    with _user_errors(engine):
        match schema.state:
            case SchemaState.OLDER:
                raise UserError(
                    f"{shown_url(url)} has an older schema ({schema.revision}): `newsbeam run` or `newsbeam work`"
                    " upgrades it; to keep it, use the version of newsbeam that wrote it"
                )
            case SchemaState.TOO_NEW:
                raise UserError(too_new(schema))
            case SchemaState.FOREIGN:
                raise UserError(foreign(schema))
    return engine


@contextmanager
def _user_errors(engine: sa.Engine) -> Iterator[None]:
    """Raise DatabaseAway for a database that may come back, UserError for one that cannot be used; close the engine."""
    try:
        yield
    except UserError:
        engine.dispose()
        raise
    except sa.exc.OperationalError as exc:
        engine.dispose()
        kind = DatabaseAway if what_is_wrong(exc) is About.AWAY else UserError
        raise kind(
            f"database unreachable: {shown_url(engine.url)}: {_cause(exc)}; check --db and that the server runs"
        ) from exc
    except sa.exc.DatabaseError as exc:
        engine.dispose()
        raise UserError(f"not usable as a database: {shown_url(engine.url)}: {_cause(exc)}; check --db") from exc


def _cause(error: sa.exc.DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or ["no reason given"])[0]


def _refuse_writes(connection: Any, _record: Any) -> None:
    if hasattr(connection, "execute") and type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA query_only=ON")
    else:
        connection.read_only = True


def _open_for_reading(url: str) -> tuple[sa.Engine, Schema]:
    file = parse_database_url(url)
    if file.get_backend_name() == "sqlite" and file.database and not Path(file.database).exists():
        raise UserError(f"no database at {file.database}: pass --db, or create it with `newsbeam run FEED`")
    engine = create_engine(url)
    sa.event.listen(engine, "connect", _refuse_writes)
    with _user_errors(engine):
        with reading(engine) as connection:
            schema = read_schema(connection)
        if schema.state is SchemaState.EMPTY:
            raise UserError(f"no tables in {shown_url(url)} yet: create them with `newsbeam run FEED`")
    return engine, schema


_engines: dict[str, sa.Engine] = {}
_opening = threading.Lock()


def opened(url: str) -> sa.Engine:
    """Return the engine that this process shares for a database; raises what `open_database` raises."""
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
    "open_existing",
    "open_for_reading",
    "open_when_there",
    "opened",
    "reading",
    "shown_url",
]

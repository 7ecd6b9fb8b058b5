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


DRIVERS = {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite", "postgresql": "postgresql+psycopg"}
DRIVERS["postgresql+psycopg"] = DRIVERS["postgresql"]
EXAMPLES = "use sqlite:///FILE or postgresql://USER@HOST/NAME"
IN_MEMORY = (None, "", ":memory:")
SECRETS = ("password", "sslpassword")  # parameters of a URL that libpq takes


def shown_url(url: str | sa.URL) -> str:
    """Return a database URL for messages and tables: without passwords. Raises ArgumentError if it is not a URL."""
    url = sa.make_url(url)
    hidden = {name: "***" for name in SECRETS if name in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def parse_database_url(url: str) -> sa.URL:
    """Parse the URL of a database that we have a driver for; raises UserError, without passwords, for any other."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as exc:
        # what cannot be parsed may hold a password anywhere
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


def create_engine(url: str) -> sa.Engine:
    """Make an engine without connecting; raises UserError for a URL that we have no driver for."""
    parsed = parse_database_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        folder = Path(parsed.database).resolve().parent
        if not folder.is_dir():
            raise UserError(f"database unreachable: the folder {folder} does not exist; create it first")
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
    with _user_errors(engine):
        migrate(engine)
    return engine


def open_for_reading(url: str) -> sa.Engine:
    """Return an engine that cannot write, for reports: the schema stays as it is.

    Raises UserError if there is no such database, or its schema is not the one that this version reads.
    """
    file = parse_database_url(url)
    if file.get_backend_name() == "sqlite" and file.database and not Path(file.database).exists():
        raise UserError(f"no database at {file.database}: pass --db, or create it with `newsbeam run FEED`")
    engine = create_engine(url)
    sa.event.listen(engine, "connect", _refuse_writes)
    with _user_errors(engine):
        current, newest = schema_revision(engine), _newest_revision()
        if current is None:
            raise UserError(f"no tables in {shown_url(url)} yet: create them with `newsbeam run FEED`")
        if current != newest:
            raise UserError(
                f"the database has schema {current} and this version reads {newest}: "
                "`newsbeam run` or `work` of the newer version upgrades the database"
            )
    return engine


@contextmanager
def _user_errors(engine: sa.Engine) -> Iterator[None]:
    """Raise UserError for a database that cannot be used, and close the engine."""
    try:
        yield
    except UserError:
        engine.dispose()
        raise
    except sa.exc.OperationalError as exc:
        engine.dispose()
        raise UserError(
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


def schema_revision(engine: sa.Engine) -> str | None:
    """Return the revision of a database's schema; None if it has no tables of ours."""
    from alembic.runtime.migration import MigrationContext

    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _newest_revision() -> str | None:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


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

"""What an error of a database is about: the rows that were to be written, the server, or what the user set.

PostgreSQL says so by SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html); SQLite by the class of
the exception (https://docs.python.org/3/library/sqlite3.html#exceptions). Before the server has accepted a connection,
libpq gives no SQLSTATE but only its message.
"""

from __future__ import annotations

import re
import sqlite3
from enum import StrEnum

import sqlalchemy as sa

from transforms.errors import DatabaseAway, UserError


class About(StrEnum):
    """What an error is about.

    ROWS      the database, or its driver, will never accept these rows: they must be left out
    AWAY      the database cannot be reached or is busy: wait for it
    DATABASE  anything else, such as a full disk, a missing table or a wrong password
    """

    ROWS = "rows"
    AWAY = "away"
    DATABASE = "database"


# data exception (22: NUL, numbers and times out of range, text that is no JSON), integrity constraint violation (23),
# program limit exceeded (54: an index row, a tsvector, a statement that is too complex)
ROWS_STATES = ("22", "23", "54")
# connection exception (08), transaction rollback (40: deadlock, serialization), too many connections,
# lock not available, query canceled by an administrator or a timeout and servers that start or stop (57)
AWAY_STATES = ("08", "40", "53300", "55P03", "57")
ROWS_ERRORS = (sa.exc.DataError, sa.exc.IntegrityError)
# Python's driver raises ProgrammingError for a value of a type that SQLite does not have
BINDING = re.compile(r"Error binding parameter|cannot adapt type")
# what libpq, psycopg, a starting server and SQLite say (the last after waiting for busy_timeout)
AWAY_WORDS = re.compile(
    "|".join(
        (
            r"connection refused|connection reset|connection slots|connection already closed",
            r"connection is (?:closed|lost)|closed the connection|terminating connection|broken pipe",
            r"no such file or directory|no route to host|is unreachable|host is down|timed? ?out",
            r"the database system is|too many clients|temporary failure in name resolution",
            r"database (?:table |schema )?is locked",
        )
    ),
    re.IGNORECASE,
)


def what_is_wrong(error: BaseException) -> About:
    """Return what an error that came up while rows were made or written is about.

    An error of Python itself, such as a text that cannot be encoded or a number that the driver cannot convert, is
    about the rows.
    """
    if isinstance(error, sa.exc.DBAPIError):
        return _about_driver(error)
    if isinstance(error, sa.exc.StatementError):
        # raised while the parameters of a statement were converted
        return About.ROWS
    if isinstance(error, sa.exc.TimeoutError):
        # no connection of the pool was free in time
        return About.AWAY
    if isinstance(error, sa.exc.SQLAlchemyError | UserError | OSError) or not isinstance(error, Exception):
        return About.DATABASE
    return About.ROWS


def is_about_rows(error: BaseException) -> bool:
    """Tell whether the rows are refused for good."""
    return what_is_wrong(error) is About.ROWS


def is_away(error: BaseException) -> bool:
    """Tell whether an error, or the one that it wraps, says that the database is away."""
    return _about_database(error) is About.AWAY


def is_of_database(error: BaseException) -> bool:
    """Tell whether an error, or the one that it wraps, is one of the database rather than of the rows."""
    return _about_database(error) in (About.AWAY, About.DATABASE)


def _about_database(error: BaseException) -> About | None:
    """Return what the first error of a database is about, in an error and those that it wraps; None without one.

    Beam raises the error of a DoFn as a RuntimeError, whose context it is.
    """
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, DatabaseAway):
            return About.AWAY
        if isinstance(found, sa.exc.SQLAlchemyError | UserError):
            return what_is_wrong(found)
        found = found.__cause__ or found.__context__
    return None


def _about_driver(error: sa.exc.DBAPIError) -> About:
    state = getattr(error.orig, "sqlstate", None)
    text = str(error.orig)
    if isinstance(state, str):
        if state.startswith(ROWS_STATES):
            return About.ROWS
        return About.AWAY if state.startswith(AWAY_STATES) else About.DATABASE
    if isinstance(error, ROWS_ERRORS):
        return About.ROWS
    if isinstance(error, sa.exc.ProgrammingError | sa.exc.InterfaceError) and BINDING.search(text):
        return About.ROWS
    if isinstance(error.orig, sqlite3.Error) and not isinstance(error, sa.exc.OperationalError):
        return About.DATABASE
    return About.AWAY if error.connection_invalidated or AWAY_WORDS.search(text) else About.DATABASE

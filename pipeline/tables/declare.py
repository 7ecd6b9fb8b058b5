"""Declare a table: its columns, where each value comes from, and how rows are written.

Everything else is derived from the declaration: the SQL schema and its migrations, the writers of SQLite, PostgreSQL
and BigQuery, BigQuery's views, the events on topics, docs/tables.md and Terraform's tables.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pipeline.tables.keys import LONGEST_INDEXED, LONGEST_TEXT, MOST_ITEMS, MOST_PARTS

if TYPE_CHECKING:
    from pipeline.tables.landed import Landed

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)


class Type(StrEnum):
    """The type of a column; each database maps it to one of its own types."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    STRINGS = "list of strings"
    JSON = "json"


class Owner(StrEnum):
    """Who fills a column, and so which databases have it.

    JOB     the job that made the row; every database has the column
    WRITER  the SQL writer, from the rows that are already stored; in BigQuery, a view computes it
    LEDGER  the pollers and workers; only a ledger's database has the column
    """

    JOB = "job"
    WRITER = "writer"
    LEDGER = "ledger"


class Write(StrEnum):
    """How SQL writes a row whose key already exists.

    UPSERT   the new values replace the old ones, except in columns that keep their first value
    REPLACE  all rows of the same article are replaced at once
    HISTORY  one row per version of an article; earlier rows stay. BigQuery derives them from its versions in a view
    """

    UPSERT = "upsert"
    REPLACE = "replace"
    HISTORY = "history"


class Over(StrEnum):
    """What becomes of a text that is longer than its column allows.

    CUT      its beginning is stored
    HASHED   it is a key: its beginning and its hash are stored, so that it stays unique
    REFUSED  it is an address that will be fetched, or names another row: the row is refused
    """

    CUT = "cut"
    HASHED = "hashed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Column(Generic[R_contra]):
    """One column.

    `value` computes it from the object that a row is made from; without it, `owner` fills it. `required` means never
    NULL. `keep_first` keeps the value of the first write. `is_final` protects the value, once an article has landed,
    from later rejections and failures. `references` ("table.column") declares a foreign key in SQL.

    `most` is the most bytes of UTF-8 of a text, or of each text of a list or of JSON, and `over` what becomes of longer
    ones; `items` is the most entries of a list. pipeline.tables.fit makes values fit.
    """

    name: str
    type: Type
    doc: str
    value: Callable[[R_contra], Any] | None = None
    required: bool = False
    owner: Owner = Owner.JOB
    keep_first: bool = False
    is_final: bool = False
    references: str = ""
    most: int = LONGEST_TEXT
    over: Over = Over.CUT
    items: int = MOST_ITEMS


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """One table.

    `key` is the primary key. `rows` yields the objects that the rows of an outcome are made from; without it, the table
    belongs to the ledger, and outcomes have no rows in it. `part_of` names the table whose rows own these rows, which
    are replaced and deleted with them. `in_events` includes the rows in the events on topics. `indexes` are further
    lists of columns to find rows by; `sparse_indexes` hold only the rows in which all of their columns are set.
    `partition` is the column of BigQuery's day partitions and `cluster` its clustering. `most` is the most rows for one
    article in a table of parts.

    Raises ValueError for a declaration that contradicts itself.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column[R], ...]
    rows: Callable[[Landed], Iterable[R]] | None = None
    part_of: str = ""
    write: Write = Write.UPSERT
    in_events: bool = False
    indexes: tuple[tuple[str, ...], ...] = ()
    sparse_indexes: tuple[tuple[str, ...], ...] = ()
    partition: str = ""
    cluster: tuple[str, ...] = ()
    most: int = MOST_PARTS
    by_name: dict[str, Column[R]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})
        for problem in self._problems():
            raise ValueError(f"table {self.name}: {problem}")

    @property
    def is_output(self) -> bool:
        """Tell whether jobs write it."""
        return self.rows is not None

    def column_names(self) -> tuple[str, ...]:
        """Return the names of the columns in order."""
        return tuple(self.by_name)

    def _problems(self) -> Iterable[str]:
        if len(self.by_name) != len(self.columns):
            yield "two columns have the same name"
        indexed = (*self.indexes, *self.sparse_indexes)
        named = {*self.key, *self.cluster, *(name for names in indexed for name in names)}
        for name in sorted((named | ({self.partition} - {""})) - set(self.by_name)):
            yield f"no column {name!r}; declare it or correct key, indexes, partition and cluster"
        for names in (self.key, *indexed):
            texts = [self.by_name[name] for name in names if name in self.by_name]
            longest = sum(column.most for column in texts if column.type is Type.STRING)
            if longest > LONGEST_INDEXED:
                yield f"{', '.join(names)}: an index holds {LONGEST_INDEXED} bytes, not {longest}; declare `most`"
        for column in self.columns:
            if self.rows is None and column.value is not None:
                yield f"column {column.name} has a value, but no job writes the table; give the table `rows`"
            if self.rows is not None and column.value is None and column.owner is Owner.JOB:
                yield f"nothing fills column {column.name}; give it a `value`"
        if self.part_of and (self.rows is None or self.key[0] != "article_id"):
            yield "a part of an article needs `rows`, and a key that begins with article_id"


def string(name: str, doc: str, value: Callable[[R], Any] | None = None, **more: Any) -> Column[R]:
    """Declare a column of text."""
    return Column(name, Type.STRING, doc, value, **more)


def integer(name: str, doc: str, value: Callable[[R], Any] | None = None, **more: Any) -> Column[R]:
    """Declare a column of whole numbers that is never NULL."""
    return Column(name, Type.INTEGER, doc, value, required=True, **more)


def real(name: str, doc: str, value: Callable[[R], Any] | None = None, **more: Any) -> Column[R]:
    """Declare a column of numbers."""
    return Column(name, Type.FLOAT, doc, value, **more)


def boolean(name: str, doc: str, value: Callable[[R], Any] | None = None, **more: Any) -> Column[R]:
    """Declare a column of true and false that is never NULL."""
    return Column(name, Type.BOOLEAN, doc, value, required=True, **more)


def time(name: str, doc: str, value: Callable[[R], Any] | None = None, **more: Any) -> Column[R]:
    """Declare a column of times in UTC."""
    return Column(name, Type.TIMESTAMP, doc, value, **more)


def strings(name: str, doc: str, value: Callable[[R], Any] | None = None, **more: Any) -> Column[R]:
    """Declare a column of lists of texts."""
    return Column(name, Type.STRINGS, doc, value, **more)


def json(name: str, doc: str, value: Callable[[R], Any] | None = None, **more: Any) -> Column[R]:
    """Declare a column of JSON."""
    return Column(name, Type.JSON, doc, value, **more)

"""Make values fit their declared columns, in the same way for every database.

In texts, what PostgreSQL cannot store is replaced; texts and lists are cut to the bounds of their columns. What cannot
be made to fit (a number out of range, an address too long to be fetched) raises RowInvalid, on SQLite too,
which would store it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.tables.declare import Column, Over, Table, Type
from pipeline.tables.keys import cut_key, cut_text, size_of, storable

# a day less than Python can show, so that a session in any time zone can
EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
# columns of whole numbers are `integer` in PostgreSQL: 32 bits
SMALLEST, LARGEST = -(2**31), 2**31 - 1
DEEPEST = 32  # levels of lists and objects in a column of JSON

Row = Mapping[str, Any]


class RowInvalid(ValueError):
    """A row does not fit its declared table, and a retry of the same row cannot help."""


def fit(table: Table[Any], row: Row) -> dict[str, Any]:
    """Return the row with every value made to fit; raises RowInvalid for one that cannot."""
    columns = table.by_name
    return {name: fit_value(table, columns[name], value) for name, value in row.items()}


def fit_all(table: Table[Any], rows: Iterable[Row]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows that fit, and for each of the others why it does not, in a few words."""
    fitting: list[dict[str, Any]] = []
    refused: list[str] = []
    for row in rows:
        try:
            fitting.append(fit(table, row))
        except RowInvalid as error:
            refused.append(str(error))
    return fitting, refused


def fit_value(table: Table[Any], column: Column[Any], value: Any) -> Any:
    """Return a value as the column of this table stores it; raises RowInvalid if it cannot be stored."""
    if value is None:
        return None
    # nearly all values
    if type(value) is str and column.type is Type.STRING and 4 * len(value) <= column.most:
        return storable(value)
    if type(value) is int and column.type is Type.INTEGER and SMALLEST <= value <= LARGEST:
        return value
    name = f"{table.name}.{column.name}"
    match column.type:
        case Type.STRING if isinstance(value, str):
            return _fit_text(name, column, value)
        case Type.STRINGS if isinstance(value, Sequence) and not isinstance(value, str):
            return [_fit_text(name, column, text) for text in value[: column.items]]
        case Type.JSON:
            return _fit_json(name, column, value, DEEPEST)
        case Type.INTEGER if isinstance(value, int):
            if SMALLEST <= value <= LARGEST:
                return value
            raise RowInvalid(f"{name}: {_shown(value)} is out of range")
        case Type.FLOAT if isinstance(value, int | float):
            return _fit_number(name, value)
        case Type.BOOLEAN if isinstance(value, bool):
            return value
        case Type.TIMESTAMP if isinstance(value, datetime):
            try:
                return _fit_time(name, value)
            except RowInvalid:
                # what a page says of its times is not worth the page; the times of the ledger are our own
                if column.required or table.name != "articles":
                    raise
                return None
    raise RowInvalid(f"{name}: {type(value).__name__} is not a {column.type.value}")


def _fit_text(name: str, column: Column[Any], value: object) -> str:
    if not isinstance(value, str):
        raise RowInvalid(f"{name}: {type(value).__name__} is not a string")
    # before anything that reads all of it: a text may have many megabytes
    text = storable(value if len(value) <= column.most else value[: column.most + 1])
    if column.over is Over.CUT:
        return cut_text(text, column.most)
    if column.over is Over.HASHED:
        return cut_key(storable(value), column.most)
    if size_of(text) > column.most:
        raise RowInvalid(f"{name}: longer than {column.most:,} bytes: {text[:200]}...")
    return text


def _fit_json(name: str, column: Column[Any], value: Any, deepest: int) -> Any:
    if not deepest:
        raise RowInvalid(f"{name}: more than {DEEPEST} levels")
    match value:
        case str():
            return _fit_text(name, column, value)
        case None | bool():
            return value
        case int() | float():
            return _fit_number(name, value)
        case list() | tuple():
            return [_fit_json(name, column, item, deepest - 1) for item in value[: column.items]]
        case Mapping():
            return {
                _fit_text(name, column, key): _fit_json(name, column, item, deepest - 1)
                for key, item in list(value.items())[: column.items]
            }
    raise RowInvalid(f"{name}: {type(value).__name__} is not JSON")


def _fit_number(name: str, value: float) -> float:
    try:
        if math.isfinite(value):
            return value
    except OverflowError:
        pass
    raise RowInvalid(f"{name}: {_shown(value)} is no number that a database can store")


def _fit_time(name: str, value: datetime) -> datetime:
    if value.tzinfo is None:
        raise RowInvalid(f"{name}: {value!r} has no time zone")
    try:
        found = value.astimezone(UTC)
    except OverflowError as exc:
        raise RowInvalid(f"{name}: {value!r} is out of range") from exc
    if EARLIEST <= found <= LATEST:
        return found
    raise RowInvalid(f"{name}: {value!r} is out of range")


def _shown(value: float) -> str:
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a number of {value.bit_length()} bits"
    return str(value)

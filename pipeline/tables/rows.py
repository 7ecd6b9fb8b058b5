"""Turn an outcome into its rows in every table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from pipeline.tables.bounds import bounded_article
from pipeline.tables.declare import Owner, Table
from pipeline.tables.fit import Row, RowInvalid, fit_value
from pipeline.tables.landed import Landed
from pipeline.tables.schema import BY_NAME, OUTPUTS, PARTS
from transforms.records import Article, BadMessage, Outcome


@dataclass(frozen=True, slots=True)
class Landing:
    """The rows of one outcome by table, which SQL writes in one transaction.

    Raises RowInvalid for a table that is not declared, for an article without the rows of a declared table, and for a
    column that is unknown, missing, or NULL where it must not be.
    """

    tables: Mapping[str, Sequence[Row]]

    def __post_init__(self) -> None:
        for name, rows in self.tables.items():
            table = BY_NAME.get(name)
            if table is None or not table.is_output:
                raise RowInvalid(f"no job writes a table {name!r}; declare it in pipeline.tables")
            for row in rows:
                _check_row(table, row)
        if self.tables.get("articles"):
            missing = [table.name for table in PARTS if table.name not in self.tables]
            if missing:
                raise RowInvalid(f"an article without rows for {', '.join(missing)}; give an empty list for none")

    @property
    def article_id(self) -> str:
        """The article that it writes; "" if it writes none."""
        rows = self.tables.get("articles")
        return str(rows[0]["article_id"]) if rows else ""


def landing_of(outcome: Outcome | BadMessage, now: datetime) -> Landing:
    """Return the rows of an outcome that lands at `now`, without the columns that the writer fills.

    Values are made to fit their columns. Raises RowInvalid where that is impossible, or where the outcome lacks what a
    declared column requires.
    """
    landed = Landed(bounded_article(outcome) if isinstance(outcome, Article) else outcome, now)
    return Landing({table.name: list(rows_of(table, landed)) for table in OUTPUTS})


def rows_of(table: Table[Any], landed: Landed) -> Iterator[Row]:
    """Yield the rows of one table, with every column that has a value."""
    assert table.rows is not None
    valued = [(column, column.value) for column in table.columns if column.value is not None]
    rows = islice(table.rows(landed), table.most) if table.part_of else table.rows(landed)
    for record in rows:
        yield {column.name: fit_value(table, column, value(record)) for column, value in valued}


def _check_row(table: Table[Any], row: Row) -> None:
    unknown = row.keys() - table.by_name.keys()
    if unknown:
        raise RowInvalid(f"{table.name} has no column {', '.join(sorted(unknown))}; declare it in pipeline.tables")
    for column in table.columns:
        if column.value is None and column.owner is not Owner.JOB:
            continue
        if column.name not in row:
            raise RowInvalid(f"{table.name}.{column.name} is not filled")
        if column.required and row[column.name] is None:
            raise RowInvalid(f"{table.name}.{column.name} must not be NULL")


__all__ = ["Landing", "Row", "RowInvalid", "landing_of", "rows_of"]

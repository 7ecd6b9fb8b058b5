"""The declared tables as BigQuery has them, and outcomes as their rows.

The tables are append-only: repeated writes then do no harm with any method of Beam's own WriteToBigQuery, and the
history of edits is kept. They are those of pipeline.tables with these differences:

- columns that belong to the ledger are left out;
- views over the versions compute what the SQL writer derives (`revisions`, `articles.revision`);
- the parts of an article carry the `processed_at` of its version, by which the views match them;
- a column of JSON is a string that holds JSON, the only form that load jobs, inserts and the Storage Write API all
  accept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from pipeline.sinks.bigquery.views import views
from pipeline.sinks.refused import storable_outcome
from pipeline.tables.declare import Column, Owner, Table, Type, Write
from pipeline.tables.keys import LONGEST_URL, cut_text, storable
from pipeline.tables.rows import Row
from pipeline.tables.schema import BY_NAME, OUTPUTS
from transforms.fates import LONGEST_MESSAGE, LONGEST_PAYLOAD
from transforms.records import BadMessage, Outcome

TYPES = {
    Type.STRING: "STRING",
    Type.INTEGER: "INTEGER",
    Type.FLOAT: "FLOAT",
    Type.BOOLEAN: "BOOLEAN",
    Type.TIMESTAMP: "TIMESTAMP",
    Type.STRINGS: "STRING",
    Type.JSON: "STRING",
}
# a request to insert rows has at most 10 MB: https://cloud.google.com/bigquery/quotas#streaming_inserts
LONGEST_ROW = 9_000_000
VERSION: Column[object] = Column(
    "processed_at", Type.TIMESTAMP, "The version of the article (articles.processed_at).", required=True
)


@dataclass(frozen=True, slots=True)
class BigQueryTable:
    """A table as BigQuery has it; `partition` is the column by which it is partitioned into days."""

    name: str
    description: str
    fields: tuple[Mapping[str, str], ...]
    partition: str
    clustering: tuple[str, ...]

    def parameters(self) -> dict[str, Any]:
        """Return the parameters that Beam passes on when it creates the table."""
        return {
            "timePartitioning": {"type": "DAY", "field": self.partition},
            "clustering": {"fields": list(self.clustering)},
        }


def columns_of(table: Table[Any]) -> list[Column[Any]]:
    """Return the columns of a declared table in BigQuery."""
    columns: list[Column[Any]] = [column for column in table.columns if column.owner is Owner.JOB]
    return [*columns, VERSION] if table.write is Write.REPLACE else columns


def _field(column: Column[Any]) -> Mapping[str, str]:
    mode = "REPEATED" if column.type is Type.STRINGS else "REQUIRED" if column.required else "NULLABLE"
    return {"name": column.name, "type": TYPES[column.type], "mode": mode, "description": column.doc}


def _table(table: Table[Any]) -> BigQueryTable:
    fields = tuple(_field(column) for column in columns_of(table))
    return BigQueryTable(table.name, table.doc, fields, table.partition, table.cluster)


BIGQUERY_TABLES: Mapping[str, BigQueryTable] = MappingProxyType(
    {table.name: _table(table) for table in OUTPUTS if table.write is not Write.HISTORY}
)


def rows_of(outcome: Outcome | BadMessage, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (table, row) for every row of an outcome that lands at `now`, with values that JSON can hold.

    In place of a row that no request can hold, and of an outcome that cannot have rows, there is a dead letter.
    """
    _, landing = storable_outcome(outcome, now)
    for name, rows in landing.tables.items():
        if name in BIGQUERY_TABLES:
            for row in rows:
                plain = _plain_row(name, {"processed_at": now, **row})
                size = _size_of(plain)
                if size <= LONGEST_ROW:
                    yield name, plain
                else:
                    why = f"the row has {size:,} bytes as JSON, more than {LONGEST_ROW:,}"
                    yield "dead_letters", letter_of_row(name, plain, why, now)


def _size_of(row: Mapping[str, Any]) -> int:
    """Return the most bytes that a row takes as JSON, in which one character can have twelve."""
    texts = sum(len(value) for value in row.values() if isinstance(value, str))
    lists = sum(len(text) for value in row.values() if isinstance(value, list) for text in value)
    return 12 * (texts + lists) if 12 * (texts + lists) <= LONGEST_ROW else len(json.dumps(row))


def _plain_row(name: str, row: Row) -> dict[str, Any]:
    return {column.name: _plain(column, row.get(column.name)) for column in columns_of(BY_NAME[name])}


def _plain(column: Column[Any], value: Any) -> Any:
    if column.type is Type.STRINGS:
        return list(value or ())
    if value is None:
        return None
    if column.type is Type.JSON:
        return json.dumps(value, ensure_ascii=False)
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def letter_of_row(name: str, row: Mapping[str, Any], error: str, now: datetime) -> dict[str, Any]:
    """Return the dead letter for a row that BigQuery refused."""
    payload = storable(json.dumps({"table": name, "row": row}, ensure_ascii=False, default=str))
    letter = {
        "canonical_url": f"row:{hashlib.sha256(payload.encode()).hexdigest()[:32]}",
        "tries": 1,
        "url": cut_text(storable(str(row.get("url") or "")), LONGEST_URL),
        "stage": "sink",
        "reason": "row refused",
        "error_class": "InsertError",
        "message": storable(error[:LONGEST_MESSAGE]),
        "payload": payload[:LONGEST_PAYLOAD],
        "failed_at": now,
    }
    return _plain_row("dead_letters", letter)


def describe(dataset: str) -> dict[str, Any]:
    """Return all tables and views as plain values; the views' queries refer to `dataset` (PROJECT.DATASET)."""
    return {
        "tables": [asdict(table) for table in BIGQUERY_TABLES.values()],
        "views": [asdict(view) for view in views(dataset)],
    }


def create_tables(client: Any, dataset: str) -> None:
    """Create missing tables, and create or replace the views; `client` is google-cloud-bigquery's.

    The dataset must exist.
    """
    from google.cloud import bigquery

    for table in BIGQUERY_TABLES.values():
        fields = [bigquery.SchemaField.from_api_repr(dict(field)) for field in table.fields]
        made = bigquery.Table(f"{dataset}.{table.name}", fields)
        made.description = table.description
        made.time_partitioning = bigquery.TimePartitioning(field=table.partition)
        made.clustering_fields = list(table.clustering)
        client.create_table(made, exists_ok=True)
    for view in views(dataset):
        client.query(f"CREATE OR REPLACE VIEW `{dataset}.{view.name}` AS {view.query}").result()

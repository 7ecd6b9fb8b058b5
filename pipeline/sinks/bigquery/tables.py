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
from pipeline.tables.declare import Column, Owner, Table, Type, Write
from pipeline.tables.rows import Row, landing_of
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
    """Yield (table, row) for every row of an outcome that lands at `now`, with values that JSON can hold."""
    for name, rows in landing_of(outcome, now).tables.items():
        if name in BIGQUERY_TABLES:
            for row in rows:
                yield name, _plain_row(name, {"processed_at": now, **row})


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
    payload = json.dumps({"table": name, "row": row}, ensure_ascii=False, default=str)
    letter = {
        "canonical_url": f"row:{hashlib.sha256(payload.encode()).hexdigest()[:32]}",
        "tries": 1,
        "url": str(row.get("url") or ""),
        "stage": "sink",
        "reason": "row refused",
        "error_class": "InsertError",
        "message": error[:LONGEST_MESSAGE],
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

"""The sink for BigQuery: every version of an article is a row, and views keep the newest of each key.

Append-only, as that survives repeats with every write method of Beam's own WriteToBigQuery and keeps the history of
edits. The tables are those of pipeline.tables.schema, with these differences:

- what only a ledger needs stays in the ledger (LEDGER_ONLY);
- the rows that belong to a version of an article carry its `processed_at`, by which the views find them again;
- `revisions`, and `articles.revision`, are views over the versions;
- a column of JSON is a string that holds JSON, the one form that load jobs, inserts and the Storage Write API all take.

`python -m pipeline.sinks.bigquery P.DATASET` prints tables and views as JSON, `--create` makes them. A view reads all
of its table: filter big ones by `published_at` of the table below, or keep a view's result in a table of your own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
import structlog
from apache_beam.io.gcp.bigquery import WriteToBigQuery
from apache_beam.io.gcp.bigquery_tools import RetryStrategy
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import GoogleCloudOptions, StandardOptions
from apache_beam.utils.timestamp import Timestamp

from pipeline.config import Config
from pipeline.sinks.bigquery_views import View, views
from pipeline.tables.rows import Row, landing_of
from pipeline.tables.schema import TABLES, Table, Type
from transforms.errors import UserError
from transforms.fates import LONGEST_MESSAGE, LONGEST_PAYLOAD
from transforms.records import BadMessage, Outcome

DATASET = re.compile(r"[^.:/]+(?::[^.:/]+)?\.\w+")
LEDGER_ONLY = {
    "articles": {"revision"},
    "urls": {
        *("leased_until", "lease_owner", "claims", "hints", "entry_updated_at", "announced_at", "landed_in"),
    },
}
# kept by the view of that name
VIEWS_INSTEAD = {"revisions"}
VERSIONED = {"entities", "mentions", "images", "removed_blocks"}
VERSION = {
    "name": "processed_at",
    "type": "TIMESTAMP",
    "mode": "REQUIRED",
    "description": "The version of the article.",
}
TYPES = {
    Type.STRING: "STRING",
    Type.INTEGER: "INTEGER",
    Type.FLOAT: "FLOAT",
    Type.BOOLEAN: "BOOLEAN",
    Type.TIMESTAMP: "TIMESTAMP",
    Type.STRINGS: "STRING",
    Type.JSON: "STRING",
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BigQueryTable:
    """A table as BigQuery has it; `partition` is the column of its day partitions."""

    name: str
    description: str
    fields: tuple[Mapping[str, str], ...]
    partition: str
    clustering: tuple[str, ...]

    def parameters(self) -> dict[str, Any]:
        """Return what Beam passes on when it makes the table."""
        return {
            "timePartitioning": {"type": "DAY", "field": self.partition},
            "clustering": {"fields": list(self.clustering)},
        }


def tables() -> tuple[BigQueryTable, ...]:
    """Return the tables, made from pipeline.tables.schema."""
    return tuple(_table(table) for table in TABLES if table.is_output and table.name not in VIEWS_INSTEAD)


def _table(table: Table) -> BigQueryTable:
    fields: list[Mapping[str, str]] = []
    for column in table.columns:
        if column.name not in LEDGER_ONLY.get(table.name, ()):
            mode = "REQUIRED" if column.required else "NULLABLE"
            mode = "REPEATED" if column.type is Type.STRINGS else mode
            fields.append({"name": column.name, "type": TYPES[column.type], "mode": mode, "description": column.doc})
    if table.name in VERSIONED:
        fields.append(VERSION)
    return BigQueryTable(table.name, table.doc, tuple(fields), table.partition, table.cluster)


BIGQUERY_TABLES = {table.name: table for table in tables()}
_COLUMNS = {table.name: {column.name: column.type for column in table.columns} for table in TABLES}


def rows_of(outcome: Outcome | BadMessage, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give (table, row) for every row of an outcome that lands at `now`, with values that JSON can hold."""
    for name, rows in landing_of(outcome, now).tables.items():
        if name not in BIGQUERY_TABLES:
            continue
        for row in rows:
            yield name, _plain_row(name, dict(row) | ({"processed_at": now} if name in VERSIONED else {}))


def _plain_row(name: str, row: Row) -> dict[str, Any]:
    types = _COLUMNS[name]
    plain: dict[str, Any] = {}
    for field in BIGQUERY_TABLES[name].fields:
        value = row.get(field["name"])
        kind = types.get(field["name"])
        if kind is Type.STRINGS:
            value = list(value or ())
        elif kind is Type.JSON:
            value = None if value is None else json.dumps(value, ensure_ascii=False)
        elif isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat()
        plain[field["name"]] = value
    return plain


def storage_row(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with times as the Storage Write API takes them."""
    times = {field["name"] for field in BIGQUERY_TABLES[name].fields if field["type"] == "TIMESTAMP"}
    return {
        column: Timestamp.from_rfc3339(value.replace("+00:00", "Z")) if column in times and value else value
        for column, value in row.items()
    }


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


class WriteRows(beam.PTransform):  # type: ignore[misc]
    """Append outcomes (pipeline.graph.build.Outcomes) to the tables of `bigquery:PROJECT.DATASET`.

    FILE_LOADS appends every `bigquery_frequency` seconds, exactly once and free of charge, by files in
    --temp_location. STREAMING_INSERTS appends at once and bills by the byte; a row that BigQuery refuses becomes a
    dead letter. STORAGE_WRITE_API appends within seconds; it wants Java where the job is launched, and tables that
    stand already.
    """

    def __init__(self, url: str, config: Config) -> None:
        super().__init__()
        self.dataset = checked_dataset(url.partition(":")[2])
        self.method, self.frequency = config.bigquery_method, config.bigquery_frequency

    def expand(self, outcomes: tuple[Any, Any]) -> None:
        tagged = outcomes | "Outcomes" >> beam.Flatten() | "Rows" >> beam.ParDo(_Rows()).with_outputs(*BIGQUERY_TABLES)
        refused = []
        for name in BIGQUERY_TABLES:
            if name != "dead_letters":
                written = tagged[name] | f"Write_{name}" >> self._write(name, tagged[name])
                if self.method == "STREAMING_INSERTS":
                    errors = written.failed_rows_with_errors
                    refused.append(errors | f"Refused_{name}" >> beam.ParDo(_RefusedRow(name)))
        letters = tagged["dead_letters"]
        if refused:
            letters = (letters, *refused) | "Letters" >> beam.Flatten()
        written = letters | "Write_dead_letters" >> self._write("dead_letters", letters)
        if self.method == "STREAMING_INSERTS":
            _ = written.failed_rows_with_errors | "Refused_dead_letters" >> beam.ParDo(_RefusedRow("dead_letters"))

    def _write(self, name: str, rows: Any) -> Any:
        table = BIGQUERY_TABLES[name]
        options = rows.pipeline.options
        streaming = options.view_as(StandardOptions).streaming
        more: dict[str, Any] = {}
        if self.method == "FILE_LOADS":
            folder = options.view_as(GoogleCloudOptions).temp_location or ""
            if not folder.startswith("gs://"):
                raise UserError(f"--temp_location={folder}: say gs://BUCKET/FOLDER, where load jobs find their files")
            more = {"triggering_frequency": max(1, round(self.frequency))} if streaming else {}
        elif self.method == "STREAMING_INSERTS":
            more = {"insert_retry_strategy": RetryStrategy.RETRY_ON_TRANSIENT_ERROR}
        elif streaming:
            more = {"triggering_frequency": 5}
        project, _, dataset = self.dataset.rpartition(".")
        schema = {"fields": [{key: field[key] for key in ("name", "type", "mode")} for field in table.fields]}
        write = WriteToBigQuery(
            f"{project}:{dataset}.{name}",
            schema=schema,
            method=self.method,
            create_disposition="CREATE_NEVER" if self.method == "STORAGE_WRITE_API" else "CREATE_IF_NEEDED",
            write_disposition="WRITE_APPEND",
            additional_bq_parameters=table.parameters(),
            **more,
        )
        return _ForStorage(name, write) if self.method == "STORAGE_WRITE_API" else write


class _ForStorage(beam.PTransform):  # type: ignore[misc]
    def __init__(self, name: str, write: Any) -> None:
        super().__init__()
        self.name, self.write = name, write

    def expand(self, rows: Any) -> Any:
        return rows | "Times" >> beam.Map(lambda row, name=self.name: storage_row(name, row)) | self.write


class _Rows(beam.DoFn):  # type: ignore[misc]
    def process(self, outcome: Outcome | BadMessage) -> Iterator[Any]:
        for name, row in rows_of(outcome, datetime.now(UTC)):
            yield beam.pvalue.TaggedOutput(name, row)


class _RefusedRow(beam.DoFn):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        self.name = name
        self.count = Metrics.counter("newsbeam", "rows_refused")

    def process(self, refused: tuple[Any, dict[str, Any], Any]) -> Iterator[dict[str, Any]]:
        _, row, errors = refused
        self.count.inc()
        log.error("row refused", table=self.name, error=str(errors))
        yield letter_of_row(self.name, row, str(errors), datetime.now(UTC))


def checked_dataset(name: str) -> str:
    """Return PROJECT.DATASET; raises UserError for what is none."""
    if not DATASET.fullmatch(name):
        raise UserError(f"not a dataset: {name!r}; say bigquery:PROJECT.DATASET")
    return name


def describe(dataset: str) -> dict[str, Any]:
    """Return all tables and views as plain values; `dataset` (PROJECT.DATASET) stands in the views' queries."""
    return {
        "tables": [asdict(table) for table in BIGQUERY_TABLES.values()],
        "views": [asdict(view) for view in views(dataset)],
    }


def create_tables(client: Any, dataset: str) -> None:
    """Make the tables and views that are not there; `client` is google-cloud-bigquery's. The dataset must stand."""
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Print tables and views as JSON, or make them."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.sinks.bigquery", description=main.__doc__)
    parser.add_argument("dataset", nargs="?", default="PROJECT.DATASET", help="what stands in the views' queries")
    parser.add_argument("--create", action="store_true", help="make them, with the credentials of this machine")
    own = parser.parse_args(arguments)
    if own.create:
        from google.cloud import bigquery

        try:
            create_tables(bigquery.Client(own.dataset.partition(".")[0]), checked_dataset(own.dataset))
        except UserError as error:
            sys.stderr.write(f"newsbeam: {error}\n")
            return 2
        return 0
    sys.stdout.write(json.dumps(describe(own.dataset), indent=2) + "\n")
    return 0


__all__ = ["BIGQUERY_TABLES", "View", "WriteRows", "create_tables", "describe", "rows_of", "tables", "views"]

if __name__ == "__main__":
    sys.exit(main())

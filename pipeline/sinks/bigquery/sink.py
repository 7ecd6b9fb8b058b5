"""The sink for BigQuery, with Beam's own WriteToBigQuery."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
from pipeline.sinks.bigquery.tables import BIGQUERY_TABLES, letter_of_row, rows_of
from transforms.errors import UserError
from transforms.records import BadMessage, Outcome

DATASET = re.compile(r"[^.:/]+(?::[^.:/]+)?\.\w+")

log = structlog.get_logger(__name__)


class WriteRows(beam.PTransform):  # type: ignore[misc]
    """Append outcomes (pipeline.graph.build.Outcomes) to the tables of `bigquery:PROJECT.DATASET`.

    FILE_LOADS appends every `bigquery_frequency` seconds, exactly once and free of charge, through files in
    --temp_location. STREAMING_INSERTS appends at once and is billed by the byte; a row that BigQuery refuses becomes a
    dead letter. STORAGE_WRITE_API appends within seconds; it needs Java where the job is launched, and tables that
    already exist.
    """

    def __init__(self, url: str, config: Config) -> None:
        super().__init__()
        self.dataset = checked_dataset(url.partition(":")[2])
        self.method, self.frequency = config.bigquery_method, config.bigquery_frequency

    def expand(self, outcomes: tuple[Any, Any]) -> None:
        rows = beam.ParDo(_Rows()).with_input_types(Outcome | BadMessage)
        tagged = outcomes | "Outcomes" >> beam.Flatten() | "Rows" >> rows.with_outputs(*BIGQUERY_TABLES)
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
                raise UserError(f"--temp_location={folder}: use gs://BUCKET/FOLDER, where load jobs find their files")
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
    """Return the name of a dataset; raises UserError unless it is PROJECT.DATASET."""
    if not DATASET.fullmatch(name):
        raise UserError(f"not a dataset: {name!r}; use bigquery:PROJECT.DATASET")
    return name


def storage_row(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with times in the type that the Storage Write API takes."""
    times = {field["name"] for field in BIGQUERY_TABLES[name].fields if field["type"] == "TIMESTAMP"}
    return {
        column: Timestamp.from_rfc3339(value.replace("+00:00", "Z")) if column in times and value else value
        for column, value in row.items()
    }

"""The sink for SQLite and PostgreSQL: an article's rows and its URL's fate in one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import TYPE_CHECKING

import apache_beam as beam
import sqlalchemy as sa
import structlog

from pipeline.config import Config
from pipeline.sinks.refused import stand_ins
from pipeline.sinks.sql_writer import write_landings
from pipeline.tables.database import is_sql, opened
from pipeline.tables.refusals import is_about_rows
from pipeline.tables.rows import Landing, landing_of
from transforms.errors import DatabaseAway, UserError
from transforms.fates import LONGEST_PAYLOAD
from transforms.records import Article, BadMessage, Failure, Outcome, Rejection

BATCH = 16

if TYPE_CHECKING:
    from pipeline.graph.build import Outcomes

log = structlog.get_logger(__name__)


class _WriteOutcomes(beam.DoFn):  # type: ignore[misc]
    """Collect outcomes and write them BATCH at a time, and the rest when the bundle ends.

    While the database is unavailable, retries for `patience_s` seconds, as some runners lose the elements of a DoFn
    that raises. An outcome that the database will never accept becomes a dead letter.
    """

    def __init__(self, url: str, patience_s: float) -> None:
        self.url, self.patience_s = url, patience_s
        self.waiting: list[Outcome | BadMessage] = []

    def start_bundle(self) -> None:
        self.waiting = []

    def process(self, outcome: Outcome | BadMessage) -> None:
        self.waiting.append(outcome)
        if len(self.waiting) >= BATCH:
            self._write()

    def finish_bundle(self) -> None:
        self._write()

    def landing(self, outcome: Outcome | BadMessage, now: datetime) -> Landing:
        """Return the rows to write for an outcome; raises RowInvalid if it lacks what a declared column requires."""
        return landing_of(outcome, now)

    def _write(self) -> None:
        outcomes, self.waiting = self.waiting, []
        if not outcomes:
            return
        now = datetime.now(UTC)
        try:
            self._write_patiently([self.landing(outcome, now) for outcome in outcomes])
        except Exception as error:
            if not is_about_rows(error):
                raise
            for outcome in outcomes:
                self._write_or_bury(outcome, now)

    def _write_or_bury(self, outcome: Outcome | BadMessage, now: datetime) -> None:
        refused = self._refusal(outcome, now)
        if refused is None:
            return
        for other in stand_ins(outcome, refused, now):
            refused = self._refusal(other, now)
            if refused is None:
                return
        # its URL is still due, and the next try may end otherwise
        log.error("dead letter refused", error=repr(refused)[:LONGEST_PAYLOAD])

    def _refusal(self, outcome: Outcome | BadMessage, now: datetime) -> Exception | None:
        """Write one outcome; returns the error if the database refuses its rows, and raises any other."""
        try:
            self._write_patiently([self.landing(outcome, now)])
        except Exception as error:
            if not is_about_rows(error):
                raise
            return error
        return None

    def _write_patiently(self, landings: Sequence[Landing]) -> None:
        give_up_at = time.monotonic() + self.patience_s
        for pause in chain((0.2, 0.5, 1.0, 2.0), repeat(5.0)):
            try:
                write_landings(opened(self.url), landings)
                return
            except (sa.exc.OperationalError, sa.exc.InterfaceError, DatabaseAway) as error:
                if is_about_rows(error) or time.monotonic() + pause > give_up_at:
                    raise
                log.warning("database unavailable, retrying", error=str(getattr(error, "orig", error)))
                time.sleep(pause)


class _SettleFates(_WriteOutcomes):
    """Write only the ledger's part of outcomes: the fates of URLs, and the dead letters."""

    def __init__(self, url: str, patience_s: float, landed_in: str) -> None:
        super().__init__(url, patience_s)
        self.landed_in = landed_in

    def landing(self, outcome: Outcome | BadMessage, now: datetime) -> Landing:
        tables = landing_of(outcome, now).tables
        urls = [{**row, "landed_in": self.landed_in if row["outcome"] == "article" else None} for row in tables["urls"]]
        return Landing({"urls": urls, "dead_letters": tables["dead_letters"]})


class WriteToSql(beam.PTransform):  # type: ignore[misc]
    """Write outcomes (pipeline.graph.build.Outcomes) to the SQL database at `url`."""

    def __init__(self, url: str, config: Config) -> None:
        super().__init__()
        self.url, self.patience_s = url, config.sink_patience

    def expand(self, outcomes: Outcomes) -> None:
        articles, endings = outcomes
        _ = articles | "WriteArticles" >> beam.ParDo(_WriteOutcomes(self.url, self.patience_s)).with_input_types(
            Article
        )
        _ = endings | "WriteEndings" >> beam.ParDo(_WriteOutcomes(self.url, self.patience_s)).with_input_types(
            Rejection | Failure | BadMessage
        )


class SettleInLedger(beam.PTransform):  # type: ignore[misc]
    """Record the fates of outcomes in the ledger at `url`; their rows land in the sink `landed_in`."""

    def __init__(self, url: str, landed_in: str, config: Config) -> None:
        super().__init__()
        if not is_sql(url):
            raise UserError(f"not a ledger: {url!r}; use sqlite:///newsbeam.db or postgresql://user@host/name")
        self.fates = _SettleFates(url, config.sink_patience, landed_in)

    def expand(self, outcomes: Outcomes) -> None:
        articles, endings = outcomes
        _ = articles | "SettleArticles" >> beam.ParDo(self.fates).with_input_types(Article)
        _ = endings | "SettleEndings" >> beam.ParDo(self.fates).with_input_types(Rejection | Failure | BadMessage)

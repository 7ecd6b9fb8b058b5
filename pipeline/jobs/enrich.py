"""Run enrichments again over stored bodies, without fetching: after a model was installed, or a rule changed.

    articles in the order of their ids, BATCH at a time -> stages (guarded) -> rows, and how far it is, together

How far it is stands in `enrich_runs`, so that a run goes on where an earlier one was stopped or killed.
Workers may write meanwhile: what they have written since it was read stays as it is.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from pipeline import __version__
from pipeline.config import Config
from pipeline.graph.enriching import EnrichAgain, Enriched, check_names, works_of
from pipeline.graph.reading import Prepare, say_what_is_missing
from pipeline.logs import logs_in_use
from pipeline.sinks.sql_writer import rewrite_articles
from pipeline.tables.bounds import bounded_article
from pipeline.tables.database import AWAY_S, METADATA, insert_rows, reading
from pipeline.tables.enrichments import ENRICHMENTS
from pipeline.tables.refusals import is_away
from pipeline.tables.rows import RowInvalid
from pipeline.tables.stored import Rewrite, Selection, Stored, read_stored, rewrite
from transforms.entities.models import choose_model
from transforms.errors import TooComplex, WorkBug, WorkCrashed
from transforms.guard import Guard
from transforms.records import Article

BATCH = 16
SAY_EVERY_S = 10.0
FORGET = timedelta(days=30)
RUNS = METADATA.tables["enrich_runs"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counts:
    """How many articles were looked at, and of these changed, written by a worker meanwhile, and failed on."""

    articles: int = 0
    changed: int = 0
    skipped: int = 0
    failed: int = 0

    def plus(self, **more: int) -> Counts:
        """Return the counts with these added."""
        return replace(self, **{name: getattr(self, name) + number for name, number in more.items()})


class Enricher:
    """One run over the selected articles, or the rest of one that was stopped."""

    def __init__(
        self,
        engine: sa.Engine,
        config: Config,
        stages: tuple[str, ...] = (),
        selection: Selection | None = None,
        work: Callable[[Article], Enriched] | None = None,
    ) -> None:
        """`work` replaces what enriches an article in a guarded process.

        Raises UserError for an unknown stage, and for a configured model that is not installed.
        """
        self.engine, self.selection = engine, selection or Selection()
        self.stages = check_names(stages)
        for enrichment in ENRICHMENTS:
            enrichment.make(config)
        self.arguments = _arguments(config, self.stages, self.selection)
        self._guard: Guard[Article, Enriched] | None = None
        if work is None:
            again = EnrichAgain(config, self.stages)
            work = self._guard = Guard(again, prepare=Prepare(works_of, config, logs_in_use()))
        self._work = work
        self._stopping = threading.Event()
        self._after, self.counts, self.is_done = "", Counts(), False

    def stop(self) -> None:
        """End after the current batch."""
        self._stopping.set()

    def run(self, restart: bool = False) -> Counts:
        """Enrich until all is done (`is_done`) or `stop` is called; returns the counts.

        Goes on where an earlier run with the same arguments was stopped, and counts what that one did; with `restart`,
        starts over. Waits for a database that is away.
        """
        try:
            self._patiently(lambda: self._begin(restart))
            said_at = time.monotonic()
            while not self.is_done and not self._stopping.is_set():
                self._patiently(self._do_batch)
                if time.monotonic() - said_at > SAY_EVERY_S:
                    said_at = time.monotonic()
                    log.info("enriching", **asdict(self.counts))
        finally:
            if self._guard is not None:
                self._guard.close()
        return self.counts

    def _begin(self, restart: bool) -> None:
        now = datetime.now(UTC)
        mine, forgotten = RUNS.c.arguments == self.arguments, RUNS.c.started_at < now - FORGET
        with self.engine.begin() as connection:
            connection.execute(sa.delete(RUNS).where(sa.or_(forgotten, mine) if restart else forgotten))
            row = connection.execute(sa.select(RUNS).where(mine)).one_or_none()
            if row is None:
                values = {"arguments": self.arguments, "after_id": "", "started_at": now, "counts": asdict(Counts())}
                insert_rows(connection, RUNS, [values])
                return
        self._after, self.counts = row.after_id, Counts(**row.counts)
        log.info("going on where an earlier run was stopped", started_at=row.started_at.isoformat(), **row.counts)

    def _do_batch(self) -> None:
        with reading(self.engine) as connection:
            batch = read_stored(connection, self.selection, self._after, BATCH)
        counts = self.counts.plus(articles=len(batch))
        rewrites = []
        for stored in batch:
            try:
                made = self._enrich(stored)
            except (TooComplex, WorkCrashed, WorkBug, RowInvalid) as error:
                log.warning("not enriched", article=stored.article_id, url=stored.article.url, error=str(error))
                counts = counts.plus(failed=1)
                continue
            if made is not None:
                rewrites.append(made)
        after = batch[-1].article_id if batch else ""
        mine = RUNS.c.arguments == self.arguments
        with self.engine.begin() as connection:
            written = rewrite_articles(connection, rewrites)
            counts = counts.plus(changed=written, skipped=len(rewrites) - written)
            if batch:
                connection.execute(sa.update(RUNS).where(mine).values(after_id=after, counts=asdict(counts)))
            else:
                connection.execute(sa.delete(RUNS).where(mine))
        self._after, self.counts, self.is_done = after, counts, not batch

    def _enrich(self, stored: Stored) -> Rewrite | None:
        """Return what to write of an article; None if it stays as it is."""
        enriched = self._work(stored.article)
        say_what_is_missing(enriched.article)
        if bounded_article(enriched.article) == stored.article:
            return None
        stages = [enrichment for enrichment in ENRICHMENTS if enrichment.name in enriched.ran]
        return rewrite(stored, enriched.article, stages, datetime.now(UTC))

    def _patiently(self, work: Callable[[], None]) -> None:
        """Call `work`, again and again while the database is away."""
        while not self._stopping.is_set():
            try:
                return work()
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("the database is away, waiting for it", error=str(error).partition("\n")[0])
                self._stopping.wait(AWAY_S)
        return None


def _arguments(config: Config, stages: tuple[str, ...], selection: Selection) -> str:
    """Return what tells a run from others: with other models or another newsbeam, it starts from the beginning."""
    models = config.entity_models()
    given: dict[str, Any] = {
        "stages": stages,
        "language": selection.language,
        "since": selection.since and selection.since.isoformat(),
        "models": sorted({name for language in models if (name := choose_model(language, models))}),
        "version": __version__,
    }
    return json.dumps({name: value for name, value in given.items() if value})

"""The Beam job that runs until it is stopped: the graph between a source and its sinks.

    source -> batches of links -> pipeline.graph.build -> articles, endings -> sink
                     bad messages -------------------------^    +----> ledger: the fates
                                                                +----> topics: dead letters; events for consumers

Runners differ in where records come from and where they land, not in what is done with them. Between two steps records
travel as versioned JSON (pipeline.messages.coders), so that a running job can be updated to a release that adds fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
import sqlalchemy as sa
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner

from pipeline.config import Config
from pipeline.graph.build import Outcomes, build
from pipeline.jobs.work import BATCH_BUDGET_S
from pipeline.sinks import sink_of
from pipeline.sources import source_of
from pipeline.tables.database import is_sql
from transforms.errors import UserError
from transforms.records import Article

SINK_PATIENCE_S = 300.0
RUNNERS = ("DataflowRunner", "DirectRunner", "FlinkRunner", "PortableRunner")


@dataclass(frozen=True, slots=True)
class Job:
    """What a streaming job reads and writes; an empty name means that it has none.

    `ledger` is the poller's database. With it, fates of URLs are recorded there, and the publisher sends failed URLs
    again when they are due. Without it a failure is final and becomes a dead letter.
    """

    source: str
    sink: str
    ledger: str = ""
    dead_letter_topic: str = ""
    output_topic: str = ""

    @property
    def settles(self) -> str:
        """Return the database that records fates besides the sink; "" if the sink itself does, or nothing does."""
        return "" if self.ledger == self.sink else self.ledger

    @property
    def has_ledger(self) -> bool:
        """Tell whether failed URLs are retried."""
        return bool(self.ledger) or is_sql(self.sink)


def build_job(pipeline: beam.Pipeline, job: Job, config: Config) -> None:
    """Add the whole job to a pipeline; raises UserError for an unknown source, sink or topic."""
    # with a ledger, a URL whose host is busy is put off and comes back later; without one, the job must wait for it
    budget = (config.batch_budget or BATCH_BUDGET_S) if job.has_ledger else 0.0
    config = replace(config, batch_budget=budget, sink_patience=config.sink_patience or SINK_PATIENCE_S)
    incoming = pipeline | "Source" >> source_of(job.source, config)
    articles, endings = build(incoming.batches, config)
    if incoming.bad is not None:
        endings = (endings, incoming.bad) | "AllEndings" >> beam.Flatten()
    measured = beam.ParDo(_MeasureAge()).with_input_types(Article).with_output_types(Article)
    outcomes = Outcomes(articles | "Measure" >> measured, endings)
    _ = outcomes | "Sink" >> sink_of(job.sink, config)
    if job.settles:
        from pipeline.sinks.sql import SettleInLedger

        _ = outcomes | "Ledger" >> SettleInLedger(job.settles, shown_sink(job.sink), config)
    if job.dead_letter_topic or job.output_topic:
        from pipeline.sinks.topics import WriteDeadLetters, WriteEvents

        if job.dead_letter_topic:
            _ = endings | "DeadLetters" >> WriteDeadLetters(job.dead_letter_topic, job.has_ledger)
        if job.output_topic:
            _ = outcomes | "Events" >> WriteEvents(job.output_topic)


def shown_sink(url: str) -> str:
    """Return the name of a sink without its password, for a column of a table."""
    return sa.make_url(url).render_as_string(hide_password=True) if is_sql(url) else url


def run_streaming(job: Job, config: Config, beam_options: Sequence[str]) -> dict[str, Any]:
    """Start the job; returns the runner's name and the job's id.

    On DirectRunner the job runs in this process until the process is told to stop; on other runners the function
    returns as soon as the service has accepted the job. Raises UserError for what the user can correct.
    """
    options = PipelineOptions(["--streaming", *beam_options])
    name = options.get_all_options()["runner"] or "DirectRunner"
    check_runner(name, job)
    # name the engine: plain DirectRunner may silently choose a different one (ARCHITECTURE.md)
    runner = BundleBasedDirectRunner() if name == "DirectRunner" else name
    try:
        pipeline = beam.Pipeline(runner=runner, options=options)
    except ValueError as exc:
        raise UserError(f"the runner does not accept its options: {exc}") from exc
    build_job(pipeline, job, config)
    result = pipeline.run()
    if name == "DirectRunner":
        result.wait_until_finish()
    found = getattr(result, "job_id", None)
    return {"runner": name, "job": found() if callable(found) else found}


def check_runner(name: str, job: Job) -> None:
    """Raise UserError for a runner that cannot read the job's source."""
    is_topic = job.source.startswith("pubsub:")
    if is_topic and name not in ("DataflowRunner", "DirectRunner"):
        raise UserError(f"{name} cannot read Pub/Sub from Python: use --source ledger:URL")
    if not is_topic and name == "DirectRunner":
        raise UserError("DirectRunner cannot read the ledger as a stream: use `newsbeam work` instead")


class _MeasureAge(beam.DoFn):  # type: ignore[misc]
    """Record the age of each article at the end of the graph, in seconds since its link was discovered."""

    def __init__(self) -> None:
        self.age = Metrics.distribution("newsbeam", "article_age_s")

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def process(self, article: Article) -> Iterator[Article]:
        if article.link.discovered_at is not None:
            self.age.update(max(0, round((datetime.now(UTC) - article.link.discovered_at).total_seconds())))
        yield article

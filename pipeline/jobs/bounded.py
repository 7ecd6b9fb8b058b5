"""Process a file of article URLs in one bounded Beam job, on any runner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.config import Config
from pipeline.graph.batches import BatchByHost
from pipeline.graph.build import build
from pipeline.jobs.microbatch import counters
from pipeline.ledger import Ledger, Sighting
from pipeline.sinks import sink_of
from pipeline.sources.addresses import read_feed_arguments
from pipeline.tables.database import is_sql, open_database
from transforms.errors import UserError
from transforms.records import ArticleLink, FeedEntry
from transforms.urls import link_of


def read_links(path: Path, now: datetime) -> list[ArticleLink]:
    """Read article URLs, one per line, with # for comments; raises UserError for a file without URLs."""
    addresses = read_feed_arguments([str(path)])
    return [link_of(FeedEntry(address), "", now) for address in addresses]


def run_bounded(urls: Path, sink: str, config: Config, beam_options: Sequence[str]) -> dict[str, int]:
    """Fetch and enrich the URLs of a file and write them to `sink`; returns Beam's counters.

    With an SQL sink, the URLs are first added to its ledger, so that `newsbeam audit` counts them, and URLs that have
    already landed are not fetched again.
    """
    now = datetime.now(UTC)
    links = list({link.canonical_url: link for link in read_links(urls, now)}.values())
    if is_sql(sink):
        ledger = Ledger(open_database(sink))
        ledger.links.add([Sighting(link) for link in links], now)
        landed = ledger.links.landed([link.canonical_url for link in links])
        links = [link for link in links if link.canonical_url not in landed]
        ledger.engine.dispose()
    options = PipelineOptions(list(beam_options))
    name = options.get_all_options()["runner"] or "DirectRunner"
    # name the engine: plain DirectRunner may silently choose a different one (ARCHITECTURE.md)
    runner = FnApiRunner() if name == "DirectRunner" else name
    try:
        pipeline = beam.Pipeline(runner=runner, options=options)
    except ValueError as exc:
        raise UserError(f"the runner does not accept its options: {exc}") from exc
    batches = pipeline | beam.Create(links) | BatchByHost()
    _ = build(batches, config) | sink_of(sink, config)
    result = pipeline.run()
    result.wait_until_finish()
    return counters(result)

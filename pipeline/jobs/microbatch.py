"""A batch of links through the graph as one bounded run of Beam in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.config import Config
from pipeline.graph.build import build
from pipeline.sinks import sink_of
from transforms.records import ArticleLink


def run_batch(links: Sequence[ArticleLink], config: Config, sink: str) -> dict[str, int]:
    """Run the graph on these links and wait until its outcomes have landed; returns Beam's counters.

    Raises what the sink raises when it cannot write; the links are then still due.
    """
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    batches = pipeline | beam.Create([list(links)], reshuffle=False)
    _ = build(batches, config) | sink_of(sink, config)
    result = pipeline.run()
    result.wait_until_finish()
    return counters(result)


def bounded_options() -> PipelineOptions:
    """Return options for a run in this process that needs no checks of types it does not use."""
    return PipelineOptions(["--direct_running_mode=in_memory"])


def counters(result: Any) -> dict[str, int]:
    """Return the committed counters of a finished run, by name."""
    found = result.metrics().query(beam.metrics.MetricsFilter().with_namespace("newsbeam"))["counters"]
    return {counter.key.metric.name: counter.committed for counter in found}

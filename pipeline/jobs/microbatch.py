"""Run the graph on a batch of links, as one bounded Beam run in this process.

    links -> slot -> Impulse, TakeBatch -> the graph -> sink

Building the graph, translating it and starting its steps costs much more than processing a few pages, so it is done
once for a configuration and a sink, and kept (PreparedGraph). A batch enters through a slot from which the first step
takes it. Threads that run batches at the same time each use a prepared graph of their own.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import apache_beam as beam
import structlog
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineResult

from pipeline.config import Config
from pipeline.graph.build import Outcomes, build
from pipeline.jobs.engine import WarmRunner
from pipeline.sinks import sink_of
from pipeline.tables.database import is_sql
from transforms.records import Article, ArticleLink

# the most configurations for which graphs are kept; a worker has one
MOST_KEPT = 4
ARTICLES = "articles"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of a batch: how many articles landed, and Beam's counters by name."""

    articles: int
    counters: Mapping[str, int]


def run_batch(links: Sequence[ArticleLink], config: Config, sink: str) -> BatchResult:
    """Run the graph on these links and wait until its outcomes have landed.

    Safe to call from several threads at once. Raises what the sink raises when it cannot write; the links are then
    still due.
    """
    if not is_sql(sink):
        # what other sinks prepare, such as names of load jobs, is for one run only
        graph = PreparedGraph(config, sink)
        try:
            return graph.run(links)
        finally:
            graph.close()
    graph = _KEPT.take(config, sink)
    try:
        result = graph.run(links)
    except BaseException:
        # do not reuse a graph after a failed run
        graph.close()
        raise
    _KEPT.give_back(graph)
    return result


class PreparedGraph:
    """The graph between a batch of links and a sink, ready to run again and again, by one thread at a time.

    `warm` keeps the translated graph. It uses internals of Beam that may change between versions; if they have, every
    run translates the graph again, which takes longer but gives the same results.
    """

    def __init__(self, config: Config, sink: str, warm: type[WarmRunner] = WarmRunner) -> None:
        self.config, self.sink = config, sink
        self._slot = next(_NUMBERS)
        # name the engine: plain DirectRunner may silently choose a different one (ARCHITECTURE.md)
        self._pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
        take = beam.ParDo(_TakeBatch(self._slot)).with_input_types(bytes).with_output_types(list[ArticleLink])
        articles, endings = build(self._pipeline | beam.Impulse() | "TakeBatch" >> take, config)
        counted = articles | "Count" >> beam.ParDo(_CountArticles()).with_output_types(Article)
        _ = Outcomes(counted, endings) | sink_of(sink, config)
        self._warm = self._start(warm)

    def run(self, links: Sequence[ArticleLink]) -> BatchResult:
        """Run the graph on these links; raises what its sink raises, after which it must not be used again."""
        _SLOTS[self._slot] = list(links)
        try:
            found = counters(self._warm.run_again() if self._warm is not None else self._run_cold())
        finally:
            del _SLOTS[self._slot]
        return BatchResult(found.get(ARTICLES, 0), found)

    def close(self) -> None:
        """Shut down what Beam keeps for the next run."""
        if self._warm is not None:
            self._warm.close()

    def _start(self, warm: type[WarmRunner]) -> WarmRunner | None:
        """Prepare the runner and run it on no links, to see whether it works with this Beam."""
        _SLOTS[self._slot] = []
        try:
            runner = warm(self._pipeline)
            runner.run_again()
        except (AttributeError, ImportError, TypeError) as error:
            log.warning("this version of Beam cannot keep a graph; each batch translates it again", error=repr(error))
            return None
        else:
            return runner
        finally:
            del _SLOTS[self._slot]

    def _run_cold(self) -> PipelineResult:
        result = self._pipeline.run()
        result.wait_until_finish()
        return result


class _KeptGraphs:
    """The idle prepared graphs of the configurations used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[tuple[int, Config, str], list[PreparedGraph]] = OrderedDict()

    def take(self, config: Config, sink: str) -> PreparedGraph:
        with self._lock:
            idle = self._idle.get(_key_of(config, sink))
            if idle:
                return idle.pop()
        return PreparedGraph(config, sink)

    def give_back(self, graph: PreparedGraph) -> None:
        key = _key_of(graph.config, graph.sink)
        dropped: list[PreparedGraph] = []
        with self._lock:
            self._idle.setdefault(key, []).append(graph)
            self._idle.move_to_end(key)
            while len(self._idle) > MOST_KEPT:
                dropped += self._idle.popitem(last=False)[1]
        for old in dropped:
            old.close()


def _key_of(config: Config, sink: str) -> tuple[int, Config, str]:
    # a forked child has the objects but not their threads
    return os.getpid(), config, sink


_KEPT = _KeptGraphs()
_NUMBERS = count()
_SLOTS: dict[int, list[ArticleLink]] = {}


class _TakeBatch(beam.DoFn):  # type: ignore[misc]
    """Take the batch from the slot with this number."""

    def __init__(self, slot: int) -> None:
        self.slot = slot

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def process(self, _impulse: bytes) -> Iterator[list[ArticleLink]]:
        yield _SLOTS[self.slot]


class _CountArticles(beam.DoFn):  # type: ignore[misc]
    def __init__(self) -> None:
        self.count = Metrics.counter("newsbeam", ARTICLES)

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def process(self, article: Article) -> Iterator[Article]:
        self.count.inc()
        yield article


def bounded_options() -> PipelineOptions:
    """Return options for a run in this process."""
    return PipelineOptions(["--direct_running_mode=in_memory"])


def counters(result: PipelineResult) -> dict[str, int]:
    """Return the committed counters of a finished run, by name."""
    found = result.metrics().query(beam.metrics.MetricsFilter().with_namespace("newsbeam"))["counters"]
    return {counter.key.metric.name: counter.committed for counter in found}

"""STAGES and build(): the one graph that every runner gets.

    batches of ArticleLink -> fetch -> FetchedPage -> extract -> Article -> strip -> Article -> entities -> Article
                                 any stage: -> Rejection | Failure

The input is batches and not single links, since fetching keeps many hosts in flight at once; who makes the batches sees
to it that a host is in one batch at a time (pipeline.jobs.work by leases, pipeline.jobs.stream by keys).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import apache_beam as beam

from pipeline.config import Config
from pipeline.graph.stage import Stage
from pipeline.tables.enrichments import ENRICHMENTS, Enrichment
from transforms.errors import NewsbeamError
from transforms.fetch.fetcher import FetchPolicy, shared_fetcher
from transforms.page.boilerplate import strip_boilerplate
from transforms.page.extract import extract
from transforms.records import ArticleLink, FetchedPage

COMPUTING = threading.RLock()


class Outcomes(NamedTuple):
    """The two ends of the graph: PCollections of Article, and of Rejection or Failure.

    They are kept apart, as a flatten would make a bounded runner hold back every article until the batch is done.
    """

    articles: Any
    endings: Any


@dataclass(frozen=True, slots=True)
class FetchBatch:
    """Fetch a batch of links with the one fetcher that this process has for the policy.

    A result is handed on under the process's lock: where the stages behind are fused with this one, batches in several
    threads wait for pages side by side but finish one page after the other, in turns.
    """

    policy: FetchPolicy
    budget_s: float | None

    def __call__(self, links: Sequence[ArticleLink]) -> Iterator[FetchedPage | tuple[ArticleLink, NewsbeamError]]:
        for result in shared_fetcher(self.policy).fetch_articles(links, self.budget_s):
            with COMPUTING:
                yield result


@dataclass(frozen=True, slots=True)
class InTurn:
    """Work on one record at a time in this process, also where a runner does not fuse the stages.

    Neither trafilatura nor a spaCy model is safe to use from two threads at once, and the interpreter would give them
    one core all the same.
    """

    work: Callable[[Any], Any]

    def __call__(self, record: Any) -> Any:
        with COMPUTING:
            return self.work(record)


def _enrich(enrichment: Enrichment, config: Config) -> InTurn:
    return InTurn(enrichment.make(config))


# name, how its callable is made from the configuration, whether it takes whole batches.
STAGES: tuple[tuple[str, Callable[[Config], Any], bool], ...] = (
    ("fetch", lambda config: FetchBatch(config.fetch_policy(), config.batch_budget or None), True),
    ("extract", lambda config: InTurn(extract), False),
    ("strip", lambda config: InTurn(partial(strip_boilerplate, policy=config.body_policy())), False),
    *((each.name, partial(_enrich, each), False) for each in ENRICHMENTS),
)


def build(batches: Any, config: Config) -> Outcomes:
    """Apply the stages to a PCollection of batches of links; every link comes out of exactly one of the two ends."""
    records, endings = batches, []
    for name, make, many in STAGES:
        staged = records | Stage(name, make(config), many)
        records = staged.good
        endings.extend(staged.endings)
    return Outcomes(records, endings | "Endings" >> beam.Flatten())

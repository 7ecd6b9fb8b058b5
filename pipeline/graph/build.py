"""Build the graph, the same on every runner: the stages in sequence, with two outputs, articles and endings.

    batches of ArticleLink -> STAGES -> articles
                                 └────> endings: Rejection or Failure, from any stage

The input is batches rather than single links, since fetching keeps requests to many hosts in flight at once. Callers
must put each host in only one batch at a time. pipeline.jobs.work and pipeline.sources.ledger_stream do so by leases,
pipeline.graph.batches and pipeline.sources.pubsub by keys.
"""

from __future__ import annotations

from typing import NamedTuple

import apache_beam as beam

from pipeline.config import Config
from pipeline.graph.stage import Ending, Stage
from pipeline.graph.stages import STAGES
from transforms.records import Article, ArticleLink, BadMessage


class Outcomes(NamedTuple):
    """The two outputs of the graph.

    They are separate because a Flatten would make a bounded runner hold back every article until the batch is done. The
    endings also include the messages that a source could not read.
    """

    articles: beam.PCollection[Article]
    endings: beam.PCollection[Ending | BadMessage]


def build(batches: beam.PCollection[list[ArticleLink]], config: Config) -> Outcomes:
    """Apply the stages to batches of links; every link leaves by exactly one of the two outputs."""
    records, endings = batches, []
    for spec in STAGES:
        staged = records | Stage(spec.name, spec.make(config), spec.many)
        records = staged.good
        endings.append(staged.endings)
    return Outcomes(records, endings | "Endings" >> beam.Flatten())

"""The one graph that every runner gets: the stages one after the other, and every link out at one of two ends.

    batches of ArticleLink -> STAGES -> articles
                                 └────> endings: Rejection or Failure, from any stage

The input is batches and not single links, since fetching keeps many hosts in flight at once. Callers must put each host
in only one batch at a time: pipeline.jobs.work does by leases, pipeline.jobs.stream by keys.
"""

from __future__ import annotations

from typing import NamedTuple

import apache_beam as beam

from pipeline.config import Config
from pipeline.graph.stage import Ending, Stage
from pipeline.graph.stages import STAGES
from transforms.records import Article, ArticleLink, BadMessage


class Outcomes(NamedTuple):
    """The two ends of the graph.

    They are kept apart, as a flatten would make a bounded runner hold back every article until the batch is done. A
    source adds the messages that it cannot read to the endings.
    """

    articles: beam.PCollection[Article]
    endings: beam.PCollection[Ending | BadMessage]


def build(batches: beam.PCollection[list[ArticleLink]], config: Config) -> Outcomes:
    """Apply the stages to batches of links; every link comes out of exactly one of the two ends."""
    records, endings = batches, []
    for spec in STAGES:
        staged = records | Stage(spec.name, spec.make(config), spec.many)
        records = staged.good
        endings.append(staged.endings)
    return Outcomes(records, endings | "Endings" >> beam.Flatten())

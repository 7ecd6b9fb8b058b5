"""Where a streaming job takes its links from. A source is one file here and one line in SOURCES.

A source is a PTransform over the beginning of a pipeline that gives Incoming: batches of links in which a host is in
one batch at a time, and what came in but is no link.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

import apache_beam as beam

from pipeline.config import Config
from transforms.errors import UserError
from transforms.records import ArticleLink, BadMessage

# scheme of the source's name -> module and class; imported when used, so that a laptop needs no cloud libraries
SOURCES: dict[str, tuple[str, str]] = {
    "pubsub": ("pipeline.sources.pubsub", "ReadSubscription"),
    "ledger": ("pipeline.sources.ledger_stream", "ReadLedger"),
}


class Incoming(NamedTuple):
    """PCollections of batches of ArticleLink, and of BadMessage (None where nothing bad can come)."""

    batches: beam.PCollection[list[ArticleLink]]
    bad: beam.PCollection[BadMessage] | None


def source_of(name: str, config: Config) -> beam.PTransform:
    """Return the PTransform for `pubsub:projects/P/subscriptions/S` or `ledger:URL`.

    Raises UserError for a name that is neither.
    """
    scheme, _, rest = name.partition(":")
    if scheme not in SOURCES or not rest:
        raise UserError(f"unknown source {name!r}: say pubsub:projects/P/subscriptions/S or ledger:URL")
    module, kind = SOURCES[scheme]
    make: Callable[[str, Config], beam.PTransform] = getattr(import_module(module), kind)
    return make(rest, config)

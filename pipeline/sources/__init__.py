"""Sources: where a streaming job reads its links. To add one, write a module here and add a line to SOURCES.

A source is a PTransform at the beginning of a pipeline that returns Incoming: batches of links, with each host in only
one batch at a time, and the messages that could not be read.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from pipeline.config import Config
from transforms.errors import UserError
from transforms.records import ArticleLink, BadMessage

if TYPE_CHECKING:
    # not imported by the poller, which reads addresses (pipeline.sources.addresses) and runs without Beam
    import apache_beam as beam

# scheme of the source's name -> module and class; imported when used, so that local runs need no cloud libraries
SOURCES: dict[str, tuple[str, str]] = {
    "pubsub": ("pipeline.sources.pubsub", "ReadSubscription"),
    "ledger": ("pipeline.sources.ledger_stream", "ReadLedger"),
}


class Incoming(NamedTuple):
    """Batches of links, and the messages that are not links; `bad` is None if the source has no messages."""

    batches: beam.PCollection[list[ArticleLink]]
    bad: beam.PCollection[BadMessage] | None


def source_of(name: str, config: Config) -> beam.PTransform:
    """Return the PTransform for `pubsub:projects/P/subscriptions/S` or `ledger:URL`.

    Raises UserError for a name that is neither.
    """
    scheme, _, rest = name.partition(":")
    if scheme not in SOURCES or not rest:
        raise UserError(f"unknown source {name!r}: use pubsub:projects/P/subscriptions/S or ledger:URL")
    module, kind = SOURCES[scheme]
    make: Callable[[str, Config], beam.PTransform] = getattr(import_module(module), kind)
    return make(rest, config)

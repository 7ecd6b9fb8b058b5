"""Read links from a Pub/Sub subscription, on the runners that can do so from Python: Dataflow and DirectRunner.

    message -> link, or bad message -> key: shard of its host -> batch of at most BATCH, at most BUFFER_S old

DirectRunner acknowledges a message as soon as it reads it and ends at the first DoFn that raises, so no later step may
raise. Dataflow acknowledges a message when its link is in the shuffle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import apache_beam as beam
import structlog
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub
from apache_beam.metrics import Metrics

from pipeline.config import Config
from pipeline.graph.batches import shard_of
from pipeline.logs import configure_worker_logs
from pipeline.messages.coders import WIRE
from pipeline.messages.links import read_link
from pipeline.sources import Incoming
from transforms.errors import MessageInvalid, UserError
from transforms.records import ArticleLink, BadMessage

BATCH = 32
BUFFER_S = 2.0
BAD = "bad"
SUBSCRIPTION = re.compile(r"projects/[^/]+/subscriptions/[^/]+")

log = structlog.get_logger(__name__)


class ReadSubscription(beam.PTransform):  # type: ignore[misc]
    """Read batches of links, each from one shard of hosts; the batches of a shard come one after the other."""

    def __init__(self, subscription: str, config: Config) -> None:
        super().__init__()
        if not SUBSCRIPTION.fullmatch(subscription):
            raise UserError(f"not a subscription: {subscription!r}; use projects/P/subscriptions/S")
        try:
            self.read = ReadFromPubSub(subscription=subscription, with_attributes=True)
        except ValueError as exc:
            # Beam knows what Google's names look like
            raise UserError(f"not a subscription: {subscription!r}: {exc}") from exc

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def expand(self, begin: beam.pvalue.PBegin) -> Incoming:
        messages = begin | "ReadSubscription" >> self.read
        read = messages | "ReadLinks" >> _read_links()
        batches = (
            read["links"]
            | "KeyByShard" >> beam.Map(pack_link).with_output_types(tuple[int, bytes])
            | "Batch" >> beam.GroupIntoBatches(BATCH, max_buffering_duration_secs=BUFFER_S)
            | "Links" >> beam.MapTuple(unpack_links).with_output_types(list[ArticleLink])
        )
        return Incoming(batches, read[BAD])


def _read_links() -> beam.PTransform:
    read = beam.ParDo(_ReadLinks()).with_input_types(PubsubMessage)
    return read.with_output_types(ArticleLink, **{BAD: BadMessage}).with_outputs(BAD, main="links")


@beam.typehints.no_annotations  # type: ignore[untyped-decorator]
def pack_link(link: ArticleLink) -> tuple[int, bytes]:
    """Return the shard of a link's host, and the link as bytes.

    It is encoded here since GroupIntoBatches pickles its state whatever coder is registered: it looks up the coder of
    the PCollection object rather than that of its element type (`GroupIntoBatches.expand`, Beam 2.77:
    https://github.com/apache/beam/blob/v2.77.0/sdks/python/apache_beam/transforms/util.py).
    """
    return shard_of(link), WIRE.encode(link)


@beam.typehints.no_annotations  # type: ignore[untyped-decorator]
def unpack_links(_shard: int, packed: Iterable[bytes]) -> list[ArticleLink]:
    """Return the links of a batch, each once: what was published twice is fetched once."""
    links: list[ArticleLink] = [WIRE.decode(data) for data in packed]
    return list({link.canonical_url: link for link in links}.values())


class _ReadLinks(beam.DoFn):  # type: ignore[misc]
    def __init__(self) -> None:
        self.count_in = Metrics.counter("newsbeam", "messages_in")
        self.count_bad = Metrics.counter("newsbeam", "messages_bad")

    def setup(self) -> None:
        configure_worker_logs()

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def process(self, message: PubsubMessage) -> Iterator[ArticleLink | beam.pvalue.TaggedOutput]:
        self.count_in.inc()
        try:
            link = read_link(message.data)
        except MessageInvalid as error:
            self.count_bad.inc()
            bad = BadMessage(message.data, str(error), datetime.now(UTC), dict(message.attributes or {}))
            log.warning("bad message", key=bad.key, error=bad.error)
            yield beam.pvalue.TaggedOutput(BAD, bad)
            return
        yield link

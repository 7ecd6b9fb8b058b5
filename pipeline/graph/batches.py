"""Links -> batches of links in which a host is in one batch at a time: what pipeline.graph.build.build takes."""

from __future__ import annotations

import zlib
from typing import Any

import apache_beam as beam

from transforms.records import ArticleLink

SHARDS = 256


def shard_of(link: ArticleLink) -> int:
    """Return the shard of a link's host; links of one host are always in the same one.

    Not Beam's WithShardedKey, which would split a host over several workers.
    """
    return zlib.crc32(link.host.encode()) % SHARDS


class BatchByHost(beam.PTransform):  # type: ignore[misc]
    """Group a bounded collection of links into one list for each shard of hosts."""

    def expand(self, links: Any) -> Any:
        return links | beam.WithKeys(shard_of) | beam.GroupByKey() | beam.MapTuple(lambda _, batch: list(batch))

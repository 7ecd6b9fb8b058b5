"""Group links into batches, each host in only one batch at a time, as pipeline.graph.build.build requires."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import apache_beam as beam

import pipeline.messages.coders  # noqa: F401  registers the coder of links
from transforms.records import ArticleLink

SHARDS = 256


def shard_of(link: ArticleLink) -> int:
    """Return the shard of a link's host; links of one host are always in the same one.

    Beam's WithShardedKey would not do: it splits a host over several workers.
    """
    return zlib.crc32(link.host.encode()) % SHARDS


class KeyByShard(beam.PTransform):  # type: ignore[misc]
    """Key every link by the shard of its host."""

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def expand(self, links: beam.PCollection[ArticleLink]) -> beam.PCollection[tuple[int, ArticleLink]]:
        key = beam.Map(key_link).with_input_types(ArticleLink)
        return links | "Key" >> key.with_output_types(tuple[int, ArticleLink])


class BatchByHost(beam.PTransform):  # type: ignore[misc]
    """Group a bounded collection of links into one list for each shard of hosts."""

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def expand(self, links: beam.PCollection[ArticleLink]) -> beam.PCollection[list[ArticleLink]]:
        groups = links | KeyByShard() | beam.GroupByKey()
        return groups | "Links" >> beam.MapTuple(list_links).with_output_types(list[ArticleLink])


@beam.typehints.no_annotations  # type: ignore[untyped-decorator]
def key_link(link: ArticleLink) -> tuple[int, ArticleLink]:
    """Return the shard of a link, and the link."""
    return shard_of(link), link


@beam.typehints.no_annotations  # type: ignore[untyped-decorator]
def list_links(_shard: int, links: Iterable[ArticleLink]) -> list[ArticleLink]:
    """Return the links of a group."""
    return list(links)

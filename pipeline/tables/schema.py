"""All tables, each after those that it references, also by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from pipeline.tables.articles import ARTICLES, IMAGES, REMOVED_BLOCKS, REVISIONS
from pipeline.tables.declare import Table
from pipeline.tables.enrichments import ENRICH_RUNS, ENRICHMENTS
from pipeline.tables.fates import DEAD_LETTERS, URLS
from pipeline.tables.feeds import EVENTS, FEEDS, HOSTS, SIGHTINGS, URL_COUNTS

TABLES: tuple[Table[Any], ...] = (
    FEEDS,
    URLS,
    ARTICLES,
    *(table for enrichment in ENRICHMENTS for table in enrichment.tables),
    IMAGES,
    REMOVED_BLOCKS,
    REVISIONS,
    DEAD_LETTERS,
    EVENTS,
    SIGHTINGS,
    HOSTS,
    URL_COUNTS,
    ENRICH_RUNS,
)
BY_NAME = MappingProxyType({table.name: table for table in TABLES})
OUTPUTS: tuple[Table[Any], ...] = tuple(table for table in TABLES if table.is_output)
PARTS: tuple[Table[Any], ...] = tuple(table for table in OUTPUTS if table.part_of)


def _check() -> None:
    if len(BY_NAME) != len(TABLES):
        raise ValueError("two tables have the same name")
    for enrichment in ENRICHMENTS:
        for table in enrichment.tables:
            if not table.is_output:
                raise ValueError(f"enrichment {enrichment.name}: no job writes {table.name}; give it `rows`")
    before: set[str] = set()
    for table in TABLES:
        wanted = {column.references.partition(".")[0] for column in table.columns if column.references}
        if not wanted <= before:
            raise ValueError(f"table {table.name} references {', '.join(sorted(wanted - before))}: declare that first")
        before.add(table.name)


_check()

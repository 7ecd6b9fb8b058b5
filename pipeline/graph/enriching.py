"""Run enrichments again on an article whose body is known, in a guarded process (transforms.guard)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from pipeline.config import Config
from pipeline.tables.enrichments import ENRICHMENTS, Enrichment
from transforms.errors import UserError
from transforms.records import Article


@dataclass(frozen=True, slots=True)
class Enriched:
    """An article, and the names of the enrichments that ran on it."""

    article: Article
    ran: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnrichAgain:
    """Run the enrichments with these names, and once one of them changes a column of the article, all later ones.

    For example, an article that turns out to be in another language loses the entities of the wrong model.
    """

    config: Config
    names: tuple[str, ...]

    def __call__(self, article: Article) -> Enriched:
        ran = []
        is_changed = False
        for enrichment, work in works_of(self.config):
            if not (is_changed or enrichment.name in self.names):
                continue
            before = _results(article, enrichment)
            # what an earlier run said of its results, such as how many of them are stored
            said = {table.name for table in enrichment.tables}
            sources = {name: source for name, source in article.sources.items() if name not in said}
            article = work(replace(article, sources=sources))
            is_changed = is_changed or _results(article, enrichment) != before
            ran.append(enrichment.name)
        return Enriched(article, tuple(ran))


def check_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of enrichments in their order, all of them for none; raises UserError for an unknown one."""
    known = [enrichment.name for enrichment in ENRICHMENTS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"unknown stage {unknown[0]!r}; the stages are {', '.join(known)}")
    return tuple(name for name in known if name in names or not names)


def _results(article: Article, enrichment: Enrichment) -> list[object]:
    return [getattr(article, name, None) for name in enrichment.columns]


@cache
def works_of(config: Config) -> tuple[tuple[Enrichment, Callable[[Article], Article]], ...]:
    """Return the enrichments, each with its transform for this configuration."""
    return tuple((enrichment, enrichment.make(config)) for enrichment in ENRICHMENTS)

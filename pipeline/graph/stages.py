"""The stages that every link goes through, in order.

batch of ArticleLink -> fetch -> FetchedPage -> read (pipeline.graph.reading) -> Article
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.config import Config
from pipeline.graph.reading import Read
from pipeline.graph.stage import AnyWork
from transforms.fetch.fetcher import FetchPolicy, shared_fetcher
from transforms.records import ArticleLink, FetchedPage
from transforms.results import Ended, Ok


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage of the graph: its name, how its callable is made, and whether that takes whole batches."""

    name: str
    make: Callable[[Config], AnyWork]
    many: bool = False


@dataclass(frozen=True, slots=True)
class FetchBatch:
    """Fetch a batch of links with the fetcher that this process shares for the policy."""

    policy: FetchPolicy
    budget_s: float | None

    def __call__(self, links: Sequence[ArticleLink]) -> Iterator[Ok[FetchedPage] | Ended]:
        return shared_fetcher(self.policy).fetch_articles(links, self.budget_s)


STAGES: tuple[StageSpec, ...] = (
    StageSpec("fetch", lambda config: FetchBatch(config.fetch_policy(), config.batch_budget or None), many=True),
    StageSpec("read", Read.checked),
)

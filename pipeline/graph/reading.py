"""The steps that compute on one page, in a guarded process (transforms.guard): extract, strip, and the enrichments.

    FetchedPage -> extract -> Article -> strip -> Article -> ENRICHMENTS -> Article

A page is handed to that process once and comes back as an article, whatever the number of steps. Enrichments are
declared in pipeline.tables.enrichments, with the tables that they fill.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import structlog

from pipeline.config import Config
from pipeline.graph.turns import FairLock
from pipeline.logs import LogForm, configure_logs, logs_in_use
from pipeline.tables.enrichments import ENRICHMENTS
from transforms.entities.models import model_to_install
from transforms.errors import SlowPages, TooComplex
from transforms.guard import shared_guard
from transforms.guard.patience import Patience
from transforms.records import Article, FetchedPage

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its name in dead letters and rejections, and how its transform is made.

    `make` imports what it needs itself, so that only the guarded process does.
    """

    name: str
    make: Callable[[Config], Callable[[Any], Article]]


def _extract(_: Config) -> Callable[[FetchedPage], Article]:
    from transforms.page.extract import extract

    return extract


def _strip(config: Config) -> Callable[[Article], Article]:
    from transforms.page.boilerplate import strip_boilerplate

    return partial(strip_boilerplate, policy=config.body_policy())


STEPS: tuple[Step, ...] = (
    Step("extract", _extract),
    Step("strip", _strip),
    *(Step(enrichment.name, enrichment.make) for enrichment in ENRICHMENTS),
)


@dataclass(frozen=True, slots=True)
class ReadPage:
    """All steps in this process. The errors that it raises have the name of their step in `step`."""

    config: Config

    def __call__(self, page: FetchedPage) -> Article:
        record: Any = page
        for name, work in _steps_of(self.config):
            try:
                record = work(record)
            except Exception as error:
                error.step = name  # type: ignore[attr-defined]
                raise
        article: Article = record
        return article


@dataclass(frozen=True, slots=True)
class Prepare:
    """Import and load what the transforms of a guarded process need, and log in this form, if any.

    `make` returns them for a configuration, each with what it belongs to; one may have a method `prepare`, which loads
    what it needs.
    """

    make: Callable[[Config], Iterable[tuple[object, Callable[[Any], Article]]]]
    config: Config
    logs: LogForm | None

    def __call__(self) -> None:
        if self.logs is not None:
            configure_logs(*self.logs)
        for _, work in self.make(self.config):
            prepare = getattr(work, "prepare", None)
            if prepare is not None:
                prepare()


@cache
def _steps_of(config: Config) -> tuple[tuple[str, Callable[[Any], Article]], ...]:
    return tuple((step.name, step.make(config)) for step in STEPS)


class ReadGuarded:
    """Read pages in this process's guarded process; thread-safe, one page at a time.

    Raises what the steps raise, TooComplex, WorkCrashed, SlowPages for a page that is put off because slow pages have
    had their share of the time, and UserError if the steps cannot be made with this configuration.
    """

    def __init__(self, config: Config) -> None:
        self._guard = shared_guard(ReadPage(config), Prepare(_steps_of, config, logs_in_use()))
        self._patience = Patience()
        self._turn = FairLock()

    def launch(self) -> None:
        """Start the guarded process in the background, as importing and loading takes it seconds."""
        self._guard.launch()

    def __call__(self, page: FetchedPage) -> Article:
        host, patience = page.link.host, self._patience
        with self._turn:
            grant = patience.grant(host, time.monotonic())
            if not grant.cpu_s:
                raise self._put_off(host)
            try:
                article = self._guard(page, grant.cpu_s, lambda spent: patience.record(host, spent, time.monotonic()))
            except TooComplex:
                patience.strike(host, time.monotonic())
                if grant.is_full:
                    raise
                raise self._put_off(host) from None
        say_what_is_missing(article)
        return article

    def _put_off(self, host: str) -> SlowPages:
        wait = self._patience.wait_s(time.monotonic())
        return SlowPages(f"pages of {host} take long to read; next try in {wait:.0f} s", retry_after=wait)


_said: set[str] = set()


def say_what_is_missing(article: Article) -> None:
    """Log, once per process and language, that an article has no entities for want of a model, and what to install.

    Call it in a process that lasts, and not in the guarded one, which is replaced now and then.
    """
    language = article.language
    if article.entity_model or not language or language in _said:
        return
    _said.add(language)
    name = model_to_install(language)
    if name:
        log.warning(
            "no model for a language: its articles have no entities",
            language=language,
            install=f"python -m spacy download {name}",
            then=f"newsbeam enrich --language {language}",
        )
    else:
        log.warning("spaCy has no model for a language: its articles have no entities", language=language)


@cache
def reader_of(config: Config) -> ReadGuarded:
    """Return this process's reader for a configuration."""
    return ReadGuarded(config)


@dataclass(frozen=True, slots=True)
class Read:
    """The stage of the graph; it pickles, and finds the reader of the process in which it runs."""

    config: Config

    def __call__(self, page: FetchedPage) -> Article:
        return reader_of(reading_config(self.config))(page)

    @classmethod
    def checked(cls, config: Config) -> Read:
        """Return the stage; raises UserError now, and not with the first page, for a configuration that cannot work."""
        config.body_policy()
        for enrichment in ENRICHMENTS:
            enrichment.make(config)
        return cls(config)


def launch_reading(config: Config) -> None:
    """Start in the background what will read pages: a command calls it before it loads what it needs itself."""
    reader_of(reading_config(config)).launch()


def reading_config(config: Config) -> Config:
    """Return the configuration without what jobs set differently, so that one process has one reader."""
    return replace(config, batch_budget=Config().batch_budget)

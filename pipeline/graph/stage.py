"""The one file here that imports Beam: a callable becomes a PTransform with counters and endings.

A callable takes one record and returns the next one, or raises. What it raises decides: an error of transforms.errors
is an expected end of the URL (Rejection or Failure, in the output `endings`); anything else is a bug, caught by Beam's
own `with_exception_handling`, and becomes a Failure with its traceback, so that one bad page never stops the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import random
from typing import Any

import apache_beam as beam
import structlog
from apache_beam.metrics import Metrics

from transforms.errors import NewsbeamError
from transforms.fates import end, end_with_bug
from transforms.records import Article, ArticleLink, Failure, FetchedPage, Rejection

Record = ArticleLink | FetchedPage | Article
Ended = tuple[ArticleLink, NewsbeamError]
WorkOnOne = Callable[[Any], Any]
WorkOnMany = Callable[[Sequence[Any]], Iterable[Any]]

log = structlog.get_logger(__name__)

ENDED, BUGS = "ended", "bugs"


@dataclass(frozen=True, slots=True)
class Staged:
    """What a stage gives: the records that go on, and the endings of those that do not."""

    good: Any
    endings: tuple[Any, ...]


def link_of_record(record: Record) -> ArticleLink:
    """Return the link that a record came from."""
    return record if isinstance(record, ArticleLink) else record.link


class Stage(beam.PTransform):  # type: ignore[misc]
    """Apply `work` to every record; with `many`, to every batch of records.

    A `many` callable takes a sequence and gives, in any order, a record or a pair (link, error) for each of its
    records. Counters `<name>_in`, `<name>_out`, `<name>_ended` and `<name>_bugs` are in the namespace "newsbeam", and
    so are distributions of what a record says of itself: `fetch_ms` and `fetch_bytes`.
    """

    def __init__(self, name: str, work: WorkOnOne | WorkOnMany, many: bool = False) -> None:
        super().__init__(name.capitalize())
        self.name, self.work, self.many = name, work, many

    def expand(self, records: Any) -> Staged:
        fn = _WorkOnMany(self.name, self.work) if self.many else _WorkOnOne(self.name, self.work)
        # partial: what a batch gave before a bug has gone on already and stays
        work = beam.ParDo(fn).with_output_types(Any, **{ENDED: Any})
        outputs = records | work.with_exception_handling(
            main_tag="good", dead_letter_tag=BUGS, partial=True
        ).with_outputs(ENDED, main="good")
        bugs = outputs[BUGS] | "Bury" >> beam.ParDo(_BuryBug(self.name))
        return Staged(outputs["good"], (outputs[ENDED], bugs))


def measure(record: Record) -> Iterator[tuple[str, int]]:
    """Give the figures of a record that has just been made: milliseconds, bytes."""
    if isinstance(record, FetchedPage):
        yield "fetch_ms", record.elapsed_ms
        yield "fetch_bytes", len(record.body)


class _Counted(beam.DoFn):  # type: ignore[misc]
    def __init__(self, name: str, work: Any) -> None:
        self.name, self.work = name, work
        self.count_in = Metrics.counter("newsbeam", f"{name}_in")
        self.count_out = Metrics.counter("newsbeam", f"{name}_out")
        self.count_ended = Metrics.counter("newsbeam", f"{name}_ended")
        self.figures = {name: Metrics.distribution("newsbeam", name) for name in ("fetch_ms", "fetch_bytes")}

    def went_on(self, record: Record) -> Record:
        self.count_out.inc()
        for name, value in measure(record):
            self.figures[name].update(value)
        return record

    def ended(self, link: ArticleLink, error: NewsbeamError) -> Any:
        self.count_ended.inc()
        return beam.pvalue.TaggedOutput(ENDED, end(link, error, self.name, datetime.now(UTC), random()))


class _WorkOnOne(_Counted):
    def process(self, record: Record) -> Iterator[Any]:
        self.count_in.inc()
        try:
            result = self.work(record)
        except NewsbeamError as error:
            yield self.ended(link_of_record(record), error)
            return
        yield self.went_on(result)


class _WorkOnMany(_Counted):
    def process(self, records: Sequence[Record]) -> Iterator[Any]:
        self.count_in.inc(len(records))
        for result in self.work(records):
            if isinstance(result, tuple):
                yield self.ended(*result)
            else:
                yield self.went_on(result)


class _BuryBug(beam.DoFn):  # type: ignore[misc]
    """Turn Beam's dead letter (record or batch, (class, repr, traceback lines)) into Failures."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = Metrics.counter("newsbeam", f"{name}_bugs")

    def process(self, letter: tuple[Any, tuple[type, str, list[str]]]) -> Iterator[Failure | Rejection]:
        given, (error_class, message, lines) = letter
        records = [given] if isinstance(given, Record) else given
        for record in records:
            self.count.inc()
            log.error("bug", stage=self.name, url=link_of_record(record).url, error=message, traceback="".join(lines))
            yield end_with_bug(
                link_of_record(record),
                error_class.__name__,
                message,
                "".join(lines),
                self.name,
                datetime.now(UTC),
                random(),
            )

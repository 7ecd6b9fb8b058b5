"""Turn a callable into a PTransform with types, counters and endings.

A callable either takes one record and returns the next one or raises, or it takes a batch of records and yields Ok or
Ended for each. An error of transforms.errors is an expected ending of the URL (Rejection or Failure). Any other
exception is a bug: it becomes a Failure with its traceback, so that one bad page never stops the others.
"""

from __future__ import annotations

import traceback
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from random import random
from types import UnionType
from typing import Any, Generic, TypeVar, cast

import apache_beam as beam
import structlog
from apache_beam.metrics import Metrics

import pipeline.messages.coders  # noqa: F401  registers the coder of records
from transforms.errors import NewsbeamError, WorkBug
from transforms.fates import end, end_with_bug
from transforms.records import Article, ArticleLink, Failure, FetchedPage, Rejection
from transforms.results import Ended, Ok

Record = ArticleLink | FetchedPage | Article
Ending = Rejection | Failure
Given = TypeVar("Given", ArticleLink, FetchedPage, Article)
Made = TypeVar("Made", ArticleLink, FetchedPage, Article)
WorkOnOne = Callable[[Given], Made]
WorkOnMany = Callable[[Sequence[Given]], Iterable[Ok[Made] | Ended]]
AnyWork = WorkOnOne[Any, Any] | WorkOnMany[Any, Any]

log = structlog.get_logger(__name__)

GOOD, ENDED = "good", "ended"


@dataclass(frozen=True, slots=True)
class Staged(Generic[Made]):
    """The outputs of a stage: the records that go on, and the endings of those that do not."""

    good: beam.PCollection[Made]
    endings: beam.PCollection[Ending]


class Stage(beam.PTransform):  # type: ignore[misc]
    """Apply `work` to every record; with `many`, to every batch of records.

    The types of the input and output elements are read from the annotations of `work`; Beam refuses a graph whose
    stages do not fit together. Raises TypeError for a callable without annotations.

    Counters `<name>_in`, `<name>_out`, `<name>_ended` and `<name>_bugs` are in the namespace "newsbeam", and so are the
    distributions `fetch_ms` and `fetch_bytes`.
    """

    def __init__(self, name: str, work: AnyWork, many: bool = False) -> None:
        super().__init__(name.capitalize())
        self.takes, self.gives = read_types(work, many)
        if many:
            self.fn: beam.DoFn = _WorkOnMany(name, cast(WorkOnMany[Any, Any], work))
        else:
            self.fn = _WorkOnOne(name, cast(WorkOnOne[Any, Any], work))

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def expand(self, records: beam.PCollection[Any]) -> Staged[Any]:
        work = beam.ParDo(self.fn).with_input_types(self.takes).with_output_types(self.gives, **{ENDED: Ending})
        outputs = records | work.with_outputs(ENDED, main=GOOD)
        return Staged(outputs[GOOD], outputs[ENDED])


def read_types(work: AnyWork, many: bool) -> tuple[Any, Any]:
    """Return the types of the elements that a stage's callable takes and gives, from its annotations.

    `extract(page: FetchedPage) -> Article` takes FetchedPage and gives Article. With `many`, a callable
    `(links: Sequence[ArticleLink]) -> Iterator[Ok[FetchedPage] | Ended]` takes list[ArticleLink] and gives FetchedPage.
    Raises TypeError for a callable that is not annotated like that.
    """
    plain: Any = work.func if isinstance(work, partial) else work
    function = plain if hasattr(plain, "__code__") else type(plain).__call__
    hints = typing.get_type_hints(function)
    gives = hints.pop("return", None)
    takes = next(iter(hints.values()), None)
    if takes is None or gives is None:
        raise TypeError(f"{plain!r}: annotate its parameter and return type, so that Beam can check the graph")
    if not many:
        return takes, gives
    oks = [part for result in typing.get_args(gives)[:1] for part in _members(result) if typing.get_origin(part) is Ok]
    if len(oks) != 1 or not typing.get_args(takes):
        raise TypeError(f"{plain!r}: annotate it as (Sequence[X]) -> Iterator[Ok[Y] | Ended]")
    return list[typing.get_args(takes)[0]], typing.get_args(oks[0])[0]  # type: ignore[misc]


def _members(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (UnionType, typing.Union) else (hint,)


def link_of_record(record: Record) -> ArticleLink:
    """Return the link that a record came from."""
    return record if isinstance(record, ArticleLink) else record.link


def measure(record: Record) -> Iterator[tuple[str, int]]:
    """Yield the name and value of each metric of a new record: milliseconds, bytes."""
    if isinstance(record, FetchedPage):
        yield "fetch_ms", record.elapsed_ms
        yield "fetch_bytes", len(record.body)


class _Work(beam.DoFn):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        self.name = name
        self.count_in = Metrics.counter("newsbeam", f"{name}_in")
        self.count_out = Metrics.counter("newsbeam", f"{name}_out")
        self.count_ended = Metrics.counter("newsbeam", f"{name}_ended")
        self.count_bugs = Metrics.counter("newsbeam", f"{name}_bugs")
        self.figures = {name: Metrics.distribution("newsbeam", name) for name in ("fetch_ms", "fetch_bytes")}

    def go_on(self, record: Record) -> Record:
        self.count_out.inc()
        for name, value in measure(record):
            self.figures[name].update(value)
        return record

    def end(self, link: ArticleLink, error: NewsbeamError) -> beam.pvalue.TaggedOutput:
        self.count_ended.inc()
        stage = error.step or self.name
        return beam.pvalue.TaggedOutput(ENDED, end(link, error, stage, datetime.now(UTC), random()))

    def bury(self, link: ArticleLink, bug: Exception) -> beam.pvalue.TaggedOutput:
        self.count_bugs.inc()
        if not isinstance(bug, WorkBug):
            bug = WorkBug(type(bug).__name__, repr(bug), "".join(traceback.format_exception(bug)))
        stage = bug.step or self.name
        log.error("bug", stage=stage, url=link.url, error=bug.text, traceback=bug.trace)
        ending = end_with_bug(link, bug.name, bug.text, bug.trace, stage, datetime.now(UTC), random())
        return beam.pvalue.TaggedOutput(ENDED, ending)


class _WorkOnOne(_Work):
    """Work on one record at a time in this process, whether or not the runner fuses the stages."""

    def __init__(self, name: str, work: WorkOnOne[Any, Any]) -> None:
        super().__init__(name)
        self.work = work

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def process(self, record: Record) -> Iterator[Record | beam.pvalue.TaggedOutput]:
        self.count_in.inc()
        try:
            result: Record = self.work(record)
        except NewsbeamError as error:
            yield self.end(link_of_record(record), error)
        except Exception as bug:  # noqa: BLE001  logged and kept by `bury`
            yield self.bury(link_of_record(record), bug)
        else:
            yield self.go_on(result)


class _WorkOnMany(_Work):
    """Work on a batch. If a bug interrupts it, what it has yielded stands, and its remaining links end with the bug."""

    def __init__(self, name: str, work: WorkOnMany[Any, Any]) -> None:
        super().__init__(name)
        self.work = work

    @beam.typehints.no_annotations  # type: ignore[untyped-decorator]
    def process(self, records: Sequence[Record]) -> Iterator[Record | beam.pvalue.TaggedOutput]:
        self.count_in.inc(len(records))
        left = {link_of_record(record): None for record in records}
        try:
            for result in self.work(records):
                if isinstance(result, Ended):
                    left.pop(result.link, None)
                    yield self.end(result.link, result.error)
                else:
                    left.pop(link_of_record(result.record), None)
                    yield self.go_on(result.record)
        except Exception as bug:  # noqa: BLE001  logged and kept by `bury`
            for link in left:
                yield self.bury(link, bug)

"""The graph's stage: records go on, expected errors are endings, bugs are buried with their traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that

from pipeline.graph.stage import Stage
from pipeline.jobs.microbatch import bounded_options, counters
from transforms.errors import HttpRejected, HttpUnavailable, NewsbeamError
from transforms.records import ArticleLink, Failure, FeedEntry, Rejection
from transforms.urls import link_of

LINKS = [link_of(FeedEntry(f"https://a.example/{n}"), "", datetime(2026, 3, 1, tzinfo=UTC)) for n in range(4)]


def work_on_one(link: ArticleLink) -> ArticleLink:
    match link.url[-1]:
        case "1":
            raise HttpRejected(404, link.url)
        case "2":
            raise HttpUnavailable(503, link.url)
        case "3":
            raise KeyError("a bug")
    return link


def work_on_many(links: Sequence[ArticleLink]) -> Iterator[ArticleLink | tuple[ArticleLink, NewsbeamError]]:
    for link in links:
        try:
            yield work_on_one(link)
        except NewsbeamError as error:
            yield link, error


def look(kinds: dict[str, set[str]]) -> Any:
    def check(found: list[Any]) -> None:
        seen = {type(record).__name__: set() for record in found} | {}
        for record in found:
            link = record if isinstance(record, ArticleLink) else record.link
            seen[type(record).__name__].add(link.url[-1])
        assert seen == kinds, seen

    return check


@pytest.mark.parametrize("many", [False, True])
def test_every_record_has_one_end(many: bool) -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    # a bug in a batch ends the batch, so it stands last; what was done before it goes on
    given = beam.Create([LINKS[:3], LINKS[3:]] if many else LINKS)
    staged = pipeline | given | Stage("work", work_on_many if many else work_on_one, many)
    ended, bugs = staged.endings
    assert_that(staged.good, look({"ArticleLink": {"0"}}), label="good")
    assert_that(ended, look({"Rejection": {"1"}, "Failure": {"2"}}), label="ended")
    assert_that(bugs, look({"Failure": {"3"}}), label="bugs")
    result = pipeline.run()
    result.wait_until_finish()
    assert counters(result) == {"work_in": 4, "work_out": 1, "work_ended": 2, "work_bugs": 1}


def test_a_buried_bug_says_where() -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    staged = pipeline | beam.Create(LINKS[3:]) | Stage("work", work_on_one)

    def check(found: list[Failure | Rejection]) -> None:
        [failure] = found
        assert isinstance(failure, Failure)
        assert (failure.reason, failure.error_class, failure.stage) == ("bug", "KeyError", "work")
        assert "work_on_one" in failure.traceback and "a bug" in failure.message

    assert_that(staged.endings[1], check)
    pipeline.run().wait_until_finish()

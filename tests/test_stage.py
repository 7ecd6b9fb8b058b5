"""The graph's stage: records pass on, expected errors become fates, and bugs become dead letters with a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from apache_beam.typehints import typehints
from apache_beam.typehints.decorators import TypeCheckError

from pipeline.config import Config
from pipeline.graph.build import Outcomes, build
from pipeline.graph.stage import Stage
from pipeline.jobs.microbatch import bounded_options, counters
from pipeline.sinks import sink_of
from transforms.errors import HttpRejected, HttpUnavailable, NewsbeamError
from transforms.records import Article, ArticleLink, Failure, FeedEntry, Rejection
from transforms.results import Ended, Ok
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


def work_on_many(links: Sequence[ArticleLink]) -> Iterator[Ok[ArticleLink] | Ended]:
    for link in links:
        try:
            yield Ok(work_on_one(link))
        except NewsbeamError as error:
            yield Ended(link, error)


def look(kinds: dict[str, set[str]]) -> Any:
    def check(found: list[Any]) -> None:
        seen = {type(record).__name__: set() for record in found} | {}
        for record in found:
            link = record if isinstance(record, ArticleLink) else record.link
            seen[type(record).__name__].add(link.url[-1])
        assert seen == kinds, seen

    return check


@pytest.mark.parametrize("many", [False, True])
def test_every_record_has_one_outcome(many: bool) -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    given = beam.Create([LINKS] if many else LINKS)
    staged = pipeline | given | Stage("work", work_on_many if many else work_on_one, many)
    assert_that(staged.good, look({"ArticleLink": {"0"}}), label="good")
    assert_that(staged.endings, look({"Rejection": {"1"}, "Failure": {"2", "3"}}), label="endings")
    result = pipeline.run()
    result.wait_until_finish()
    assert counters(result) == {"work_in": 4, "work_out": 1, "work_ended": 2, "work_bugs": 1}


def test_a_bug_is_recorded_with_its_traceback() -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    staged = pipeline | beam.Create(LINKS[3:]) | Stage("work", work_on_one)

    def check(found: list[Failure | Rejection]) -> None:
        [failure] = found
        assert isinstance(failure, Failure)
        assert (failure.reason, failure.error_class, failure.stage) == ("bug", "KeyError", "work")
        assert "work_on_one" in failure.traceback and "a bug" in failure.message

    assert_that(staged.endings, check)
    pipeline.run().wait_until_finish()


def test_a_bug_in_a_batch_ends_only_the_unfinished_links() -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    # "0" and "1" are done before the bug in "3"; "2" comes after it
    staged = pipeline | beam.Create([[LINKS[0], LINKS[1], LINKS[3], LINKS[2]]]) | Stage("work", work_on_many, many=True)
    assert_that(staged.good, look({"ArticleLink": {"0"}}), label="good")
    assert_that(staged.endings, look({"Rejection": {"1"}, "Failure": {"2", "3"}}), label="endings")
    pipeline.run().wait_until_finish()


def count_words(article: Article) -> Article:
    return article


def test_a_stage_of_the_wrong_type_is_refused_when_the_graph_is_built() -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    staged = pipeline | beam.Create(LINKS) | Stage("work", work_on_one)
    with pytest.raises(TypeCheckError, match=r"requires .*Article'>' but was applied to .*ArticleLink"):
        _ = staged.good | Stage("words", count_words)


def test_the_whole_graph_is_typed() -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    batches = pipeline | beam.Create([LINKS]) | beam.Map(list).with_output_types(list[ArticleLink])
    outcomes = build(batches, Config())
    assert outcomes.articles.element_type is Article
    assert outcomes.endings.element_type == typehints.Union[Rejection, Failure]


def test_a_callable_without_annotations_is_refused() -> None:
    with pytest.raises(TypeError, match="annotate its parameter and return type"):
        Stage("work", lambda record: record)
    with pytest.raises(TypeError, match=r"annotate it as \(Sequence\[X\]\) -> Iterator\[Ok\[Y\] \| Ended\]"):
        Stage("work", work_on_one, many=True)


@pytest.mark.parametrize("sink", ["sqlite:///x.db", "bigquery:proj-one.news"])
def test_a_sink_accepts_only_outcomes(sink: str) -> None:
    if sink.startswith("bigquery"):
        pytest.importorskip("google.cloud.bigquery", reason="pip install 'newsbeam[cloud]'")
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=bounded_options())
    links, endings = pipeline | "Links" >> beam.Create(LINKS), pipeline | "Endings" >> beam.Create([""])
    with pytest.raises(TypeCheckError, match=r"requires PCollections of type"):
        _ = Outcomes(links, endings) | sink_of(sink, Config(bigquery_method="STREAMING_INSERTS"))

"""The fetcher against the news web: every fault of its sites, its robots.txt, its feeds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from newsworld import Newsworld
from newsworld.bad_pages import RETRY_AFTER_S

from transforms.errors import HttpUnavailable, NewsbeamError, PrivateAddress
from transforms.fetch.fetcher import FeedAnswer, FeedRequest, Fetcher, FetchPolicy
from transforms.records import ArticleLink, FeedEntry, FetchedPage
from transforms.results import Ok
from transforms.urls import link_of

FLAKY = ("/once", "/error-once", "/date")
POLICY = FetchPolicy(host_delay_s=0, allow_private_addresses=True, timeout_s=3)
Outcomes = dict[str, FetchedPage | NewsbeamError]


def links_of(urls: list[str]) -> list[ArticleLink]:
    return [link_of(FeedEntry(url), "", datetime.now(UTC)) for url in urls]


def fetch_all(fetcher: Fetcher, urls: list[str]) -> Outcomes:
    found: Outcomes = {}
    for outcome in fetcher.fetch_articles(links_of(urls)):
        if isinstance(outcome, Ok):
            found[outcome.record.link.url] = outcome.record
        else:
            found[outcome.link.url] = outcome.error
    return found


@pytest.fixture(scope="module")
def world() -> Iterator[Newsworld]:
    with Newsworld(pages=12) as world:
        yield world


@pytest.fixture(scope="module")
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(POLICY) as fetcher:
        yield fetcher


@pytest.fixture(scope="module")
def truth(world: Newsworld) -> list[dict[str, Any]]:
    return world.truth()


@pytest.fixture(scope="module")
def outcomes(world: Newsworld, fetcher: Fetcher, truth: list[dict[str, Any]]) -> Outcomes:
    """One fetch of everything that the feeds name."""
    return fetch_all(fetcher, [row["url"] for row in truth])


def path_of(url: str) -> str:
    """Return the path of an address, which may be one that the standard library cannot parse."""
    return "/" + url.split("://")[-1].partition("/")[2].partition("?")[0]


def named(outcomes: Outcomes, path: str) -> FetchedPage | NewsbeamError:
    return next(outcome for url, outcome in outcomes.items() if path_of(url) == path)


def test_each_fault_ends_in_its_error(outcomes: Outcomes, truth: list[dict[str, Any]]) -> None:
    """Only pages that extraction has to judge are returned although they are not articles."""
    judged_later = ("no text", "soft 404", "section front", "consent wall")
    faulty = {row["url"]: row["reason"] for row in truth if row["reason"] and row["reason"] not in judged_later}
    assert len(faulty) > 30 and len(set(faulty.values())) > 15
    found = {url: getattr(outcomes[url], "reason", "a page") for url in faulty}
    assert found == faulty


@pytest.mark.parametrize(
    ("path", "reason"), [("/once", "http 503"), ("/error-once", "http 500"), ("/date", "http 429")]
)
def test_temporary_failures_can_be_retried(outcomes: Outcomes, path: str, reason: str) -> None:
    error = named(outcomes, path)
    assert isinstance(error, HttpUnavailable)
    assert error.reason == reason and error.retryable


def test_everything_else_is_a_page(outcomes: Outcomes, truth: list[dict[str, Any]]) -> None:
    rest = [row["url"] for row in truth if not row["reason"] and path_of(row["url"]) not in FLAKY]
    assert len(rest) > 30
    assert [(url, outcomes[url]) for url in rest if not isinstance(outcomes[url], FetchedPage)] == []


def test_an_empty_answer_is_passed_on(outcomes: Outcomes) -> None:
    page = named(outcomes, "/empty")
    assert isinstance(page, FetchedPage)
    assert page.body == b""


def test_a_redirected_page_has_its_final_address(outcomes: Outcomes) -> None:
    page, away = named(outcomes, "/hop0"), named(outcomes, "/away")
    assert isinstance(page, FetchedPage) and isinstance(away, FetchedPage)
    assert page.link.url.endswith("/hop0") and page.url.endswith("/hop3")
    assert away.link.url.endswith("/away") and away.url.endswith("/final")
    assert urlsplit(away.url).hostname != urlsplit(away.link.url).hostname
    assert b"sends its first picture home" in page.body


def test_bytes_come_unchanged_and_with_their_label(outcomes: Outcomes) -> None:
    page = named(outcomes, "/latin1")
    assert isinstance(page, FetchedPage)
    assert page.content_type == "text/html"
    assert "Álvaro Quesada".encode("latin-1") in page.body
    assert page.fetched_at.tzinfo is UTC


def test_retry_after_is_read_in_both_forms(outcomes: Outcomes) -> None:
    once, dated = named(outcomes, "/once"), named(outcomes, "/date")
    assert isinstance(once, HttpUnavailable) and isinstance(dated, HttpUnavailable)
    assert once.retry_after == RETRY_AFTER_S
    # the date has whole seconds
    assert dated.retry_after is not None
    assert RETRY_AFTER_S - 1.5 < dated.retry_after <= RETRY_AFTER_S


def test_flaky_pages_succeed_on_a_retry(world: Newsworld, outcomes: Outcomes) -> None:
    base = world.site("flaky.example")["base"]
    flaky = [f"{base}/once", f"{base}/error-once", f"{base}/twice"]
    with Fetcher(POLICY) as fetcher:
        first, second, third = (fetch_all(fetcher, flaky) for _ in range(3))
    # the first two failed before, in `outcomes`
    assert [type(first[url]) for url in flaky] == [FetchedPage, FetchedPage, HttpUnavailable]
    assert [type(second[url]) for url in flaky] == [FetchedPage, FetchedPage, HttpUnavailable]
    assert [type(third[url]) for url in flaky] == [FetchedPage, FetchedPage, FetchedPage]


def test_robots_txt_and_concurrency_limits_are_respected(world: Newsworld, outcomes: Outcomes) -> None:
    for site in world.stats():
        assert site["robots_breaches"] == 0
        assert site["most_active"] <= POLICY.host_concurrency


def test_an_answer_that_is_not_http_is_not_retried_at_once(world: Newsworld, outcomes: Outcomes) -> None:
    assert world.site("broken.example")["pages"] == {"/noise": 1, "/cut": 1}


def test_a_crawl_delay_applies_even_without_a_host_delay(
    world: Newsworld, outcomes: Outcomes, fetcher: Fetcher
) -> None:
    site = world.site("robots.example")
    # between robots.txt and the pages that it allows; a busy machine may read the first request late
    assert site["shortest_gap"] >= 1.9
    assert fetcher.delay_of(urlsplit(site["base"]).hostname or "") == 2.0


def test_private_addresses_are_not_dialled_without_permission(world: Newsworld) -> None:
    before = {site["host"]: site["requests"] for site in world.stats()}
    with Fetcher(FetchPolicy(host_delay_s=0)) as fetcher:
        found = fetch_all(fetcher, [row["url"] for row in world.truth() if row["url"].startswith("http://1")])
        feeds = list(fetcher.fetch_feeds([FeedRequest(url) for url in world.feeds()]))
    assert {type(error) for error in found.values()} == {PrivateAddress}
    assert {type(feed.error) for feed in feeds} == {PrivateAddress}
    assert {site["host"]: site["requests"] for site in world.stats()} == before


def feeds_by_path(answers: list[FeedAnswer]) -> dict[str, FeedAnswer]:
    return {urlsplit(answer.request.url).path: answer for answer in answers}


def test_feeds_come_with_everything_that_polling_needs(world: Newsworld, fetcher: Fetcher) -> None:
    answers = list(fetcher.fetch_feeds([FeedRequest(url) for url in world.feeds()]))
    assert len(answers) == len(world.feeds())
    feeds = feeds_by_path(answers)
    assert feeds["/gone.xml"].status == 410
    assert feeds["/gone.xml"].error is not None
    assert feeds["/slow.xml"].error is not None
    assert feeds["/slow.xml"].error.reason == "timeout"
    assert feeds["/slow.xml"].status == 0
    assert feeds["/round.xml"].error is not None
    assert feeds["/round.xml"].error.reason == "redirect loop"
    moved, lent = feeds["/moved.xml"], feeds["/lent.xml"]
    assert moved.error is None and lent.error is None
    assert moved.moved_to == moved.final_url == moved.request.url.replace("moved.xml", "new-moved.xml")
    assert (lent.moved_to, lent.final_url) == ("", lent.request.url.replace("lent.xml", "new-lent.xml"))
    assert b"/moved-story" in moved.body
    for name in ("page", "cut", "laughs", "foreign", "empty"):
        assert feeds[f"/{name}.xml"].error is None

    known = [
        FeedRequest(answer.request.url, answer.headers["etag"], answer.headers.get("last-modified", ""))
        for answer in answers
        if "etag" in answer.headers
    ]
    # the one without a date is the feed whose ETag never changes
    assert len(known) > 20 and sum(not request.last_modified for request in known) == 1
    for again in fetcher.fetch_feeds(known):
        assert (again.status, again.body, again.error) == (304, b"", None)
        assert bool(again.moved_to) == again.request.url.endswith("/moved.xml")


def test_a_date_alone_makes_a_request_conditional(world: Newsworld, fetcher: Fetcher) -> None:
    url = next(url for url in world.feeds() if url.endswith("/index.rdf"))
    (first,) = fetcher.fetch_feeds([FeedRequest(url)])
    (again,) = fetcher.fetch_feeds([FeedRequest(url, last_modified=first.headers["last-modified"])])
    assert (first.status, again.status) == (200, 304)


def test_fetching_a_page_takes_little_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    patient = FetchPolicy(host_delay_s=0, allow_private_addresses=True)
    with Newsworld(pages=240, faults=False) as world, Fetcher(patient) as fetcher:
        urls = [row["url"] for row in world.truth()]
        started = time.process_time()
        found = fetch_all(fetcher, urls)
        spent = (time.process_time() - started) * 1000 / len(urls)
    assert all(isinstance(outcome, FetchedPage) for outcome in found.values())
    with capsys.disabled():
        print(f"\nfetching {len(urls)} pages took {spent:.1f} ms of CPU a page")
    # the target is 5; load on the machine must not fail the test
    assert spent < 15

"""The fate of a URL after an error."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from transforms.errors import HostBusy, HttpUnavailable, RobotsDisallowed
from transforms.fates import LONGEST_TRACEBACK, end, end_with_bug
from transforms.records import ArticleLink, Failure, FeedEntry, Rejection, from_json
from transforms.urls import link_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINK = replace(link_of(FeedEntry("https://a.example/1"), "https://a.example/feed", NOW), tries=2)


def test_a_final_error_is_a_rejection() -> None:
    assert end(LINK, RobotsDisallowed("no"), "fetch", NOW, 0.5) == Rejection(LINK, "robots", "fetch", "no", NOW)


def test_a_temporary_error_is_a_failure_that_is_due_again() -> None:
    failure = end(LINK, HttpUnavailable(503, LINK.url, retry_after=3600), "fetch", NOW, 0.5)
    assert isinstance(failure, Failure)
    assert (failure.reason, failure.tries, failure.error_class) == ("http 503", 3, "HttpUnavailable")
    assert failure.due_at == NOW + timedelta(hours=1)
    assert from_json(failure.payload, ArticleLink) == LINK, "the dead letter can be processed again"


def test_the_tenth_failure_is_the_last() -> None:
    failure = end(replace(LINK, tries=9), HttpUnavailable(503), "fetch", NOW, 0.5)
    assert isinstance(failure, Failure) and failure.due_at is None and failure.tries == 10


def test_a_busy_host_does_not_count_as_a_try() -> None:
    failure = end(LINK, HostBusy("later", retry_after=30), "fetch", NOW, 0.5)
    assert isinstance(failure, Failure)
    assert (failure.tries, failure.due_at) == (2, NOW + timedelta(seconds=30))


def test_a_bug_keeps_the_end_of_its_traceback() -> None:
    failure = end_with_bug(LINK, "KeyError", "KeyError('x')", "a" * 20_000 + "here", "extract", NOW, 0.5)
    assert failure.reason == "bug" and failure.traceback.endswith("here")
    assert len(failure.traceback) == LONGEST_TRACEBACK and failure.due_at is not None

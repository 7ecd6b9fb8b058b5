from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from transforms.errors import (
    ConnectFailed,
    DnsFailed,
    FeedUnreadable,
    FetchTimeout,
    HostBusy,
    HttpRejected,
    HttpUnavailable,
    NewsbeamError,
    PrivateAddress,
    RedirectLoop,
    TlsFailed,
)
from transforms.feeds.schedule import (
    AnswerFacts,
    after_failure,
    after_not_modified,
    after_success,
    parse_freshness,
    read_facts,
)
from transforms.records import FeedEntry, FeedState, ParsedFeed

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
URL = "http://news.example/feed"
FRESH = FeedState(url=URL, fetch_url=URL, host="news.example", next_poll_at=NOW)
# polled an hour ago, with three successes in a row
STEADY = replace(
    FRESH,
    polls=3,
    successes=3,
    body_hash="one",
    etag='"1"',
    last_modified="Sun, 01 Mar 2026 09:00:00 GMT",
    polled_at=NOW - timedelta(hours=1),
    new_entry_at=NOW - timedelta(hours=2),
)
FACTS = AnswerFacts(etag='"2"', last_modified="Sun, 01 Mar 2026 11:00:00 GMT", body_hash="two")
FEED = ParsedFeed(kind="rss", title="News", language="en")


def at(**ago: float) -> datetime:
    return NOW - timedelta(**ago)


def wait_of(state: FeedState) -> float:
    assert state.next_poll_at is not None
    return (state.next_poll_at - NOW).total_seconds()


def kinds(events: tuple[object, ...]) -> list[str]:
    return [getattr(event, "kind", "") for event in events]


@pytest.mark.parametrize(
    ("interval", "known", "total", "after"),
    [
        (1 * HOUR, 10, 10, 70 * MINUTE),
        (1 * HOUR, 2, 3, 70 * MINUTE),
        (1 * HOUR, 6, 10, 60 * MINUTE),
        (1 * HOUR, 1, 3, 60 * MINUTE),
        (3 * HOUR, 3, 10, 2 * HOUR),
        (1 * HOUR, 3, 10, 10 * MINUTE),
        (6 * HOUR, 1, 10, 5 * HOUR),
        (6 * HOUR + 1, 1, 10, 6 * HOUR),
        (24 * HOUR, 1, 10, 6 * HOUR),
        (10 * MINUTE, 1, 10, 10 * MINUTE),
        (24 * HOUR, 10, 10, 24 * HOUR),
        (1 * HOUR, 0, 0, 70 * MINUTE),
    ],
)
def test_interval_follows_the_overlap(interval: float, known: int, total: int, after: float) -> None:
    state, _ = after_success(replace(STEADY, interval_s=interval), FACTS, FEED, known, total, NOW)
    assert state.interval_s == after
    assert wait_of(state) == after


def test_a_month_without_news_lengthens_by_an_hour() -> None:
    old = replace(STEADY, new_entry_at=at(days=31, seconds=1))
    assert after_success(old, FACTS, FEED, 10, 10, NOW)[0].interval_s == 2 * HOUR
    assert after_not_modified(old, AnswerFacts(), NOW)[0].interval_s == 2 * HOUR
    assert after_success(replace(old, new_entry_at=at(days=31)), FACTS, FEED, 10, 10, NOW)[0].interval_s == 70 * MINUTE
    assert after_success(old, FACTS, FEED, 9, 10, NOW)[0].interval_s == 70 * MINUTE


@pytest.mark.parametrize(
    ("planned", "known", "after"),
    [
        (at(minutes=-7), 10, 60 * MINUTE),  # early: never longer
        (at(minutes=-5), 10, 70 * MINUTE),
        (at(minutes=-7), 1, 10 * MINUTE),
        (at(minutes=7), 1, 60 * MINUTE),  # late: never shorter
        (at(minutes=5), 1, 10 * MINUTE),
        (at(minutes=7), 10, 70 * MINUTE),
    ],
)
def test_only_a_poll_on_time_is_representative(planned: datetime, known: int, after: float) -> None:
    state, _ = after_success(replace(STEADY, next_poll_at=planned), FACTS, FEED, known, 10, NOW)
    assert state.interval_s == after


@pytest.mark.parametrize("known", [1, 10])
def test_nothing_changes_on_the_first_success_after_a_failure(known: int) -> None:
    state, _ = after_success(replace(STEADY, successes=0, failures=2.0), FACTS, FEED, known, 10, NOW)
    assert (state.interval_s, state.successes, state.failures) == (HOUR, 1, 0.0)


def test_the_second_success_in_a_row_changes_the_interval() -> None:
    assert after_success(replace(STEADY, successes=1), FACTS, FEED, 10, 10, NOW)[0].interval_s == 70 * MINUTE


def entries_every(minutes: float, count: int = 10) -> tuple[FeedEntry, ...]:
    return tuple(FeedEntry(url=f"{URL}/{n}", published_at=at(minutes=n * minutes)) for n in range(count))


@pytest.mark.parametrize(
    ("entries", "interval"),
    [
        (entries_every(5), 25 * MINUTE),
        (entries_every(1), 10 * MINUTE),
        (entries_every(600), 60 * MINUTE),
        (entries_every(5, 3), 60 * MINUTE),
        (entries_every(10, 4), 20 * MINUTE),
        ((FeedEntry(url=URL),) * 10, 60 * MINUTE),
        # a pinned story from last year and one dated tomorrow have no effect
        ((*entries_every(5), FeedEntry(url=URL, published_at=at(days=400))), 30 * MINUTE),
        ((*entries_every(5), FeedEntry(url=URL, published_at=at(days=-1))), 25 * MINUTE),
    ],
)
def test_the_first_interval_follows_the_dates_of_the_entries(entries: tuple[FeedEntry, ...], interval: float) -> None:
    state, events = after_success(FRESH, FACTS, replace(FEED, entries=entries), 0, len(entries), NOW)
    assert state.interval_s == interval
    assert events == ()
    assert state.new_entry_at == NOW


def test_success_records_what_was_learned() -> None:
    state, events = after_success(FRESH, FACTS, FEED, 0, 3, NOW)
    assert state == FeedState(
        url=URL,
        fetch_url=URL,
        host="news.example",
        title="News",
        language="en",
        etag='"2"',
        last_modified="Sun, 01 Mar 2026 11:00:00 GMT",
        body_hash="two",
        polls=1,
        successes=1,
        polled_at=NOW,
        next_poll_at=at(hours=-1),
        new_entry_at=NOW,
    )
    assert events == ()


def test_success_keeps_a_title_that_is_now_missing_but_not_validators() -> None:
    state, _ = after_success(replace(STEADY, title="Old"), AnswerFacts(body_hash="x"), ParsedFeed("rss"), 5, 10, NOW)
    assert (state.title, state.etag, state.last_modified) == ("Old", "", "")


@pytest.mark.parametrize(
    ("state", "known", "total", "kind", "expected"),
    [
        (STEADY, 0, 10, "rss", ["gap"]),
        (STEADY, 1, 10, "rss", []),
        (STEADY, 0, 0, "rss", []),
        (STEADY, 0, 10, "sitemap_index", []),
        (FRESH, 0, 10, "rss", []),
        (replace(STEADY, new_entry_at=None), 0, 10, "rss", []),  # was empty until now
        (replace(STEADY, next_poll_at=at(days=3)), 0, 10, "rss", ["gap"]),
    ],
)
def test_no_overlap_is_a_gap(state: FeedState, known: int, total: int, kind: str, expected: list[str]) -> None:
    _, events = after_success(state, FACTS, replace(FEED, kind=kind), known, total, NOW)
    assert kinds(events) == expected
    if expected:
        assert events[0].detail.startswith(f"none of {total} entries was known")
        assert "2026-03-01 11:00" in events[0].detail


@pytest.mark.parametrize(
    ("fresh", "ttl", "wait"),
    [
        (None, None, HOUR),
        (5 * MINUTE, None, HOUR),
        (3 * HOUR, None, 3 * HOUR),
        (None, 4 * HOUR, 4 * HOUR),
        (3 * HOUR, 4 * HOUR, 4 * HOUR),
        (15 * 365 * DAY, None, DAY),  # headers lie: one said 2041
        (None, 1e12, DAY),
    ],
)
def test_headers_and_ttl_lengthen_a_wait_to_at_most_a_day(fresh: float | None, ttl: float | None, wait: float) -> None:
    state, _ = after_success(STEADY, replace(FACTS, fresh_s=fresh), replace(FEED, ttl_s=ttl), 5, 10, NOW)
    assert wait_of(state) == wait
    assert state.interval_s == HOUR


def test_headers_of_a_304_count_too() -> None:
    state, events = after_not_modified(STEADY, AnswerFacts(fresh_s=3 * HOUR), NOW)
    assert (wait_of(state), state.interval_s, events) == (3 * HOUR, 70 * MINUTE, ())
    assert (state.etag, state.body_hash, state.new_entry_at) == (STEADY.etag, "one", STEADY.new_entry_at)
    assert (state.polls, state.successes, state.polled_at) == (4, 4, NOW)
    assert after_not_modified(STEADY, AnswerFacts(etag='"9"'), NOW)[0].etag == '"9"'


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"cache-control": "public, max-age=300"}, 300.0),
        ({"cache-control": "max-age=300", "age": "100"}, 200.0),
        ({"cache-control": "max-age=300", "age": "1000"}, 0.0),
        ({"cache-control": "max-age=300", "expires": "Sun, 01 Mar 2041 12:00:00 GMT"}, 300.0),
        ({"cache-control": "s-maxage=300"}, None),
        ({"cache-control": "no-cache, max-age=300"}, None),
        ({"cache-control": "max-age=x"}, None),
        ({"expires": "Sun, 01 Mar 2026 13:00:00 GMT"}, 3600.0),
        ({"expires": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"expires": "0"}, None),
    ],
)
def test_freshness_is_read_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_freshness(headers, NOW) == seconds


def test_facts_are_read_from_a_response() -> None:
    headers = {"etag": 'W/"x"', "last-modified": "Sun", "cache-control": "max-age=60"}
    assert read_facts(headers, b"abc", "http://x/", NOW) == AnswerFacts(
        etag='W/"x"',
        last_modified="Sun",
        fresh_s=60.0,
        moved_to="http://x/",
        body_hash="ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    )
    assert read_facts({}, b"", "", NOW) == AnswerFacts()


@pytest.mark.parametrize(
    ("error", "weight"),
    [
        (HttpRejected(404), 0.5),
        (HttpRejected(500), 0.5),
        (HttpRejected(403), 1.0),
        (HttpRejected(410), 1.0),
        (HttpUnavailable(429), 0.5),
        (HttpUnavailable(503), 0.5),
        (TlsFailed(), 0.5),
        (FeedUnreadable("an HTML page"), 0.5),
        (DnsFailed(), 0.25),
        (FetchTimeout(), 1.0),
        (ConnectFailed(), 1.0),
        (PrivateAddress(), 1.0),
        (RedirectLoop(), 1.0),
    ],
)
def test_failures_have_different_weights(error: NewsbeamError, weight: float) -> None:
    state, events = after_failure(replace(STEADY, failures=4.0), error, NOW, 0.0)
    assert state.failures == 4.0 + weight
    assert (state.polls, state.successes, state.polled_at, state.enabled) == (4, 0, NOW, True)
    assert state.last_error.startswith(error.reason)
    assert len(events) == 1
    if weight != 1.0 or error.reason != "http 410":
        assert wait_of(state) == HOUR * (4.0 + weight)


@pytest.mark.parametrize(
    ("interval", "failures", "wait"),
    [
        (HOUR, 0.0, HOUR),
        (HOUR, 0.5, HOUR),
        (HOUR, 1.5, 2 * HOUR),
        (HOUR, 9.5, 10 * HOUR),
        (6 * HOUR, 3.5, DAY),
        (HOUR, 29.5, DAY),  # 30 in a row
        (HOUR, 30.0, 30.5 * HOUR),  # past 30
        (DAY, 30.5, 30 * DAY),
        (HOUR, 1000.0, 30 * DAY),
    ],
)
def test_backoff_is_linear_and_never_gives_up(interval: float, failures: float, wait: float) -> None:
    state, _ = after_failure(replace(STEADY, interval_s=interval, failures=failures), HttpUnavailable(500), NOW, 0.9)
    assert wait_of(state) == wait
    assert state.interval_s == interval


@pytest.mark.parametrize(
    ("error", "random", "wait"),
    [
        (HttpUnavailable(429), 0.0, HOUR),
        (HttpUnavailable(429), 0.5, 1.5 * HOUR),
        (HttpUnavailable(429, retry_after=7200.0), 0.25, 2.25 * HOUR),
        (HttpUnavailable(503, retry_after=7200.0), 0.9, 2 * HOUR),
        (HttpUnavailable(503, retry_after=2.0), 0.9, HOUR),
        (HttpUnavailable(503, retry_after=317_100.0), 0.9, DAY),
        (HttpUnavailable(500, retry_after=7200.0), 0.9, HOUR),
        (HostBusy(retry_after=90.0), 0.9, 90.0),
        (HostBusy(), 0.9, 60.0),
    ],
)
def test_servers_can_ask_for_a_longer_wait(error: NewsbeamError, random: float, wait: float) -> None:
    assert wait_of(after_failure(STEADY, error, NOW, random)[0]) == wait


def test_a_busy_host_is_not_a_failure() -> None:
    state, events = after_failure(STEADY, HostBusy(retry_after=90.0), NOW, 0.0)
    assert (state, events) == (replace(STEADY, next_poll_at=at(seconds=-90)), ())


def test_an_error_and_its_end_are_each_reported_once() -> None:
    state, first = after_failure(STEADY, HttpRejected(404, URL), NOW, 0.0)
    state, second = after_failure(state, HttpRejected(404, URL), NOW, 0.0)
    state, third = after_failure(state, DnsFailed("no such name"), NOW, 0.0)
    state, fourth = after_success(state, FACTS, FEED, 5, 10, NOW)
    state, fifth = after_not_modified(state, AnswerFacts(), NOW)
    assert [kinds(events) for events in (first, second, third, fourth, fifth)] == [
        ["error"],
        [],
        ["error"],
        ["recovered"],
        [],
    ]
    assert first[0].detail == f"http 404 {URL}"
    assert third[0].detail == "dns: no such name"
    assert state.last_error == ""


MOVED = replace(FACTS, moved_to="https://new.example/feed")

"""Feeds that move, are gone, or falsely claim to be unchanged; and invariants for all of them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_schedule import DAY, FACTS, FEED, FRESH, HOUR, MINUTE, MOVED, NOW, STEADY, URL, at, kinds, wait_of

from transforms.errors import (
    ConnectFailed,
    DnsFailed,
    FeedUnreadable,
    FetchTimeout,
    HostBusy,
    HttpRejected,
    HttpUnavailable,
    NewsbeamError,
)
from transforms.feeds.schedule import (
    LEFT_OUT,
    AnswerFacts,
    after_failure,
    after_not_modified,
    after_success,
    is_check_due,
    is_quiet,
    spread,
    validators_of,
)
from transforms.records import FeedEntry, FeedState, ParsedFeed


def test_a_permanent_redirect_counts_once_it_has_repeated() -> None:
    state, events = after_success(STEADY, MOVED, FEED, 5, 10, NOW)
    assert (state.fetch_url, state.moved_to, state.moved_times, events) == (URL, MOVED.moved_to, 1, ())
    state, events = after_not_modified(state, replace(AnswerFacts(), moved_to=MOVED.moved_to), NOW)
    assert (state.url, state.fetch_url, state.host) == (URL, MOVED.moved_to, "new.example")
    assert (state.moved_to, state.moved_times) == ("", 0)
    assert kinds(events) == ["moved"]


@pytest.mark.parametrize("between", [FACTS, replace(FACTS, moved_to="https://other.example/")])
def test_a_redirect_that_does_not_repeat_is_forgotten(between: AnswerFacts) -> None:
    state, _ = after_success(STEADY, MOVED, FEED, 5, 10, NOW)
    state, _ = after_success(state, between, FEED, 5, 10, NOW)
    state, _ = after_success(state, MOVED, FEED, 5, 10, NOW)
    assert (state.fetch_url, state.moved_times) == (URL, 1)


def test_a_feed_may_move_back() -> None:
    state = replace(STEADY, fetch_url="https://new.example/feed", host="new.example")
    for _ in range(2):
        state, events = after_success(state, replace(FACTS, moved_to=URL), FEED, 5, 10, NOW)
    assert (state.fetch_url, state.host, kinds(events)) == (URL, "news.example", ["moved"])


def test_a_new_address_that_dies_is_replaced_by_the_old_one() -> None:
    state = replace(STEADY, fetch_url="https://new.example/feed", host="new.example")
    state, _ = after_failure(state, ConnectFailed(), NOW, 0.0)
    state, _ = after_failure(state, ConnectFailed(), NOW, 0.0)
    assert state.fetch_url == "https://new.example/feed"
    state, events = after_failure(state, ConnectFailed(), NOW, 0.0)
    assert (state.fetch_url, state.host, kinds(events)) == (URL, "news.example", ["moved"])


def test_a_410_that_repeats_a_day_later_disables_the_feed() -> None:
    state, events = after_failure(STEADY, HttpRejected(410), NOW, 0.0)
    assert (state.enabled, state.gone_times, wait_of(state), kinds(events)) == (True, 1, DAY, ["gone"])
    for hours in (0, 1, 12, 23):  # each time asked by hand
        state, events = after_failure(state, HttpRejected(410), NOW + timedelta(hours=hours), 0.0)
        assert (state.enabled, state.gone_times, state.gone_at, events) == (True, 1, NOW, ())
    state, events = after_failure(state, HttpRejected(410), NOW + timedelta(hours=24), 0.0)
    assert (state.enabled, state.next_poll_at, kinds(events)) == (False, None, ["disabled"])


def test_what_is_left_out_is_said_once_and_is_no_failure() -> None:
    note = LEFT_OUT + "5 of 10 entries"
    state, events = after_success(STEADY, FACTS, FEED, 5, 5, NOW, note)
    assert (state.last_error, state.failures, kinds(events)) == (note, 0.0, ["error"])
    state, events = after_not_modified(state, AnswerFacts(), NOW)
    assert (state.last_error, events) == (note, ())
    state, events = after_success(state, FACTS, FEED, 5, 5, NOW, note)
    assert (state.last_error, events) == (note, ())
    state, events = after_success(state, FACTS, FEED, 5, 5, NOW)
    assert (state.last_error, events) == ("", ())


def test_a_poll_that_was_asked_for_is_early_all_the_same() -> None:
    asked = replace(STEADY, polled_at=at(minutes=5), next_poll_at=NOW)
    assert after_success(asked, FACTS, FEED, 10, 10, NOW)[0].interval_s == HOUR


def test_a_success_resets_the_count_of_410s() -> None:
    state, _ = after_failure(STEADY, HttpRejected(410), NOW, 0.0)
    state, _ = after_not_modified(state, AnswerFacts(), NOW)
    state, _ = after_failure(state, HttpRejected(410), NOW, 0.0)
    assert (state.enabled, state.gone_times) == (True, 1)


CHECKED = replace(STEADY, successes=23)


@pytest.mark.parametrize(
    ("state", "validators"),
    [
        (FRESH, ("", "")),
        (STEADY, (STEADY.etag, STEADY.last_modified)),
        (CHECKED, ("", "")),
        (replace(STEADY, successes=24), (STEADY.etag, STEADY.last_modified)),
        (replace(STEADY, conditional_get=False), ("", "")),
    ],
)
def test_validators_are_sent_except_when_a_check_is_due(state: FeedState, validators: tuple[str, str]) -> None:
    assert validators_of(state) == validators


def dated(**ago: float) -> ParsedFeed:
    return replace(FEED, entries=(FeedEntry(url=URL, published_at=at(**ago)),))


@pytest.mark.parametrize(
    ("state", "facts", "feed", "known", "conditional"),
    [
        # new entries with unchanged validators
        (CHECKED, replace(FACTS, etag='"1"'), FEED, 9, False),
        (CHECKED, replace(FACTS, etag='"1"'), FEED, 10, True),
        (STEADY, replace(FACTS, etag='"1"'), FEED, 9, True),
        (replace(CHECKED, etag=""), replace(FACTS, etag="", last_modified=STEADY.last_modified), FEED, 9, False),
        (replace(CHECKED, etag="", last_modified=""), AnswerFacts(body_hash="two"), FEED, 9, True),
        # last news 30 h ago, hourly polls since: an entry 10 h old was hidden, one of 90 min may be late
        (replace(CHECKED, new_entry_at=at(hours=30)), FACTS, dated(hours=10), 9, False),
        (replace(CHECKED, new_entry_at=at(hours=30)), FACTS, dated(minutes=90), 9, True),
        (replace(CHECKED, new_entry_at=at(hours=30)), FACTS, dated(hours=40), 9, True),
    ],
)
def test_false_304s_switch_conditional_get_off(
    state: FeedState, facts: AnswerFacts, feed: ParsedFeed, known: int, conditional: bool
) -> None:
    after, events = after_success(state, facts, feed, known, 10, NOW)
    assert after.conditional_get is conditional
    assert kinds(events) == ([] if conditional else ["error"])


def test_children_of_an_index_start_fifteen_minutes_apart() -> None:
    children = [
        FeedEntry(url="a", is_feed=True),
        FeedEntry(url="b", is_feed=True, updated_at=at(days=2)),
        FeedEntry(url="c", is_feed=True, updated_at=at(days=1)),
        FeedEntry(url="a", is_feed=True),
    ]
    assert spread(children, NOW) == [("c", NOW), ("b", at(minutes=-15)), ("a", at(minutes=-30))]


@pytest.mark.parametrize(
    ("hours", "quiet"),
    [
        ([25, 26, 27, 28, 29], True),
        ([23, 24, 25, 26, 27], False),  # a day of silence at least
        ([25, 35, 45, 55, 65], False),  # 25 h are not three times 10 h
        ([31, 41, 51, 61, 71], True),
        ([31, 41, 51, 61, 71, 400], True),  # one long holiday does not count
        ([30, 42, 54, 55, 56], False),  # two of them do
        ([25, 26, 27, 28], False),  # too few to tell
        ([], False),
    ],
)
def test_a_source_is_quiet_after_an_unusual_silence(hours: list[float], quiet: bool) -> None:
    assert is_quiet([at(hours=ago) for ago in hours], NOW) is quiet


times = st.none() | st.integers(-10_000, 50_000).map(lambda minutes: at(minutes=minutes))
states = st.builds(
    lambda **fields: replace(STEADY, **fields),
    interval_s=st.floats(0, 1e7),
    successes=st.integers(0, 100),
    failures=st.floats(0, 1e6),
    gone_times=st.integers(0, 3),
    moved_times=st.integers(0, 3),
    moved_to=st.sampled_from(["", MOVED.moved_to]),
    fetch_url=st.sampled_from([URL, MOVED.moved_to]),
    body_hash=st.sampled_from(["", "one"]),
    last_error=st.sampled_from(["", "dns"]),
    polled_at=times,
    next_poll_at=times,
    new_entry_at=times,
)
facts = st.builds(
    AnswerFacts,
    etag=st.sampled_from(["", '"1"', '"2"']),
    fresh_s=st.none() | st.floats(0, 1e15),
    moved_to=st.sampled_from(["", URL, MOVED.moved_to]),
    body_hash=st.just("two"),
)
feeds = st.builds(ParsedFeed, kind=st.just("rss"), ttl_s=st.none() | st.floats(0, 1e15))
errors = st.sampled_from(
    [HttpRejected(404), HttpRejected(410), DnsFailed(), FetchTimeout(), FeedUnreadable("x"), HostBusy(retry_after=1e9)]
) | st.builds(HttpUnavailable, st.sampled_from([429, 500, 503]), retry_after=st.none() | st.floats(0, 1e15))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states, facts, feeds, st.integers(0, 50), st.integers(0, 50))
def test_after_a_success_the_next_poll_is_within_bounds(
    state: FeedState, found: AnswerFacts, feed: ParsedFeed, known: int, new: int
) -> None:
    for after, _ in (after_success(state, found, feed, known, known + new, NOW), after_not_modified(state, found, NOW)):
        assert 10 * MINUTE <= after.interval_s <= DAY
        assert 10 * MINUTE <= wait_of(after) <= DAY
        assert (after.failures, after.gone_times, after.last_error, after.enabled) == (0.0, 0, "", True)
        assert not is_check_due(after) or validators_of(after) == ("", "")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states, errors, st.floats(0, 1, exclude_max=True))
def test_after_a_failure_a_feed_is_asked_again_within_a_month(
    state: FeedState, error: NewsbeamError, random: float
) -> None:
    after, events = after_failure(state, error, NOW, random)
    assert after.enabled is (after.next_poll_at is not None)
    if after.enabled:
        assert MINUTE <= wait_of(after) <= 30 * DAY + HOUR
        assert wait_of(after) <= DAY + HOUR or after.failures > 30
    else:
        assert "disabled" in kinds(events)
        assert error.reason == "http 410"

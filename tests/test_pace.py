import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import ConnectFailed, DnsFailed, FetchTimeout, HttpRejected, HttpUnavailable, NewsbeamError
from transforms.fetch.pace import (
    SHARED_S,
    AddressPace,
    Cooldown,
    HostPace,
    cooldown_after,
    cooldown_error,
    end_at_address,
    end_request,
    find_address_wait,
    find_delay,
    find_interval,
    find_wait,
    record_send,
    start_at_address,
    start_request,
)

seconds = st.floats(0, 1_000)


def test_a_new_host_is_asked_at_once() -> None:
    assert find_wait(HostPace(), 0.0, 1.0, 2) == 0


def test_the_second_request_waits_for_the_rest_of_the_delay() -> None:
    pace = start_request(HostPace(), 100.0)
    assert find_wait(pace, 100.25, 1.0, 2) == pytest.approx(0.75)
    assert find_wait(pace, 101.5, 1.0, 2) == 0


def test_the_number_of_concurrent_requests_is_limited() -> None:
    pace = start_request(start_request(HostPace(), 0.0), 1.0)
    assert find_wait(pace, 99.0, 0.0, 2) is None
    assert find_wait(end_request(pace, 200, 0.1), 99.0, 0.0, 2) == 0


def test_the_delay_counts_from_the_moment_of_sending() -> None:
    pace = record_send(start_request(HostPace(), 10.0), 10.4)
    assert find_wait(pace, 11.0, 1.0, 2) == pytest.approx(0.4)


def test_an_address_of_one_name_has_no_pace_of_its_own() -> None:
    pace = AddressPace()
    for _ in range(20):
        pace = start_at_address(pace, "a.example", 100.0, 2.0)
    assert find_address_wait(pace, "a.example", 100.0, 2.0, 2) == 0


def test_an_address_of_several_names_gets_four_times_the_requests_of_a_host() -> None:
    pace = start_at_address(AddressPace(), "a.example", 100.0, 2.0)
    assert find_address_wait(pace, "b.example", 100.0, 2.0, 2) == pytest.approx(0.5)
    assert find_address_wait(pace, "b.example", 100.5, 2.0, 2) == 0
    for n in range(7):
        pace = start_at_address(pace, f"site{n}.example", 101.0 + n, 2.0)
    assert find_address_wait(pace, "b.example", 200.0, 2.0, 2) is None
    assert find_address_wait(end_at_address(pace), "b.example", 109.0, 2.0, 2) == 0


def test_an_address_is_shared_for_two_minutes_after_its_last_other_name() -> None:
    pace = start_at_address(start_at_address(AddressPace(), "a.example", 0.0, 2.0), "b.example", 100.0, 2.0)
    assert find_address_wait(pace, "b.example", 100.0, 2.0, 2) == pytest.approx(0.5)
    pace = start_at_address(pace, "b.example", 100.0 + SHARED_S, 2.0)
    assert find_address_wait(pace, "b.example", 100.0 + SHARED_S, 2.0, 2) == 0


def test_without_a_delay_an_address_has_no_pace_either() -> None:
    pace = start_at_address(AddressPace(), "a.example", 100.0, 0.0)
    assert find_address_wait(pace, "b.example", 100.0, 0.0, 2) == 0


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seconds, seconds)
def test_a_crawl_delay_only_raises_the_delay_and_to_at_most_two_minutes(delay: float, crawl_delay: float) -> None:
    found = find_delay(HostPace(crawl_delay_s=crawl_delay), delay)
    assert found == max(delay, min(crawl_delay, 120.0))


def test_a_slow_host_is_asked_more_slowly() -> None:
    pace = HostPace(latency_s=8.0)
    assert find_interval(pace, 1.0, 2) == 4.0
    assert find_interval(HostPace(latency_s=1e6), 1.0, 2) == 120.0


def test_without_a_delay_only_a_crawl_delay_counts() -> None:
    assert find_interval(HostPace(latency_s=8.0), 0.0, 2) == 0
    assert find_interval(HostPace(latency_s=8.0, crawl_delay_s=3.0), 0.0, 2) == 3.0


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seconds, seconds, st.sampled_from([0, 304, 404, 429, 500, 503]))
def test_only_a_200_lowers_the_interval(before: float, elapsed: float, status: int) -> None:
    pace = HostPace(active=1, latency_s=before)
    assert end_request(pace, status, elapsed).latency_s >= before
    after = end_request(pace, 200, elapsed).latency_s
    assert min(before, elapsed) - 1e-9 <= after <= max(before, elapsed) + 1e-9


@pytest.mark.parametrize(
    ("error", "timeouts", "rest"),
    [
        (ConnectFailed("x"), 0, 600.0),
        (DnsFailed("x"), 0, 60.0),
        (FetchTimeout("x"), 2, 0.0),
        (FetchTimeout("x"), 3, 60.0),
        (HttpUnavailable(429), 0, 10.0),
        (HttpUnavailable(429, retry_after=77.0), 0, 77.0),
        (HttpUnavailable(429, retry_after=math.inf), 0, 86_400.0),
        (HttpUnavailable(503, retry_after=77.0), 0, 0.0),
        (HttpRejected(404), 0, 0.0),
    ],
)
def test_cooldown_of_a_host_after_a_failure(error: NewsbeamError, timeouts: int, rest: float) -> None:
    assert cooldown_after(error, timeouts) == rest


def test_a_request_during_a_cooldown_is_refused_with_the_time_left() -> None:
    error = cooldown_error(Cooldown(700.0, ConnectFailed("x")), 100.0, "a.example:80")
    assert isinstance(error, ConnectFailed)
    assert error.retry_after == 600.0
    assert "a.example:80" in str(error)
    again = cooldown_error(Cooldown(700.0, HttpUnavailable(429)), 699.0, "a.example:80")
    assert isinstance(again, HttpUnavailable)
    assert again.reason == "http 429"
    assert cooldown_error(Cooldown(700.0, ConnectFailed("x")), 700.0, "a.example:80") is None

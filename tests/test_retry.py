from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import (
    ConnectFailed,
    DnsFailed,
    FetchTimeout,
    HttpRejected,
    HttpUnavailable,
    NewsbeamError,
    PrivateAddress,
    ProtocolFailed,
    Retryable,
    RobotsUnavailable,
    TlsFailed,
)
from transforms.fates import MAX_TRIES, retry_at

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MIDDLE = 0.5


def waits(error: NewsbeamError, random: float = MIDDLE) -> list[float]:
    found = []
    for tries in range(1, 100):
        due = retry_at(error, tries, NOW, random)
        if due is None:
            return found
        found.append((due - NOW).total_seconds())
    raise AssertionError("it never gives up")


def test_a_status_is_retried_after_seconds_and_later_after_hours() -> None:
    assert waits(HttpUnavailable(503)) == pytest.approx([3, 9, 27, 81, 243, 729, 2187, 6561, 19683])


@pytest.mark.parametrize("kind", [FetchTimeout, DnsFailed, TlsFailed, ProtocolFailed, RobotsUnavailable])
def test_network_trouble_waits_a_minute_first(kind: type[Retryable]) -> None:
    assert waits(kind("x")) == pytest.approx([60, 180, 540, 1620, 4860, 14580, 21600, 21600, 21600])


def test_a_host_that_does_not_connect_waits_ten_minutes_first() -> None:
    found = waits(ConnectFailed("x"))
    assert found == pytest.approx([600, 1800, 5400, 16200, *[21600] * 5])
    assert len(found) == MAX_TRIES - 1


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(0, 1, exclude_max=True))
def test_the_first_two_waits_are_short_and_the_third_is_not_whatever_the_jitter(random: float) -> None:
    found = waits(HttpUnavailable(500), random)
    assert found[0] < 4
    assert sum(found[:2]) < 20 < found[2]


def test_the_jitter_is_a_fifth_to_either_side() -> None:
    assert waits(FetchTimeout("x"), 0.0)[0] == pytest.approx(48)
    assert waits(FetchTimeout("x"), 0.999999)[0] == pytest.approx(72, abs=0.1)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1e9), st.integers(1, MAX_TRIES - 1))
def test_retry_after_only_lengthens_a_wait_and_at_most_to_a_day(random: float, asked: float, tries: int) -> None:
    plain = retry_at(HttpUnavailable(503), tries, NOW, random)
    due = retry_at(HttpUnavailable(503, retry_after=asked), tries, NOW, random)
    assert plain is not None
    assert due is not None
    expected = max(plain, NOW + timedelta(seconds=min(asked, 86_400)))
    assert abs((due - expected).total_seconds()) < 1e-3


@pytest.mark.parametrize("error", [HttpRejected(404), PrivateAddress("x"), NewsbeamError("x")])
def test_final_errors_are_not_retried(error: NewsbeamError) -> None:
    assert retry_at(error, 1, NOW, MIDDLE) is None

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.fetch.retry_after import parse_retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("Sun, 01 Mar 2026 12:00:04 GMT", 4.0),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 13:00:00 +0100", 0.0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
        ("Sat, 28 Feb 2026 12:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("Sun, 99 Mar 2026 12:00:04 GMT", None),
        ("٣", None),
    ],
)
def test_both_forms_are_read(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_any_value_is_seconds_or_none(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or seconds >= 0

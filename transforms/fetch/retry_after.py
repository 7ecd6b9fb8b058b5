"""Retry-After: how long a server asks to be left alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]+)?")


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds from `now` until a server may be asked again, or None if it does not say.

    Reads both forms, seconds and an HTTP date (RFC 9110, 10.2.3); a date in the past is 0. The value is not bounded:
    the caller decides how long it is willing to wait.
    """
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return max(0.0, (at - now).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

"""Retry-After: how long a server asks clients to wait."""

from __future__ import annotations

import re
from datetime import datetime

from transforms.times import parse_mail_date

_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]+)?")


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds from `now` until a server may be asked again, or None for an invalid value.

    Reads both forms, seconds and an HTTP date (RFC 9110, 10.2.3); a date in the past is 0. The value is not bounded:
    the caller decides how long it is willing to wait.
    """
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    at = parse_mail_date(text)
    return None if at is None else max(0.0, (at - now).total_seconds())

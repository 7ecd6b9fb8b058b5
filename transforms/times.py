"""Times as aware datetimes in UTC. A time without a zone is taken as UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def to_utc(value: datetime) -> datetime:
    """Return a time in UTC; raises OverflowError if that is before year 1 or after year 9999."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def parse_mail_date(text: str) -> datetime | None:
    """Parse a date in the format of mail, HTTP and RSS (RFC 5322, 3.3; RFC 9110, 5.6.7); None for anything else."""
    try:
        return to_utc(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

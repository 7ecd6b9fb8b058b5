"""Read the dates of feeds, in the formats that feeds really use.

That is RFC 3339 and W3C-DTF, RFC 822 with its usual mistakes, the output of C's asctime, and dates as people write them
with English month names or numbers alone. A date is a few dozen characters, so a longer text is not one, and no text
takes more than a few matches of short patterns.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from transforms.times import to_utc

# "Wednesday, 28 February 2026 10:00:00 GMT-0700 (Pacific Daylight Time)" has 69
MAX_DATE = 80

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january ιαν január januári",
            "feb february φεβ február februári",
            "mar march μαρ μάώ μαώ március",
            "apr april απρ április ápriolis",
            "may μάι μαϊ μαι május máujus",
            "jun june ιούν ιον június",
            "jul july ιούλ ιολ július",
            "aug august αύγ αυγ augusztus",
            "sep sept september σεπ szeptember",
            "oct october οκτ október",
            "nov november νοέ νοε november",
            "dec december δεκ december",
        ),
        1,
    )
    for name in names.split()
}
# hours from UTC; the American ones are those of RFC 822, 5.1
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "etc/gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "met": 1, "cest": 2,
    "mest": 2, "eet": 2, "sast": 2, "eest": 3, "msk": 3, "ist": 5.5, "awst": 8, "sgt": 8, "hkt": 8, "jst": 9, "kst": 9,
    "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "at": -4, "ast": -4, "adt": -3,
    "et": -5, "est": -5, "edt": -4, "ct": -6, "cst": -6, "cdt": -5, "mt": -7, "mst": -7, "mdt": -6, "pt": -8, "pst": -8,
    "pdt": -7, "akst": -9, "akdt": -8, "hst": -10, "hast": -10, "hadt": -9,
}  # fmt: skip

_RFC_822 = re.compile(
    r"(?:[A-Za-z]{3,9},? )?([0-9]{1,2}) ([A-Za-z]{3})[a-z]* ([0-9]{4}) ([0-9]{2}):([0-9]{2})(?::([0-9]{2}))? ?"
    r"([+-][0-9]{4}|[A-Za-z]{1,4})"
)
_DAY_FIRST = re.compile(
    r"(?<![0-9:])([0-9]{1,2})(?:st|nd|rd|th)?[ ,.-]+([^\W\d_]{3,10})[ ,.-]+([0-9]{4}|[0-9]{2})(?![0-9:])"
)
_MONTH_FIRST = re.compile(r"([^\W\d_]{3,10})[ .,-]+([0-9]{1,2})(?:st|nd|rd|th)?[ ,]+([0-9]{4})(?![0-9])")
_YEAR_LAST = re.compile(r"([^\W\d_]{3,10}) ([0-9]{1,2}) [0-9:]{5,8}(?: \S{1,8})? ([0-9]{4})")
_YEAR_FIRST = re.compile(
    r"(?<![0-9])([0-9]{4})[-/.년 ]+(?:0(?=[0-9]{2}))?([0-9]{1,2}|[^\W\d_]{3,10})[-/.월 ]+([0-9]{1,2})(?![0-9])"
)
_NUMBERS = re.compile(r"(?<![0-9])([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})(?![0-9])")
_TIME = re.compile(
    r"(?<![0-9:])([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.,][0-9]+)?)?(?![0-9])\s*([ap]\.?m\b\.?)?", re.I
)
_OFFSET = re.compile(r"(?:[a-z]{1,5})?\s*([+-])-?([0-9]{2}):?([0-9]{2})?", re.I)
_WORD = re.compile(r"[^\W\d_]+(?:/[^\W\d_]+)?")


def read_date(text: str) -> datetime | None:
    """Return a date of a feed in UTC; None if it is not a date or names no real moment.

    A day without a time is its midnight, a time without a zone is taken as UTC, a month without a day is its first day.
    """
    text = text.strip()
    return _read(text) if 4 <= len(text) <= MAX_DATE else None


# a feed repeats some of its dates, and most polls bring mostly dates that the last one brought
@lru_cache(maxsize=4096)
def _read(text: str) -> datetime | None:
    try:
        if text[4:5] in ("-", "") and text.isascii():
            return _read_w3c(text)
        if found := _RFC_822.fullmatch(text):
            day, month, year, hour, minute, second, zone = found.groups()
            return _moment(int(year), _month(month), int(day), (hour, minute, second), _offset(zone))
        return _read_loosely(text)
    except (ValueError, OverflowError):
        return None


def _read_w3c(text: str) -> datetime | None:
    if re.fullmatch("[0-9]{4}(?:-[0-9]{2})?", text):
        return datetime(int(text[:4]), int(text[5:] or 1), 1, tzinfo=UTC)
    try:
        return to_utc(datetime.fromisoformat(text))
    except ValueError:
        return _read_loosely(text)


def _read_loosely(text: str) -> datetime | None:
    text = " ".join(text.split())
    if (found := _YEAR_FIRST.search(text)) is not None:
        year, month, day = found.groups()
        day_at = found.span()
    elif (found := _DAY_FIRST.search(text)) is not None:
        day, month, year = found.groups()
        day_at = found.span()
    elif (found := _MONTH_FIRST.search(text)) is not None or (found := _YEAR_LAST.search(text)) is not None:
        month, day, year = found.groups()
        day_at = found.span() if found.re is _MONTH_FIRST else (found.start(), found.start(2))
    elif (found := _NUMBERS.search(text)) is not None:
        first, mark, second, year = found.groups()
        # with points the day comes first; with other marks that cannot be known, and most such feeds are American
        day, month = (first, second) if mark == "." or int(first) > 12 else (second, first)
        day_at = found.span()
    else:
        return None
    rest = text[: day_at[0]] + " " + text[day_at[1] :]
    when = _TIME.search(rest)
    if when is None:
        return None if ":" in rest else _moment(_year(year), _month(month), int(day), ("0", "0", None), None)
    hour, minute, second, half = when.groups()
    if half or "오후" in rest or "오전" in rest:
        if not 1 <= int(hour) <= 12:
            return None
        late = (half or "").lower().startswith("p") or "오후" in rest
        hour = str(int(hour) % 12 + 12 * late)
    zone = rest[when.end() :].strip(" ,:")
    offset = 9 * 60 if any("가" <= char <= "힣" for char in text) else _offset(zone)
    return _moment(_year(year), _month(month), int(day), (hour, minute, second), offset)


def _moment(
    year: int, month: int, day: int, clock: tuple[str, str, str | None], offset: float | None
) -> datetime | None:
    hour, minute, second = int(clock[0]), int(clock[1]), int(clock[2] or 0)
    days = 0
    if hour == 24 and not minute and not second:
        hour, days = 0, 1
    zone = timezone(timedelta(minutes=offset)) if offset else UTC
    return to_utc(datetime(year, month, day, hour, minute, second, tzinfo=zone) + timedelta(days=days))


def _year(text: str) -> int:
    # RFC 5322, 4.3
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 50 else 1900)


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    number = _MONTHS.get(text.lower())
    if number is None:
        raise ValueError(f"{text} is not a month")
    return number


def _offset(zone: str) -> float | None:
    """Return the minutes from UTC that a zone names; None if there is none or it is unknown."""
    if found := _OFFSET.match(zone):
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        return -minutes if found[1] == "-" else minutes
    if "+" in zone or "-" in zone:
        raise ValueError(f"{zone} is not a zone")
    words = _WORD.findall(zone)
    return _ZONES.get(words[0].lower(), 0) * 60 if words else None

"""Parse dates as pages write them into aware datetimes in UTC.

A date without a zone is taken as UTC: guessing the publisher's zone from its country would be wrong as often as right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from transforms.times import parse_mail_date, to_utc

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s]+(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{0,2})?)?"
)
_ZONES = {"ET": -5, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "BST": 1,
          "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "IST": 5.5, "JST": 9, "KST": 9, "MSK": 3}  # fmt: skip
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar januari janvier enero janeiro gennaio gen stycznia ledna января січня ocak oca",
            "feb february februar februari février febrero fevereiro febbraio lutego února февраля лютого şubat",
            "mar march märz maerz mars maart marzo março marca března марта березня mart",
            "apr april avril abril aprile kwietnia dubna апреля квітня nisan",
            "may mai mayo maio maggio mei maja maj května мая травня mayıs",
            "jun june juni juin junio junho giugno czerwca června июня червня haziran",
            "jul july juli juillet julio julho luglio lipca července июля липня temmuz",
            "aug august août aout agosto augustus sierpnia srpna августа серпня ağustos",
            "sep sept september septembre septiembre setembro settembre września září сентября вересня eylül",
            "oct okt october oktober octobre octubre outubro ottobre października října октября жовтня ekim",
            "nov november novembre noviembre novembro listopada listopadu ноября листопада kasım",
            "dec dez december dezember décembre diciembre dezembro dicembre grudnia prosince декабря грудня aralık",
        ),
        start=1,
    )
    for name in names.split()
}
_WORDED = re.compile(
    r"(\d{1,2})\.?\s+(?:de\s+)?([^\W\d_]{3,12})\.?,?\s+(?:de\s+)?(\d{4})"
    r"|([^\W\d_]{3,12})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})"
)
_DOTTED = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})\b|\b(\d{1,2})\.(\d{1,2})\.(\d{2})\b")
_EASTERN = re.compile(r"(\d{4})\s*[年년/.]\s*(\d{1,2})\s*[月월/.]\s*(\d{1,2})\s*[日일]?")
_CLOCK = re.compile(r"\b(\d{1,2})[:.h時시点](\d{2})(?::(\d{2}))?\s*(am|pm|a\.m\.|p\.m\.)?", re.IGNORECASE)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d{2})?\b")


# before the first newspaper: https://en.wikipedia.org/wiki/Relation_aller_Fuernemmen_und_gedenckwuerdigen_Historien
EARLIEST_YEAR = 1600


@dataclass(frozen=True, slots=True)
class Moment:
    """A date in UTC.

    `exact` says whether it was written with a time of day; midnight counts as none, since programs fill it in for
    dates without one.
    """

    at: datetime
    exact: bool


def parse_date(text: str) -> datetime | None:
    """Parse a date in ISO 8601, RFC 2822, epoch seconds or words; return None for anything else.

    "0001-01-01T00:00:00" and the like are no dates: that is how programs write one that was never set.
    """
    found = parse_moment(text)
    return found.at if found is not None and found.at.year >= EARLIEST_YEAR else None


def parse_moment(text: str) -> Moment | None:
    """Parse a date as `parse_date` does, of any year, and say whether it has a time of day."""
    try:
        found = _parse(text.strip()[:120])
        return Moment(to_utc(found), (found.hour, found.minute, found.second) != (0, 0, 0)) if found else None
    except (ValueError, OverflowError):
        return None


def _parse(text: str) -> datetime | None:
    """Return a date in its own zone; in UTC if it names none."""
    if not any(map(str.isdigit, text)):
        return None
    if text.isdigit() and len(text) in (10, 13):
        return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)
    match = _ISO.search(text)
    if match:
        return _read_iso(match)
    if "," in text[:5] or re.match(r"[A-Z][a-z]{2} ", text):
        written = parse_mail_date(text)
        if written is not None:
            return written
    return _parse_words(text)


def _read_iso(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    return datetime(
        int(year), int(month), int(day), int(hour or 0) % 24, int(minute or 0), int(second or 0),
        int((fraction or "0")[:6].ljust(6, "0")), tzinfo=_read_zone(zone or "") or UTC,
    )  # fmt: skip


def _read_zone(zone: str) -> timezone | None:
    match = _OFFSET.fullmatch(zone)
    if not match:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return timezone(-offset if match[1] == "-" else offset)


def _parse_words(text: str) -> datetime | None:
    day = _find_day(text)
    if day is None:
        return None
    year, month, number, end = day
    clock = _CLOCK.search(text[end:]) or _CLOCK.search(text)
    hour = minute = second = 0
    zone: timezone | None = None
    if clock and int(clock[1]) < 24 and int(clock[2]) < 60:
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        half = (clock[4] or "").lower()
        if half.startswith("p") and hour < 12:
            hour += 12
        elif half.startswith("a") and hour == 12:
            hour = 0
        for name, hours in _ZONES.items():
            if re.search(rf"\b{name}\b", text):
                zone = timezone(timedelta(hours=hours))
    return datetime(year, month, number, hour, minute, second, tzinfo=zone or UTC)


def _find_day(text: str) -> tuple[int, int, int, int] | None:
    match = _EASTERN.search(text)
    if match:
        return int(match[1]), int(match[2]), int(match[3]), match.end()
    for match in _WORDED.finditer(text):
        day, name, year = (match[1], match[2], match[3]) if match[1] else (match[5], match[4], match[6])
        month = _MONTHS.get(name.lower())
        if month:
            return int(year), month, int(day), match.end()
    match = _DOTTED.search(text)
    if match:
        if match[3]:
            return int(match[3]), int(match[2]), int(match[1]), match.end()
        return 2000 + int(match[6]), int(match[5]), int(match[4]), match.end()
    return None

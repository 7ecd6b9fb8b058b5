"""Dates of feeds: every format in use, and nothing that is not a date."""

import time
from datetime import UTC, datetime

import pytest

from transforms.feeds.formats.dates import read_date
from transforms.feeds.reader import parse_feed


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-02-28T10:00:00Z", utc(2026, 2, 28, 10)),
        ("2026-02-28T10:00:00+01:00", utc(2026, 2, 28, 9)),
        ("2026-02-28T10:00:00+0100", utc(2026, 2, 28, 9)),
        ("2026-02-28T10:00:00.5-00:30", utc(2026, 2, 28, 10, 30, 0, 500_000)),
        ("2026-02-28T10:00", utc(2026, 2, 28, 10)),
        ("2026-02-28 10:00:00", utc(2026, 2, 28, 10)),
        ("2026-02-28 10:00:00 -0020", utc(2026, 2, 28, 10, 20)),
        ("2026-02-28T24:00:00Z", utc(2026, 3, 1)),
        ("2026-02-28", utc(2026, 2, 28)),
        ("2026-02", utc(2026, 2, 1)),
        ("2026", utc(2026, 1, 1)),
        ("2026-2-8", utc(2026, 2, 8)),
        ("2026-002-28T10:00:00+00:00", utc(2026, 2, 28, 10)),
        ("2026/02/28 10:00", utc(2026, 2, 28, 10)),
        ("Sat, 28 Feb 2026 10:00:00 GMT", utc(2026, 2, 28, 10)),
        ("Sat, 28 Feb 2026 10:00:00 +0100", utc(2026, 2, 28, 9)),
        ("Sat, 28 Feb 2026 10:00:00 EST", utc(2026, 2, 28, 15)),
        ("Sat, 28 Feb 2026 10:00 GMT", utc(2026, 2, 28, 10)),
        ("Sat, 28 Feb 26 10:00:00 GMT", utc(2026, 2, 28, 10)),
        ("28 Feb 2026 10:00:00 GMT", utc(2026, 2, 28, 10)),
        ("Saturday, 28 February 2026 10:00:00 Z", utc(2026, 2, 28, 10)),
        ("Sat,  8 Feb 2026 10:00:00 GMT", utc(2026, 2, 8, 10)),
        ("Sat, 28 Feb, 2026 10:00:00 UTC", utc(2026, 2, 28, 10)),
        ("Sat, 28 Feb 2026 10:00:00 GMT+01:00", utc(2026, 2, 28, 9)),
        ("Sat, 28 Feb 2026 10:00:00 GMT-0100 (CET)", utc(2026, 2, 28, 11)),
        ("Sat, 28 Feb 2026 10:00:00 Etc/GMT", utc(2026, 2, 28, 10)),
        ("Sat, 28 Feb 2026 10:00:00 XYZ", utc(2026, 2, 28, 10)),
        ("Sat, 28 Feb 2026", utc(2026, 2, 28)),
        ("Sat Feb 28 10:00:00 2026", utc(2026, 2, 28, 10)),
        ("Sat Feb 28 10:00:00 +0100 2026", utc(2026, 2, 28, 9)),
        ("Sat Feb 28 2026 10:00:00 +0100", utc(2026, 2, 28, 9)),
        ("February 28, 2026 10:00 PM", utc(2026, 2, 28, 22)),
        ("Feb 28th, 2026, 12:05 a.m.", utc(2026, 2, 28, 0, 5)),
        ("28.02.2026 10:00", utc(2026, 2, 28, 10)),
        ("28/02/2026 10:00", utc(2026, 2, 28, 10)),
        ("2/28/2026 3:04:05 PM", utc(2026, 2, 28, 15, 4, 5)),
        ("Fri, 2006/09/15 08:19:53 EDT", utc(2006, 9, 15, 12, 19, 53)),
        ("Κυρ, 11 Ιούλ 2004 12:00:00 EST", utc(2004, 7, 11, 17)),
        ("2004-július-13T9:15-05:00", utc(2004, 7, 13, 14, 15)),
        ("2004-05-25 오후 11:23:17", utc(2004, 5, 25, 14, 23, 17)),
        ("2004년 05월 28일  01:31:15", utc(2004, 5, 27, 16, 31, 15)),
    ],
)
def test_a_date_is_read(text: str, at: datetime) -> None:
    assert read_date(f"\n {text} ") == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "1",
        "0",
        "28",
        "20",
        "-0001",
        "yesterday",
        "Today at 10:00",
        "12:30",
        "tag:28",
        "12345678901234567890",
        "Sat, 99 Feb 2026 10:00:00 GMT",
        "Sat, 28 Foo 2026 10:00:00 GMT",
        "Sat, 30 Feb 2026 10:00:00 GMT",
        "Sat, 28 Feb 2026 25:00:00 GMT",
        "Sat, 28 Feb 2026 10:61:00 GMT",
        "Sat, 28 Feb 2026 10:00:00 +zz:00",
        "2026-13-01",
        "2026-02-30T10:00:00Z",
        "2026-02-28T10:xx:00Z",
        "0000-00-00T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-28T10:00:00+99:99",
        "2026-02-28T10:00:00Z" + " " * 200 + "x",
        "1" * 1_000_000,
        "Feb " * 40,
    ],
)
def test_anything_else_is_no_date(text: str) -> None:
    assert read_date(text) is None


@pytest.mark.parametrize("piece", ["1 ", "Feb ", "1:", "1-", "2026 ", "a", "+", "28 Feb ", "1/", "오후 ", "1.1."])
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    for index in range(1_000):
        read_date((str(index) + piece * 80)[:80])
    assert time.process_time() - started < 1


@pytest.mark.parametrize("date", ["-1", "0", "1", "28", "Monday", "10:00", "tag:5"])
def test_a_number_in_place_of_a_date_is_not_the_current_month(date: str) -> None:
    body = f"<rss><channel><item><link>/a</link><guid>5</guid><pubDate>{date}</pubDate></item></channel></rss>"
    entry = parse_feed(body.encode(), "http://news.example/").entries[0]
    assert (entry.published_at, entry.updated_at) == (None, None)


def test_the_dates_of_an_entry() -> None:
    fields = {
        "<pubDate>Sat, 28 Feb 2026 10:00:00 GMT</pubDate><dc:date>2026-03-01</dc:date>": (utc(2026, 2, 28, 10), None),
        "<pubDate>soon</pubDate><dc:date>2026-03-01</dc:date>": (utc(2026, 3, 1), None),
        "<updated>2026-03-01</updated>": (utc(2026, 3, 1), utc(2026, 3, 1)),
        "<dcterms:issued>2026-02-01</dcterms:issued><dcterms:modified>2026-03-01</dcterms:modified>": (
            utc(2026, 2, 1),
            utc(2026, 3, 1),
        ),
        "<dcterms:created>2026-02-01</dcterms:created>": (utc(2026, 2, 1), None),
        "<source><updated>2026-03-01</updated></source>": (None, None),
    }
    for text, dates in fields.items():
        body = (
            '<rss xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"><channel><item>'
            f"<link>/a</link>{text}</item></channel></rss>"
        )
        entry = parse_feed(body.encode(), "http://news.example/").entries[0]
        assert (entry.published_at, entry.updated_at) == dates, text

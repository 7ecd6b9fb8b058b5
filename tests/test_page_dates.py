"""When an article was published and changed: dates that cannot be are refused, and how precise a date is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from smallpages import NOW, linked, meta, read, tell

PUBLISHED = datetime(2026, 3, 4, 17, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "note"),
    [
        ("0001-01-01T00:00:00", "json-ld 0001-01-01"), ("1970-01-01T00:00:00Z", "json-ld 1970-01-01"),
        ("1989-12-31T12:00:00Z", "json-ld 1989-12-31"), ("2026-03-07T09:00:00Z", "json-ld 2026-03-07"),
        ("2126-03-04T17:20:00Z", "json-ld 2126-03-04"),
    ],
)  # fmt: skip
def test_dates_that_cannot_be_are_refused_and_noted(date: str, note: str) -> None:
    article = read(tell(head=linked(datePublished=date)))
    assert article.published_at is None
    assert article.sources["refused_dates"] == note
    # another source of the page is read instead
    article = read(tell(head=linked(datePublished=date) + meta("article:published_time", "2026-03-04T17:20:00Z")))
    assert (article.published_at, article.sources["published_at"]) == (PUBLISHED, "meta article:published_time")
    # or the page's text, or the feed
    head = linked(datePublished=date)
    assert read(tell(head=head, above="<p class='date'>4 March 2026, 17:20</p>")).published_at == PUBLISHED
    assert read(tell(head=head), published_at=PUBLISHED).published_at == PUBLISHED


def test_dates_of_the_feed_are_refused_too() -> None:
    article = read(tell(), published_at=NOW + timedelta(days=3))
    assert (article.published_at, article.sources["refused_dates"]) == (None, "feed 2026-03-08")
    assert read(tell(), published_at=NOW + timedelta(days=1)).published_at == NOW + timedelta(days=1)


def test_an_article_is_not_changed_before_it_is_published() -> None:
    head = linked(datePublished="2026-03-04T17:20:00Z", dateModified="2026-03-04T12:00:00Z")
    article = read(tell(head=head))
    assert (article.published_at, article.modified_at) == (PUBLISHED, None)
    assert "modified_at" not in article.sources
    assert read(tell(head=head + meta("article:modified_time", "2026-03-04T18:00:00Z"))).modified_at == datetime(
        2026, 3, 4, 18, tzinfo=UTC
    )
    # the date of publication may be the feed's
    assert read(tell(head=linked(dateModified="2026-03-01T00:00:00Z")), published_at=PUBLISHED).modified_at is None


@pytest.mark.parametrize(
    ("date", "precision"),
    [
        ("2026-03-04T18:20:00+01:00", "minute"), ("2026-03-04 17:20", "minute"), ("2026-03-04", "day"),
        ("2026-03-04T00:00:00+05:00", "day"), ("March 4, 2026", "day"), ("1772644800", "minute"), ("soon", ""),
    ],
)  # fmt: skip
def test_the_precision_of_a_date(date: str, precision: str) -> None:
    assert read(tell(head=linked(datePublished=date))).published_precision == precision


def test_a_source_with_the_time_of_day_goes_before_one_without() -> None:
    # midnight in the zone of the publisher is no time of day
    head = linked(datePublished="2026-03-04T00:00:00+02:00") + meta("article:published_time", "2026-03-04T17:20:00Z")
    article = read(tell(head=head))
    assert (article.published_at, article.published_precision) == (PUBLISHED, "minute")

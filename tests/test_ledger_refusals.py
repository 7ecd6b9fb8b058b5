"""What the ledger cannot store: it is left out with an event, and the rest of the poll is recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from pipeline.ledger import Ledger, Sighting
from pipeline.tables.database import METADATA, reading
from pipeline.tables.fit import RowInvalid
from pipeline.tables.keys import LONGEST_FEED, LONGEST_HOST
from transforms.records import ArticleLink, Event, FeedEntry, FeedState
from transforms.urls import link_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEED = "https://news.example/feed"
FAR = datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=12)))
LETTERS = "https://x.example/" + "語" * 970


def rows(ledger: Ledger, name: str) -> list[dict[str, object]]:
    with reading(ledger.engine) as connection:
        return [dict(row) for row in connection.execute(sa.select(METADATA.tables[name])).mappings()]


def claimed(ledger: Ledger) -> FeedState:
    ledger.feeds.add([FEED], NOW)
    return next(state for state in ledger.feeds.claim("me", NOW) if state.url == FEED)


@pytest.mark.parametrize("address", [LETTERS, "https://x.example/a\x00b", "https://x.example/\ud800", "a" * 5000])
def test_a_child_that_no_index_can_hold_does_not_stop_the_others(ledger: Ledger, address: str) -> None:
    state = claimed(ledger)
    good = Sighting(link_of(FeedEntry("https://news.example/1"), FEED, NOW))
    ledger.feeds.record_poll(state, [good], [], NOW, [(address, NOW), ("https://good.example/", NOW)])
    found = {str(row["url"]) for row in rows(ledger, "feeds")}
    assert {FEED, "https://good.example/"} <= found
    assert all(len(url.encode()) <= LONGEST_FEED for url in found)
    said = [row["detail"] for row in rows(ledger, "events") if row["kind"] == "refused"]
    assert len(found) + len(said) == 3
    # and again: the same answer changes nothing
    ledger.feeds.record_poll(state, [good], [], NOW, [(address, NOW), ("https://good.example/", NOW)])
    assert {str(row["url"]) for row in rows(ledger, "feeds")} == found
    assert ledger.feeds.add([address], NOW) == 0


@pytest.mark.parametrize(
    "hostile",
    [
        Sighting(link_of(FeedEntry("https://x.example/" + "x" * 100_000), FEED, NOW)),
        Sighting(link_of(FeedEntry("https://x.example/1"), FEED, NOW), updated_at=FAR),
        Sighting(link_of(FeedEntry("https://x.example/1"), FEED, FAR)),
    ],
    ids=["url", "updated", "discovered"],
)
def test_an_entry_that_cannot_be_stored_is_left_out_and_said(ledger: Ledger, hostile: Sighting) -> None:
    state = claimed(ledger)
    good = Sighting(link_of(FeedEntry("https://news.example/1"), FEED, NOW))
    assert ledger.feeds.record_poll(state, [hostile, good], [Event("gap", FEED, "x", NOW)], NOW) == 1
    assert [row["url"] for row in rows(ledger, "urls")] == ["https://news.example/1"]
    events = {row["kind"]: row["detail"] for row in rows(ledger, "events")}
    assert events["gap"] == "x" and str(events["refused"]).startswith("1 of 2 addresses cannot be stored, first urls.")


def test_texts_of_entries_and_feeds_are_made_to_fit(ledger: Ledger) -> None:
    state = claimed(ledger)
    hostile = "\x00\ud800‮" + "語" * 400_000
    link = ArticleLink(hostile[:1000], hostile, hostile, hostile, FEED, NOW, title=hostile, authors=(hostile,) * 50)
    ledger.feeds.record_poll(
        FeedState(**{**{name: getattr(state, name) for name in state.__slots__}, "title": hostile, "etag": hostile}),
        [Sighting(link, hostile)],
        [Event("gap", hostile, hostile, NOW)],
        NOW,
    )
    (sighting,), (url,) = rows(ledger, "sightings"), rows(ledger, "urls")
    assert sighting["canonical_url"] == url["canonical_url"] and len(str(url["host"]).encode()) <= LONGEST_HOST
    assert url["host"] in {row["host"] for row in rows(ledger, "hosts")}
    assert ledger.links.claim("me", NOW, host_delay_s=0.0), "its host must be claimable"


def test_a_host_that_no_name_has_is_the_same_in_every_table(ledger: Ledger) -> None:
    """Or the feed would be due for ever, and never claimed."""
    long = f"https://{'a' * 300}.example/feed"
    ledger.feeds.add([long], NOW)
    assert [state.url for state in ledger.feeds.claim("me", NOW)] == [long]


def test_a_state_that_cannot_be_stored_is_refused_as_a_whole(ledger: Ledger) -> None:
    state = claimed(ledger)
    values = {name: getattr(state, name) for name in state.__slots__}
    for wrong in ({"interval_s": float("nan")}, {"polls": 2**40}, {"moved_to": "x" * 70_000}, {"polled_at": FAR}):
        with pytest.raises(RowInvalid, match=next(iter(wrong))):
            ledger.feeds.record_poll(FeedState(**values | wrong), [], [], NOW)
    assert [row["polls"] for row in rows(ledger, "feeds")] == [0]

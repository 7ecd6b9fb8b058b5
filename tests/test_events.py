"""The job's messages to topics: dead letters that can be published again unchanged, and versioned events."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from apache_beam.io.gcp.pubsub import PubsubMessage

from pipeline.messages.links import checked_topic, read_link
from pipeline.sinks.topics import LONGEST_BODY, events_of, letters_of
from transforms.errors import UserError
from transforms.records import (
    Article,
    BadMessage,
    Block,
    BlockKind,
    Entity,
    Failure,
    FeedEntry,
    Image,
    Mention,
    Rejection,
)
from transforms.urls import link_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINK = link_of(FeedEntry("https://news.example/1", title="One"), "https://news.example/feed", NOW)
FAILURE = Failure(LINK, "timeout", "fetch", "FetchTimeout", "too slow", 1, NOW, None)
AGAIN = replace(FAILURE, due_at=NOW + timedelta(hours=1))
BUSY = replace(AGAIN, reason="host busy", tries=0)


def letters(ending: Rejection | Failure | BadMessage, tries_again: bool) -> list[PubsubMessage]:
    return list(letters_of(ending, tries_again))


def test_a_failure_is_a_dead_letter_if_it_is_not_retried() -> None:
    for ending, tries_again, count in (
        (FAILURE, True, 1),
        (AGAIN, True, 0),
        (AGAIN, False, 1),
        (BUSY, False, 0),
        (Rejection(LINK, "http 404", "fetch", "", NOW), False, 0),
    ):
        assert len(letters(ending, tries_again)) == count, (ending, tries_again)
    (letter,) = letters(FAILURE, True)
    assert read_link(letter.data) == LINK, "a dead letter that is published again must be fetched again"
    why = {"reason": "timeout", "stage": "fetch", "error": "too slow", "failed_at": "2026-03-01T12:00:00Z"}
    assert letter.attributes.items() >= why.items()


def test_a_bad_message_is_kept_unchanged() -> None:
    bad = BadMessage(b"\xffno json" * 1000, "é" * 2000, NOW, {"origin": "test"})
    (letter,) = letters(bad, True)
    assert letter.data == bad.data and letter.attributes["origin"] == "test"
    assert letter.attributes["reason"] == "bad message" and len(letter.attributes["error"].encode()) == 1024


def test_an_article_is_an_event_with_its_rows() -> None:
    article = Article(
        LINK,
        LINK.url,
        title="One",
        language="en",
        blocks=(Block(BlockKind.PARAGRAPH, "Oslo is cold."),),
        images=(Image("https://news.example/i.jpg", "Oslo"),),
        fetched_at=NOW,
        entities=(Entity("Oslo", "GPE", 1, 1.0),),
        mentions=(Mention(0, 0, 4, "Oslo", "GPE"),),
    )
    (message,) = events_of(article, NOW)
    event = json.loads(message.data)
    assert event["version"] == 1 and event["event"] == "article"
    assert event["article"]["body"] == "Oslo is cold." and event["article"]["processed_at"] == "2026-03-01T12:00:00Z"
    assert [entity["name"] for entity in event["entities"]] == ["Oslo"] and len(event["images"]) == 1
    assert message.attributes == {
        "event": "article",
        "version": "1",
        "host": "news.example",
        "language": "en",
        "article_id": LINK.article_id,
    }
    # JSON has six bytes for a control character
    for text, images in (("x", 1_000), ("\x01", 1)):
        body = Block(BlockKind.PARAGRAPH, text * 2_000_000)
        long = replace(article, blocks=(body,), images=(Image("https://x.example/i", "x" * 10_000),) * images)
        (message,) = events_of(long, NOW)
        assert len(message.data) < LONGEST_BODY and json.loads(message.data)["is_cut"]


def test_a_fate_is_an_event() -> None:
    (message,) = events_of(AGAIN, NOW)
    event = json.loads(message.data)
    assert event["event"] == "failed" and event["url"]["due_at"] == "2026-03-01T13:00:00Z"
    (message,) = events_of(Rejection(LINK, "http 404", "fetch", "", NOW), NOW)
    assert json.loads(message.data)["url"]["reason"] == "http 404" == message.attributes["reason"]
    assert list(events_of(BadMessage(b"", "", NOW), NOW)) == []


def test_a_dead_letter_fits_a_message_whatever_it_holds() -> None:
    """A message as long as Pub/Sub takes, with as many attributes, becomes a dead letter with some more."""
    bad = BadMessage(b"x" * 10_000_000, "\ud800", NOW, {f"k{number}": "v" * 1024 for number in range(100)})
    (letter,) = letters(bad, True)
    assert len(letter.data) <= LONGEST_BODY and len(letter.attributes) == 100
    assert letter.attributes["is_cut"] == "true" and letter.attributes["reason"] == "bad message"
    for title in ("\ud800", "\x01" * 3_000_000):
        (letter,) = letters(replace(FAILURE, link=replace(LINK, title=title)), True)
        assert len(letter.data) <= LONGEST_BODY and read_link(letter.data).url == LINK.url


def test_an_outcome_that_no_row_can_hold_is_an_event_of_its_failure() -> None:
    (message,) = events_of(replace(AGAIN, tries=2**70), NOW)
    assert json.loads(message.data)["url"]["stage"] == "sink"
    article = Article(LINK, LINK.url, mentions=(Mention(0, 2**40, 0, "x", "GPE"),))
    (message,) = events_of(article, NOW)
    assert json.loads(message.data)["event"] == "failed"


@pytest.mark.parametrize("name", ["", "news", "projects/p/subscriptions/s", "projects/p/topics/t/x"])
def test_an_invalid_topic_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="not a topic"):
        checked_topic(name)

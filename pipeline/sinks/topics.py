"""The topics that a job writes: dead letters, and events for consumers.

Both carry versioned JSON. A dead letter's body is a message of the topic of URLs: to replay it, publish it there again.
Its attributes say why it ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
import msgspec
from apache_beam.io.gcp.pubsub import PubsubMessage, WriteToPubSub

from pipeline.messages.links import attributes_of, checked_topic, cut_attribute, encode_link
from pipeline.sinks.refused import storable_outcome
from pipeline.tables.rows import Row
from pipeline.tables.schema import PARTS
from transforms.errors import MessageInvalid
from transforms.records import Article, ArticleLink, BadMessage, Failure, Outcome, Rejection

EVENT_VERSION = 1
# https://cloud.google.com/pubsub/quotas#resource_limits: a message has at most 10 MB and 100 attributes
LONGEST_BODY = 9_000_000
MOST_ATTRIBUTES = 100
# the fields of an event about a URL that did not become an article
EVENT_URL = ("canonical_url", "url", "article_id", "feed_url", "reason", "stage", "message", "tries", "due_at")


class WriteDeadLetters(beam.PTransform):  # type: ignore[misc]
    """Write bad messages, and failures that will not be retried, to a topic.

    With `tries_again`, a failure that has a `due_at` is retried, and so is not written.
    """

    def __init__(self, topic: str, tries_again: bool) -> None:
        super().__init__()
        self.topic, self.tries_again = checked_topic(topic), tries_again

    def expand(self, endings: Any) -> Any:
        letters = endings | "Letters" >> beam.FlatMap(letters_of, self.tries_again).with_input_types(
            Rejection | Failure | BadMessage, bool
        )
        return letters | "Write" >> WriteToPubSub(self.topic, with_attributes=True)


class WriteEvents(beam.PTransform):  # type: ignore[misc]
    """Write an event for every article and every fate to a topic."""

    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = checked_topic(topic)

    def expand(self, outcomes: tuple[Any, Any]) -> Any:
        articles, endings = outcomes
        events = (
            articles | "Articles" >> beam.FlatMap(events_of).with_input_types(Article),
            endings | "Endings" >> beam.FlatMap(events_of).with_input_types(Rejection | Failure | BadMessage),
        ) | "Events" >> beam.Flatten()
        return events | "Write" >> WriteToPubSub(self.topic, with_attributes=True)


def letters_of(ending: Rejection | Failure | BadMessage, tries_again: bool) -> Iterator[PubsubMessage]:
    """Yield the dead letter of an ending, if it has one."""
    if isinstance(ending, BadMessage):
        why = {
            "reason": MessageInvalid.reason,
            "stage": "read",
            "error": ending.error,
            "failed_at": f"{ending.at:%FT%TZ}",
        }
        if len(ending.data) > LONGEST_BODY:
            why["is_cut"] = "true"
        first = dict(list(ending.attributes.items())[: MOST_ATTRIBUTES - len(why)])
        yield PubsubMessage(ending.data[:LONGEST_BODY], _cut(first) | _cut(why))
    elif isinstance(ending, Failure) and ending.tries > ending.link.tries:
        if tries_again and ending.due_at is not None:
            return
        why = {
            "reason": ending.reason,
            "stage": ending.stage,
            "error": ending.message,
            "failed_at": f"{ending.at:%FT%TZ}",
        }
        yield PubsubMessage(_encode_link_within(ending.link), attributes_of(ending.link) | _cut(why))


def _encode_link_within(link: ArticleLink) -> bytes:
    """Encode a link; if no message can hold it, without what the feed said about the article."""
    data = encode_link(link)
    if len(data) <= LONGEST_BODY:
        return data
    return encode_link(replace(link, title="", authors=(), language=""))


def events_of(outcome: Outcome | BadMessage, now: datetime | None = None) -> Iterator[PubsubMessage]:
    """Yield the event of an outcome: its rows in the tables that are declared `in_events`, or its fate.

    {"version": 1, "event": "article", "article": {...}, "entities": [...], "mentions": [...], "images": [...]}
    {"version": 1, "event": "rejected" | "failed", "url": {...}}
    """
    if isinstance(outcome, BadMessage):
        return
    outcome, landing = storable_outcome(outcome, now or datetime.now(UTC))
    tables = landing.tables
    body: dict[str, Any] = {"version": EVENT_VERSION}
    if isinstance(outcome, Article):
        (article,) = tables["articles"]
        parts = {table.name: tables[table.name] for table in PARTS if table.in_events}
        data = _encode_within(body | {"event": "article", "article": article}, parts)
        attributes = {"event": "article"} | {name: article[name] for name in ("host", "language", "article_id")}
    else:
        (url,) = tables["urls"]
        data = msgspec.json.encode(body | {"event": url["outcome"], "url": {name: url[name] for name in EVENT_URL}})
        attributes = {"event": url["outcome"]} | {name: url[name] for name in ("host", "reason", "article_id")}
    yield PubsubMessage(data, _cut(attributes | {"version": str(EVENT_VERSION)}))


def _encode_within(body: dict[str, Any], parts: dict[str, Sequence[Row]]) -> bytes:
    """Encode an event; if no message can hold it, truncate the article's body and drop the largest parts until it fits.

    `is_cut` marks such an event; the tables have the complete rows.
    """
    data = msgspec.json.encode(body | parts)
    if len(data) <= LONGEST_BODY:
        return data
    by_size = sorted(parts, key=lambda name: len(msgspec.json.encode(parts[name])))
    article = {**body["article"], "body": body["article"]["body"][: LONGEST_BODY // 8]}
    while len(data) > LONGEST_BODY and by_size:
        by_size.pop()
        kept = {name: parts[name] for name in parts if name in by_size}
        data = msgspec.json.encode(body | {"article": article, "is_cut": True} | kept)
    return data


def _cut(attributes: dict[str, str]) -> dict[str, str]:
    return {name: cut_attribute(value) for name, value in attributes.items() if value}

"""The outbox: due URLs reach the topic, paced, despite kills at any time; and messages survive a round trip."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from google.api_core.exceptions import NotFound
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Config
from pipeline.jobs.publish import ANNOUNCE_AGAIN, BUDGET_S, Publisher
from pipeline.ledger import Ledger, Sighting
from pipeline.loop import Loop
from pipeline.messages.links import LONGEST_ATTRIBUTE, attributes_of, encode_link, read_link
from pipeline.sinks.sql import write_landings
from pipeline.tables.database import METADATA, open_database
from pipeline.tables.rows import landing_of
from transforms.errors import MessageInvalid, UserError
from transforms.records import ArticleLink, Failure, FeedEntry
from transforms.urls import link_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TOPIC = "projects/proj-one/topics/urls"
HOSTS = METADATA.tables["hosts"]


class Wire:
    """A client that records what is sent; from message number `broken_at` on, nothing arrives."""

    def __init__(self, broken_at: int = 10**9) -> None:
        self.sent: list[tuple[ArticleLink, dict[str, str]]] = []
        self.broken_at = broken_at

    def publish(self, topic: str, data: bytes, **attributes: str) -> Future[str]:
        assert topic == TOPIC
        future: Future[str] = Future()
        if len(self.sent) >= self.broken_at:
            future.set_exception(ConnectionError("no such wire"))
        else:
            self.sent.append((read_link(data), attributes))
            future.set_result(str(len(self.sent)))
        return future

    @property
    def urls(self) -> list[str]:
        return [link.url for link, _ in self.sent]


def add(ledger: Ledger, *urls: str, at: datetime = NOW) -> list[ArticleLink]:
    links = [link_of(FeedEntry(url, title=f"About {url}"), "https://feeds.example/one", at) for url in urls]
    ledger.links.add([Sighting(link) for link in links], at)
    return links


def publisher_of(ledger: Ledger, wire: Wire, delay: float = 0.0) -> Publisher:
    return Publisher(ledger.engine, TOPIC, Config(host_delay=delay), wire)


def test_each_due_url_is_announced_once(ledger: Ledger) -> None:
    links = add(ledger, "https://a.example/1", "https://a.example/2", "https://b.example/1")
    wire = Wire()
    publisher = publisher_of(ledger, wire)
    assert publisher.publish_due(NOW) == 3
    assert sorted(wire.urls) == sorted(link.url for link in links)
    assert publisher.publish_due(NOW + SECOND) == 0 == publisher.count_unannounced(NOW + SECOND)
    link, attributes = wire.sent[0]
    assert link in links
    assert attributes == {
        "version": "1",
        "host": link.host,
        "feed": "https://feeds.example/one",
        "discovered_at": NOW.isoformat(),
        "article_id": link.article_id,
    }


def test_messages_that_were_sent_but_not_marked_are_sent_again(ledger: Ledger) -> None:
    add(ledger, "https://a.example/1", "https://b.example/1")
    broken = Wire(broken_at=1)
    with pytest.raises(ConnectionError):
        publisher_of(ledger, broken).publish_due(NOW)
    assert len(broken.sent) == 1
    whole = Wire()
    assert publisher_of(ledger, whole).publish_due(NOW) == 2, "nothing may be marked before all messages have arrived"


def test_a_failed_url_is_announced_again_when_it_is_due(ledger: Ledger) -> None:
    (link,) = add(ledger, "https://a.example/1")
    wire = Wire()
    publisher = publisher_of(ledger, wire)
    publisher.publish_due(NOW)
    due = NOW + timedelta(minutes=5)
    failure = Failure(link, "timeout", "fetch", "FetchTimeout", "too slow", 1, NOW, due)
    write_landings(ledger.engine, [landing_of(failure, NOW + SECOND)])
    assert publisher.publish_due(due - SECOND) == 0
    assert publisher.publish_due(due) == 1
    assert [sent.tries for sent, _ in wire.sent] == [0, 1]
    assert publisher.publish_due(due + SECOND) == 0


def test_a_url_without_a_fate_is_announced_again_after_a_while(ledger: Ledger) -> None:
    add(ledger, "https://a.example/1")
    wire = Wire()
    publisher = publisher_of(ledger, wire)
    publisher.publish_due(NOW)
    assert publisher.publish_due(NOW + ANNOUNCE_AGAIN) == 0
    assert publisher.publish_due(NOW + ANNOUNCE_AGAIN + SECOND) == 1


def test_a_host_gets_no_more_urls_than_its_pace_allows(ledger: Ledger) -> None:
    add(ledger, *(f"https://slow.example/{n}" for n in range(12)), *(f"https://quick.example/{n}" for n in range(12)))
    with ledger.engine.begin() as connection:
        connection.execute(sa.update(HOSTS).where(HOSTS.c.host == "slow.example").values(delay_s=5.0))
    wire = Wire()
    publisher = publisher_of(ledger, wire, delay=1.0)
    assert publisher.publish_due(NOW) == 2 + BUDGET_S
    assert sum("slow" in url for url in wire.urls) == 2
    assert wire.urls[1] != wire.urls[0] and {"slow" in url for url in wire.urls[:2]} == {True, False}, (
        "hosts must take turns"
    )
    assert publisher.publish_due(NOW + timedelta(seconds=BUDGET_S) - SECOND) == 0
    assert publisher.count_unannounced(NOW) == 12
    rounds, now = 0, NOW
    while publisher.count_unannounced(now):
        now += timedelta(seconds=BUDGET_S)
        publisher.publish_due(now)
        rounds += 1
    assert rounds == 5 and len(wire.urls) == len(set(wire.urls)) == 24


def test_a_leased_host_is_left_alone(ledger: Ledger) -> None:
    add(ledger, "https://a.example/1")
    assert ledger.links.claim("worker", NOW)
    assert publisher_of(ledger, Wire()).publish_due(NOW) == 0
    ledger.leases.release("worker", NOW, {"a.example": 3.0})
    assert publisher_of(ledger, Wire()).publish_due(NOW + SECOND) == 0
    assert publisher_of(ledger, Wire()).publish_due(NOW + 3 * SECOND) == 1


def test_a_url_whose_host_the_ledger_does_not_know_is_announced_too(ledger: Ledger) -> None:
    """Another program published it; it failed, and the sink wrote it to the ledger."""
    link = link_of(FeedEntry("https://new.example/1"), "", NOW)
    failure = Failure(link, "timeout", "fetch", "FetchTimeout", "too slow", 1, NOW, NOW)
    write_landings(ledger.engine, [landing_of(failure, NOW)])
    wire = Wire()
    publisher = publisher_of(ledger, wire, delay=2.0)
    assert publisher.publish_due(NOW + SECOND) == 1
    assert wire.urls == [link.url]
    add(ledger, "https://new.example/2")
    assert publisher.publish_due(NOW + 2 * SECOND) == 0, "the host is left alone while the first is fetched"
    assert publisher.publish_due(NOW + 3 * SECOND) == 1


def test_a_missing_topic_is_a_user_error(ledger: Ledger) -> None:
    class Topicless(Wire):
        def publish(self, topic: str, data: bytes, **attributes: str) -> Future[str]:
            future: Future[str] = Future()
            future.set_exception(NotFound("no such topic"))
            return future

    add(ledger, "https://a.example/1", at=datetime.now(UTC))
    with pytest.raises(UserError, match="create it first"):
        publisher_of(ledger, Topicless()).run()


def test_an_unavailable_topic_is_retried(ledger: Ledger) -> None:
    class Flaky(Wire):
        def publish(self, topic: str, data: bytes, **attributes: str) -> Future[str]:
            future = super().publish(topic, data, **attributes)
            self.broken_at = 10**9
            return future

    add(ledger, "https://a.example/1", at=datetime.now(UTC))
    wire = Flaky(broken_at=0)
    publisher = Publisher(
        ledger.engine, TOPIC, Config(host_delay=0), wire, loop=Loop("publishing failed", trouble_s=0.01)
    )
    publisher.finish()
    publisher.run()
    assert len(wire.sent) == 1


def test_it_ends_when_nothing_is_left_or_when_stopped(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/x.db")
    add(Ledger(engine), "https://a.example/1")
    wire = Wire()
    publisher = publisher_of(Ledger(engine), wire)
    publisher.finish()
    publisher.run()
    assert len(wire.sent) == 1
    publisher.stop()
    publisher.run()
    engine.dispose()


# -- messages

TIMES = st.none() | st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50)
LINKS = st.builds(
    ArticleLink,
    url=TEXTS.filter(bool),
    canonical_url=TEXTS.filter(bool),
    article_id=TEXTS.filter(bool),
    host=TEXTS.filter(bool),
    feed_url=TEXTS,
    discovered_at=TIMES,
    tries=st.integers(0, 50),
    title=TEXTS,
    published_at=TIMES,
    authors=st.lists(TEXTS, max_size=3).map(tuple),
    language=TEXTS,
)


@given(LINKS)
def test_a_link_is_read_as_it_was_written(link: ArticleLink) -> None:
    assert read_link(encode_link(link)) == link


@given(LINKS)
def test_attributes_are_within_the_limits_of_pubsub(link: ArticleLink) -> None:
    long = replace(link, feed_url=link.feed_url * 100)
    for value in attributes_of(long).values():
        assert 0 < len(value.encode()) <= LONGEST_ATTRIBUTE


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_link_or_refused(data: bytes) -> None:
    with pytest.raises(MessageInvalid):
        read_link(data)


def test_version_and_url_are_sufficient() -> None:
    url = "https://www.example.org/a?utm_source=x"
    expected = link_of(FeedEntry(url), "", NOW)
    found = read_link(b'{"version": 1, "url": "%s", "from": "a later version"}' % url.encode())
    assert found == replace(expected, discovered_at=None)


@pytest.mark.parametrize(
    "body",
    [
        '{"url": "https://example.org/"}',
        '{"version": 2, "url": "https://example.org/"}',
        '{"version": 1, "url": ""}',
        '{"version": 1, "url": "\\u0000"}',
        '{"version": 1, "url": "https://example.org/", "tries": -1}',
        '{"version": 1, "url": "https://example.org/", "discovered_at": "2026-03-01T12:00:00"}',
        '{"version": 1, "url": "https://example.org/", "authors": "Ann"}',
        "[" * 100_000,
    ],
)
def test_a_message_that_is_not_a_link_is_refused(body: str) -> None:
    with pytest.raises(MessageInvalid):
        read_link(body.encode())

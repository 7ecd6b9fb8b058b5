"""Batches of the fetcher: order, slow consumers, abandoned batches."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator

import pytest
from test_fetch import POLICY, Names, links_of
from test_fetch_failures import say_nothing
from tinyserver import Seen, TinyServer, answer, page

from transforms.errors import (
    HostBusy,
)
from transforms.fetch.fetcher import FeedAnswer, FeedRequest, Fetcher, FetchPolicy, shared_fetcher
from transforms.results import Ended, Ok

# Batches.


def test_a_slow_consumer_slows_the_work() -> None:
    names = Names({f"site{n}.example": ["127.0.0.1"] for n in range(100)} | {"clock.example": ["127.0.0.1"]})
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY, resolve=names) as fetcher:
        urls = [f"http://site{n}.example:{server.port}/page/{k}" for n in range(100) for k in range(2)]
        stream = fetcher.fetch_articles(links_of(urls))
        next(stream)
        # side requests serve as a clock; they must not wait for the slow consumer either
        for n in range(100):
            fetcher.fetch_page(f"http://clock.example:{server.port}/tick/{n}")
        ahead = sum(path.startswith("/page") for path in server.paths())
        assert 1 < ahead <= 1 + 32
        assert len(list(stream)) == 199


def test_a_slow_consumer_does_not_hold_up_its_own_side_requests() -> None:
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        urls = [f"{server.base}/page/{n}" for n in range(120)]
        stream = fetcher.fetch_articles(links_of(urls))
        next(stream)
        for n in range(60):
            assert fetcher.fetch_page(f"{server.base}/side/{n}").body
        assert len(list(stream)) == 119


def test_an_abandoned_batch_ends() -> None:
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        stream = fetcher.fetch_articles(links_of([f"{server.base}/page/{n}" for n in range(300)]))
        next(stream)
        stream.close()
        for n in range(100):
            fetcher.fetch_page(f"{server.base}/tick/{n}")
        assert sum(path.startswith("/page") for path in server.paths()) < 60


def test_results_come_in_order_of_completion() -> None:
    async def slow(seen: Seen) -> AsyncIterator[bytes]:
        while "/fast" not in server.paths():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        yield page()

    with TinyServer({"/slow": slow, "*": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        links = links_of([f"{server.base}/slow", f"{server.base}/fast"])
        urls = [outcome.record.url for outcome in fetcher.fetch_articles(links) if isinstance(outcome, Ok)]
    assert urls == [f"{server.base}/fast", f"{server.base}/slow"]


def test_feeds_asked_one_by_one_are_answered_as_they_come() -> None:
    answers: queue.SimpleQueue[FeedAnswer] = queue.SimpleQueue()
    release = threading.Event()

    async def slow(seen: Seen) -> AsyncIterator[bytes]:
        while not release.is_set():
            await asyncio.sleep(0.001)
        yield page()

    routes = {"/slow": slow, "/gone": lambda seen: answer(410), "*": lambda seen: page()}
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        fetcher.ask_feed(FeedRequest(f"{server.base}/slow"), answers.put)
        for name in ("/a", "/gone"):
            fetcher.ask_feed(FeedRequest(f"{server.base}{name}"), answers.put)
        quick = [answers.get(timeout=60) for _ in range(2)]
        assert sorted(found.status for found in quick) == [200, 410]
        release.set()
        assert answers.get(timeout=60).request.url == f"{server.base}/slow"
    with pytest.raises(RuntimeError):
        fetcher.ask_feed(FeedRequest(f"{server.base}/a"), answers.put)


def test_a_callback_that_fails_stops_nothing() -> None:
    answers: queue.SimpleQueue[FeedAnswer] = queue.SimpleQueue()
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        for action in (lambda found: 1 / 0, answers.put):
            fetcher.ask_feed(FeedRequest(f"{server.base}/a"), action)
        assert answers.get(timeout=60).status == 200


def test_an_empty_batch_ends_at_once() -> None:
    with Fetcher(POLICY) as fetcher:
        assert list(fetcher.fetch_articles([])) == []
        assert list(fetcher.fetch_feeds([])) == []


def test_closing_ends_a_batch_that_is_being_read() -> None:
    with TinyServer({"*": say_nothing, "/feed": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        requests = [FeedRequest(f"{server.base}/feed"), FeedRequest(f"{server.base}/never")]
        stream = fetcher.fetch_feeds(requests)
        assert next(stream).status == 200
        fetcher.close()
        with pytest.raises(RuntimeError, match="closed"):
            next(stream)


def test_a_process_shares_one_fetcher_per_policy() -> None:
    first = shared_fetcher(POLICY)
    assert shared_fetcher(POLICY) is first
    assert shared_fetcher(FetchPolicy(host_delay_s=5)) is not first
    first.close()
    assert shared_fetcher(POLICY) is not first
    shared_fetcher(POLICY).close()
    shared_fetcher(FetchPolicy(host_delay_s=5)).close()


def test_a_host_with_a_long_crawl_delay_does_not_hold_up_a_batch() -> None:
    robots = answer(200, b"User-agent: *\nCrawl-delay: 100\n", content_type="text/plain")
    routes = {"/robots.txt": lambda seen: robots, "*": lambda seen: page()}
    started = time.monotonic()
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        links = links_of([f"{server.base}/{n}" for n in range(5)])
        outcomes = list(fetcher.fetch_articles(links, budget_s=30))
        assert server.paths() == ["/robots.txt"] and fetcher.delay_of("127.0.0.1") == 100
    assert time.monotonic() - started < 30, "the batch must not wait for its budget"
    assert len(outcomes) == 5
    for outcome in outcomes:
        assert isinstance(outcome, Ended) and isinstance(outcome.error, HostBusy)
        assert 90 < (outcome.error.retry_after or 0) <= 100

"""How the fetcher handles failures: statuses, timeouts, connections, broken answers."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from newsworld import find_free_port
from test_fetch import POLICY, Names, fetch_all, fetch_one, links_of
from tinyserver import Reply, Seen, TinyServer, answer, page

from transforms.errors import (
    ConnectFailed,
    DnsFailed,
    FetchTimeout,
    HttpRejected,
    HttpUnavailable,
    InvalidUrl,
    NewsbeamError,
    ProtocolFailed,
)
from transforms.fetch.fetcher import FeedRequest, Fetcher, FetchPolicy
from transforms.records import FetchedPage
from transforms.results import Ok

# Statuses.


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 522, 524])
def test_temporary_statuses_can_be_retried(status: int) -> None:
    with TinyServer({"*": lambda seen: answer(status)}) as server, pytest.raises(HttpUnavailable) as caught:
        fetch_one(f"{server.base}/a")
    assert caught.value.reason == f"http {status}"


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 402, 403, 404, 410, 418, 451, 501, 505, 599])
def test_other_statuses_are_final(status: int) -> None:
    with TinyServer({"*": lambda seen: answer(status)}) as server, pytest.raises(HttpRejected) as caught:
        fetch_one(f"{server.base}/a")
    assert caught.value.reason == f"http {status}"


def test_retry_after_is_passed_on() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    routes = {
        "/seconds": lambda seen: answer(503, retry_after="120"),
        "/date": lambda seen: answer(503, retry_after=date),
        "/odd": lambda seen: answer(503, retry_after="soon"),
    }
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        seconds, dated, odd = fetch_all(fetcher, [server.base + path for path in routes])
    assert isinstance(seconds, HttpUnavailable)
    assert seconds.retry_after == 120
    assert isinstance(dated, HttpUnavailable)
    assert dated.retry_after is not None
    assert 80 < dated.retry_after <= 90
    assert isinstance(odd, HttpUnavailable)
    assert odd.retry_after is None


def test_a_feed_request_sends_its_validators() -> None:
    def feed(seen: Seen) -> Reply:
        if seen.headers.get("if-none-match") == '"v1"' and "if-modified-since" in seen.headers:
            return answer(304, etag='"v1"', cache_control="max-age=600")
        return answer(200, b"<rss/>", etag='"v1"', last_modified="Sun, 01 Mar 2026 12:00:00 GMT")

    with TinyServer({"*": feed}) as server, Fetcher(POLICY) as fetcher:
        (first,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/feed")])
        assert (first.status, first.body) == (200, b"<rss/>")
        known = FeedRequest(f"{server.base}/feed", first.headers["etag"], first.headers["last-modified"])
        (second,) = fetcher.fetch_feeds([known])
        assert (second.status, second.body, second.error) == (304, b"", None)
        assert second.headers["cache-control"] == "max-age=600"
        # validators from a broken server must not break the next request
        (third,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/feed", "a\r\nX-Evil: 1", "é")])
        assert third.status == 200
    assert "x-evil" not in server.seen[-1].headers


# Time.


async def say_nothing(seen: Seen) -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def drip_head(seen: Seen) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-Wait: 1\r\n"
        await asyncio.sleep(0.02)


async def drip_body(seen: Seen) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    while True:
        yield b"<p>"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("route", [say_nothing, drip_head, drip_body])
def test_a_slow_answer_times_out(route: object) -> None:
    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, timeout_s=0.3)
    with TinyServer({"*": route}) as server, Fetcher(policy) as fetcher:  # type: ignore[dict-item]
        started = time.monotonic()
        with pytest.raises(FetchTimeout):
            fetcher.fetch_page(f"{server.base}/a")
        assert 0.25 < time.monotonic() - started < 5


def test_the_timeout_covers_all_redirects_together() -> None:
    async def slow_redirect(seen: Seen) -> AsyncIterator[bytes]:
        await asyncio.sleep(0.15)
        yield answer(302, location=seen.path + "x")

    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, timeout_s=0.4)
    with TinyServer({"*": slow_redirect}) as server, pytest.raises(FetchTimeout):
        fetch_one(f"{server.base}/a", policy)


def test_waiting_for_a_turn_does_not_count_towards_the_timeout() -> None:
    policy = FetchPolicy(host_delay_s=0.15, allow_private_addresses=True, timeout_s=1)
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(policy) as fetcher:
        outcomes = fetch_all(fetcher, [f"{server.base}/{n}" for n in range(9)])
    assert all(isinstance(outcome, FetchedPage) for outcome in outcomes)


# Hosts that fail.


def test_a_host_that_does_not_connect_is_left_alone() -> None:
    names = Names({"down.example": ["127.0.0.1"], "up.example": ["127.0.0.1"]})
    closed = find_free_port()
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY, resolve=names) as fetcher:
        first, second = fetch_all(fetcher, [f"http://down.example:{closed}/{n}" for n in range(2)])
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"http://down.example:{closed}/feed")])
        assert names.lookups == ["down.example"]
        for error in (first, second, feed.error):
            assert isinstance(error, ConnectFailed)
        assert isinstance(feed.error, ConnectFailed)
        assert feed.error.retry_after is not None
        assert 590 < feed.error.retry_after <= 600
        # other ports and other hosts are not affected
        assert fetcher.fetch_page(f"http://down.example:{server.port}/a").body
        assert fetcher.fetch_page(f"http://up.example:{server.port}/a").body


def test_a_name_that_does_not_resolve_is_a_dns_error() -> None:
    names = Names({})
    with Fetcher(POLICY, resolve=names) as fetcher:
        found = fetch_all(fetcher, ["http://gone.example/a", "http://gone.example/b"])
    assert {type(error) for error in found} == {DnsFailed}
    assert names.lookups == ["gone.example"]


def test_the_system_resolver_maps_its_errors() -> None:
    # RFC 6761: "invalid" never resolves
    found = [outcome for outcome in map(catch, ["http://a.invalid/", f"http://{'a' * 70}.invalid/"]) if outcome]
    assert [type(error) for error in found] in ([DnsFailed, InvalidUrl], [DnsFailed, DnsFailed])


def catch(url: str, policy: FetchPolicy = POLICY) -> NewsbeamError | None:
    try:
        fetch_one(url, policy)
    except NewsbeamError as error:
        return error
    return None


def test_too_many_requests_stop_everything_to_the_host() -> None:
    routes = {"/a": lambda seen: answer(429, retry_after="50"), "*": lambda seen: page()}
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        for path in ("/a", "/b"):
            with pytest.raises(HttpUnavailable) as caught:
                fetcher.fetch_page(server.base + path)
            assert caught.value.status == 429
            assert caught.value.retry_after is not None
            assert 45 < caught.value.retry_after <= 50
    assert "/b" not in server.paths()


def test_a_host_that_times_out_again_and_again_is_left_alone() -> None:
    policy = FetchPolicy(host_delay_s=0, host_concurrency=1, allow_private_addresses=True, timeout_s=0.1)
    with TinyServer({"*": say_nothing}) as server, Fetcher(policy) as fetcher:
        outcomes = fetch_all(fetcher, [f"{server.base}/{n}" for n in range(9)])
    assert {type(outcome) for outcome in outcomes} == {FetchTimeout}
    assert server.paths() == ["/robots.txt", "/0", "/1", "/2"]


# Only errors of newsbeam are raised.

BROKEN = {
    "nothing": None,
    "garbage": b"\x00\x01\x02\x03\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no status": b"HTTP/1.1 \r\n\r\n",
    "status of letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "too short": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\nConnection: close\r\n\r\nabc",
    "length of letters": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabc",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "broken chunks": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
    "cut chunks": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n",
    "cut gzip": answer(200, gzip.compress(b"<p>news</p>" * 50)[:-9], content_encoding="gzip"),
    "broken gzip": answer(200, gzip.compress(b"<p>news</p>" * 50)[:12] + b"\xff" * 9, content_encoding="gzip"),
    "h2 preface": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_a_protocol_error(name: str) -> None:
    with TinyServer({"*": lambda seen: BROKEN[name]}) as server, pytest.raises(ProtocolFailed):
        fetch_one(f"{server.base}/a")


def test_a_connection_that_is_reset_is_a_protocol_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Fetcher(POLICY) as fetcher:
        port = listener.getsockname()[1]
        stream = fetcher.fetch_feeds([FeedRequest(f"http://127.0.0.1:{port}/feed")])

        async def reset() -> None:
            loop = asyncio.get_running_loop()
            listener.setblocking(False)
            connection, _ = await loop.sock_accept(listener)
            await loop.sock_recv(connection, 4_096)
            # linger for 0 s: closing sends RST
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

        with TinyServer({}) as helper:
            pending = asyncio.run_coroutine_threadsafe(reset(), helper._loop)
            (feed,) = stream
            pending.result(5)
    assert isinstance(feed.error, ProtocolFailed)


@given(
    head=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 301 X\r\nLocation: "]) | st.binary(max_size=30),
    rest=st.binary(max_size=200),
    url=st.text(max_size=20),
)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_foreign_error_leaks(scratch: tuple[TinyServer, Fetcher], head: bytes, rest: bytes, url: str) -> None:
    server, fetcher = scratch
    server.routes["*"] = lambda seen: head + rest
    for address in (f"{server.base}/{url}", url):
        (feed,) = fetcher.fetch_feeds([FeedRequest(address, etag=url, last_modified=url)])
        assert feed.error is None or isinstance(feed.error, NewsbeamError)
        (outcome,) = fetcher.fetch_articles(links_of([address]))
        assert isinstance(outcome, Ok) or isinstance(outcome.error, NewsbeamError)


@pytest.fixture
def scratch():  # type: ignore[no-untyped-def]
    # a redirect may lead to any host, but none resolves here
    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, timeout_s=0.5)
    with TinyServer({}) as server, Fetcher(policy, resolve=Names({})) as fetcher:
        yield server, fetcher

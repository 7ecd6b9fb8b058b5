"""One host, page or name that would stop others, or make the fetcher do what it must not."""

from __future__ import annotations

import asyncio
import errno
import gzip
import ipaddress
import queue
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator

import pytest
from test_fetch import POLICY, Names, fetch_all, links_of
from test_inflate import empty_blocks
from tinyserver import Route, Seen, TinyServer, answer, page

from transforms.errors import (
    ConnectFailed,
    HostBusy,
    HttpRejected,
    InvalidUrl,
    PrivateAddress,
    ProtocolFailed,
    RedirectLoop,
    TlsFailed,
    TooLarge,
)
from transforms.fetch import exchange
from transforms.fetch import fetcher as fetcher_module
from transforms.fetch.dial import Dialler
from transforms.fetch.fetcher import FeedAnswer, FeedRequest, Fetcher, FetchPolicy
from transforms.fetch.target import parse_target
from transforms.records import FetchedPage
from transforms.results import Ended, Ok

# A slow robots.txt.


def test_a_slow_robots_txt_does_not_hold_up_a_batch() -> None:
    names = Names({f"{name}.example": ["127.0.0.1"] for name in ("slow1", "slow2", "good")})
    release = asyncio.Event()

    async def slow(seen: Seen) -> AsyncIterator[bytes]:
        await release.wait()
        yield answer(404)

    def robots(seen: Seen) -> bytes:
        if seen.headers["host"].startswith("slow"):
            return answer(302, location="/late/robots.txt")
        return answer(404)

    routes = {"/robots.txt": robots, "/late/robots.txt": slow, "*": lambda seen: page()}
    with TinyServer(routes) as server, Fetcher(POLICY, resolve=names) as fetcher:
        slow_urls = [f"http://slow{n % 2 + 1}.example:{server.port}/{n}" for n in range(10)]
        good_urls = [f"http://good.example:{server.port}/{n}" for n in range(5)]
        started = time.monotonic()
        outcomes = list(fetcher.fetch_articles(links_of([*slow_urls, *good_urls]), budget_s=1.5))
        assert 1.4 < time.monotonic() - started < 6
        assert {outcome.record.link.url for outcome in outcomes if isinstance(outcome, Ok)} == set(good_urls)
        ended = [outcome for outcome in outcomes if isinstance(outcome, Ended)]
        assert {outcome.link.url for outcome in ended} == set(slow_urls)
        assert all(isinstance(outcome.error, HostBusy) and outcome.error.retry_after for outcome in ended)
        # fetching robots.txt went on: the next batch finds it
        server.run(_set(release))
        found = fetch_all(fetcher, slow_urls)
        assert all(isinstance(outcome, FetchedPage) for outcome in found)
        assert server.paths().count("/late/robots.txt") == 2


async def _set(event: asyncio.Event) -> None:
    event.set()


def test_many_slow_robots_txt_take_nothing_from_known_hosts() -> None:
    names = Names({f"slow{n}.example": ["127.0.0.1"] for n in range(80)} | {"good.example": ["127.0.0.1"]})

    async def robots(seen: Seen) -> AsyncIterator[bytes]:
        if seen.headers["host"].startswith("slow"):
            await asyncio.Event().wait()
        yield answer(404)

    routes = {"/robots.txt": robots, "*": lambda seen: page()}
    with TinyServer(routes) as server, Fetcher(POLICY, resolve=names) as fetcher:
        good = [f"http://good.example:{server.port}/{n}" for n in range(8)]
        assert isinstance(fetch_all(fetcher, good[:1])[0], FetchedPage)
        slow = links_of([f"http://{name}:{server.port}/" for name in names.addresses if name.startswith("slow")])
        assert {type(outcome) for outcome in fetcher.fetch_articles(slow, budget_s=0.5)} == {Ended}
        started = time.monotonic()
        assert {type(found) for found in fetch_all(fetcher, good)} == {FetchedPage}
        assert time.monotonic() - started < 5


def test_running_out_of_descriptors_is_no_fault_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Dialler, address: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        with monkeypatch.context() as patch:
            patch.setattr(Dialler, "open_socket", refuse)
            (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/feed")])
        assert isinstance(feed.error, ProtocolFailed)
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/feed")])
        assert feed.error is None


def test_a_host_whose_requests_are_all_under_way_does_not_hold_up_a_batch() -> None:
    release = asyncio.Event()

    async def held(seen: Seen) -> AsyncIterator[bytes]:
        await release.wait()
        yield page()

    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, timeout_s=60)
    with TinyServer({"*": held, "/page": lambda seen: page()}) as server, Fetcher(policy) as fetcher:
        assert fetcher.fetch_page(f"{server.base}/page").body
        started = time.monotonic()
        stream = fetcher.fetch_feeds([FeedRequest(f"{server.base}/{n}") for n in range(2)])
        reader = threading.Thread(target=list, args=(stream,))
        reader.start()
        try:
            while len(server.seen) < 2 + 2:
                time.sleep(0.005)
            outcomes = list(fetcher.fetch_articles(links_of([f"{server.base}/late"]), budget_s=0.2))
            assert time.monotonic() - started < policy.timeout_s
        finally:
            server.run(_set(release))
            reader.join()
    assert [type(outcome.error) for outcome in outcomes if isinstance(outcome, Ended)] == [HostBusy]


# One address under many names.


def ask_names(count: int, delay_s: float, addresses: int = 1) -> list[float]:
    """Ask one page of each of `count` names; return the times of the requests, in seconds after the first."""
    names = Names({f"site{n}.example": [f"127.0.0.{n % addresses + 1}"] for n in range(count)})
    policy = FetchPolicy(host_delay_s=delay_s, allow_private_addresses=True)
    with TinyServer({"*": lambda seen: page()}, address="0.0.0.0") as server, Fetcher(policy, resolve=names) as fetcher:
        requests = [FeedRequest(f"http://{name}:{server.port}/feed") for name in names.addresses]
        assert all(found.error is None for found in fetcher.fetch_feeds(requests))
        times = sorted(seen.at for seen in server.seen)
    return [at - times[0] for at in times]


def test_one_address_under_twelve_names_is_asked_at_four_times_the_pace_of_a_host() -> None:
    times = ask_names(12, delay_s=0.2)
    # the first request does not know yet that others share its address
    assert 10 * 0.05 - 0.01 < times[-1] < 4


def test_names_at_addresses_of_their_own_do_not_wait_for_each_other() -> None:
    # at one address, the last of them would be asked at four times the pace of a host
    assert ask_names(12, delay_s=2.0, addresses=12)[-1] < 10 * 2.0 / 4


# Bodies in memory.


@pytest.fixture
def small_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A tenth of the room: 3.2 MB, for bodies of at most 1 MB."""
    monkeypatch.setattr(fetcher_module, "MAX_HELD_BYTES", 3_200_000)
    yield 6_400_000


BIG = answer(200, b"<p>" + b"x" * 989_000)
BIG_POLICY = FetchPolicy(host_delay_s=0, allow_private_addresses=True, max_body_bytes=1_000_000, timeout_s=1.0)


def test_bodies_in_memory_are_bounded_in_bytes_over_all_batches(small_room: int) -> None:
    names = Names({f"site{n}.example": ["127.0.0.1"] for n in range(40)})
    with TinyServer({"*": lambda seen: BIG}) as server, Fetcher(BIG_POLICY, resolve=names) as fetcher:
        most = 0

        def watch() -> None:
            nonlocal most
            while not done.wait(0.001):
                most = max(most, fetcher._room.used)

        done = threading.Event()
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            batches = [[f"http://{name}:{server.port}/{n}" for name in names.addresses] for n in range(2)]
            streams = [fetcher.fetch_articles(links_of(urls)) for urls in batches]
            counts = [0, 0]
            for n, stream in enumerate(streams):
                counts[n] += isinstance(next(stream), Ok)
            # longer than the time limit of an URL: waiting for room does not count
            time.sleep(1.3)
            # the second is read to its end while nobody reads the first: neither may wait for the other
            for n in (1, 0):
                counts[n] += sum(isinstance(outcome, Ok) for outcome in streams[n])
        finally:
            done.set()
            watcher.join()
        assert counts == [40, 40]
        assert 3_200_000 < most <= small_room
        fetcher.fetch_page(f"http://site0.example:{server.port}/last")
        assert fetcher._room.used == 0


def test_feeds_asked_one_by_one_do_not_wait_for_each_other_for_ever(small_room: int) -> None:
    answers: queue.SimpleQueue[FeedAnswer] = queue.SimpleQueue()
    names = Names({f"site{n}.example": ["127.0.0.1"] for n in range(60)})
    with TinyServer({"*": lambda seen: BIG}) as server, Fetcher(BIG_POLICY, resolve=names) as fetcher:
        for name in names.addresses:
            fetcher.ask_feed(FeedRequest(f"http://{name}:{server.port}/feed"), answers.put)
        assert {answers.get(timeout=10).status for _ in names.addresses} == {200}
        assert fetcher._room.used == 0


def test_no_body_stays_in_memory_once_it_was_taken() -> None:
    names = Names({f"site{n}.example": ["127.0.0.1"] for n in range(30)})
    with TinyServer({"*": lambda seen: BIG}) as server, Fetcher(BIG_POLICY, resolve=names) as fetcher:
        tracemalloc.start()
        try:
            for outcome in fetcher.fetch_articles(
                links_of([f"http://{name}:{server.port}/" for name in names.addresses])
            ):
                assert isinstance(outcome, Ok)
            del outcome
            fetcher.fetch_page(f"http://site0.example:{server.port}/last")
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert kept < 4_000_000


def test_an_abandoned_batch_leaves_its_room_to_others(small_room: int) -> None:
    names = Names({f"site{n}.example": ["127.0.0.1"] for n in range(40)})
    with TinyServer({"*": lambda seen: BIG}) as server, Fetcher(BIG_POLICY, resolve=names) as fetcher:
        urls = [f"http://{name}:{server.port}/a" for name in names.addresses]
        stream = fetcher.fetch_articles(links_of(urls))
        next(stream)
        stream.close()
        assert len([found for found in fetch_all(fetcher, urls) if isinstance(found, FetchedPage)]) == 40


# Bytes that nobody needs.


@pytest.mark.parametrize("kind", ["padding", "empty blocks"])
def test_bytes_that_add_nothing_to_a_body_are_not_read_for_ever(kind: str) -> None:
    sent = 0

    async def waste(seen: Seen) -> AsyncIterator[bytes]:
        nonlocal sent
        encoding = "gzip" if kind == "padding" else "deflate"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: {encoding}\r\n\r\n"
        yield head.encode() + (gzip.compress(b"<p>news</p>") if kind == "padding" else zlib.compress(b"")[:2])
        while True:
            yield b"\0" * 60_000 if kind == "padding" else empty_blocks(60_000)
            sent += 60_000

    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, max_body_bytes=1_000_000, timeout_s=20)
    with TinyServer({"*": waste}) as server, Fetcher(policy) as fetcher:
        started = time.monotonic()
        with pytest.raises(TooLarge):
            fetcher.fetch_page(f"{server.base}/a")
        assert time.monotonic() - started < 5
    # what the sockets' buffers hold comes on top
    assert sent < 12_000_000


async def interim(seen: Seen) -> AsyncIterator[bytes]:
    while True:
        yield b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1_000


async def many_headers(seen: Seen) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X: y\r\n" * 10_000


async def trailers(seen: Seen) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<p>\r\n0\r\n"
    while True:
        yield b"X: y\r\n" * 10_000


@pytest.mark.parametrize("route", [interim, many_headers, trailers])
def test_an_endless_head_is_not_read_for_ever(route: Route) -> None:
    with TinyServer({"*": route}) as server, Fetcher(POLICY) as fetcher:
        started = time.monotonic()
        with pytest.raises(ProtocolFailed):
            fetcher.fetch_page(f"{server.base}/a")
        assert time.monotonic() - started < 5


def test_the_body_of_an_error_page_gets_little_time() -> None:
    async def drip(seen: Seen) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 404 Gone\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\n"
        while True:
            yield b"x"
            await asyncio.sleep(0.02)

    with TinyServer({"*": drip}) as server, Fetcher(POLICY) as fetcher:
        started = time.monotonic()
        with pytest.raises(HttpRejected, match="404"):
            fetcher.fetch_page(f"{server.base}/a")
        assert 1.5 < time.monotonic() - started < 5


def test_a_connection_outlives_error_pages_and_redirects() -> None:
    chunked = b"HTTP/1.1 404 Gone\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngone\r\n0\r\nContent-Length: 0\r\n\r\n"
    routes = {
        "/gone": lambda seen: answer(404, b"gone" * 1_000),
        "/chunked": lambda seen: chunked,
        "/moved": lambda seen: answer(301, b"elsewhere", location="/a"),
        "*": lambda seen: page(),
    }
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        for path in ("/gone", "/chunked", "/moved"):
            fetch_all(fetcher, [server.base + path])
        assert server.paths()[-1] == "/a"
        assert server.connections == 1


def test_interim_answers_trailers_and_folded_lines_are_read_as_http_says() -> None:
    reply = (
        b"HTTP/1.1 103 Early Hints\r\nContent-Type: video/mp4\r\nSet-Cookie: a=1\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html;\r\n charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\n<p>\r\n0\r\nContent-Type: image/png\r\nContent-Length: 99\r\n\r\n"
    )
    with TinyServer({"*": lambda seen: reply}) as server, Fetcher(POLICY) as fetcher:
        found = fetcher.fetch_page(f"{server.base}/a")
    assert (found.body, found.content_type) == (b"<p>", "text/html; charset=utf-8")


# Names and addresses.


@pytest.mark.parametrize("host", ["a" * 64 + ".example", ".".join(["a" * 60] * 5), ".".join("a" * 128)])
def test_a_host_that_dns_cannot_hold_is_no_address(host: str) -> None:
    with pytest.raises(InvalidUrl):
        parse_target(f"http://{host}/")


@pytest.mark.parametrize(
    "host", ["*", "*.example", "a,b.example", "a+b.example", "a=b.example", "$a.example", "a(b).example"]
)
def test_a_host_with_characters_that_dns_does_not_have_is_no_address(host: str) -> None:
    with pytest.raises(InvalidUrl):
        parse_target(f"http://{host}/")


@pytest.mark.parametrize("host", ["news.example.", "a_b.example", "xn--bcher-kva.example"])
def test_unusual_spellings_of_a_name_are_looked_up_and_dialled(host: str) -> None:
    names = Names({host: ["127.0.0.1"]})
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY, resolve=names) as fetcher:
        assert fetcher.fetch_page(f"http://{host}:{server.port}/a").body
        assert server.seen[0].headers["host"] == f"{host}:{server.port}"


def test_a_host_of_full_length_is_an_address() -> None:
    host = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert parse_target(f"http://{host}./").host == f"{host}."


def test_a_socket_to_an_address_inside_is_not_opened_whoever_asks_for_it() -> None:
    class Address:
        family, socktype, protocol, addr = 2, 1, 6, ("10.0.0.1", 80)

    names = Names({})
    assert Dialler(names, allow_private=False).open_socket(Address()) is None
    opened = Dialler(names, allow_private=True).open_socket(Address())
    assert opened is not None
    opened.close()


def test_an_address_is_looked_up_again_once_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names({"news.example": ["127.0.0.1"]})
    dialler = Dialler(names, allow_private=True)
    target = parse_target("http://news.example/")

    async def find() -> object:
        return await dialler.find(target, 1)

    assert asyncio.run(find()) == asyncio.run(find()) == (ipaddress.ip_address("127.0.0.1"),)
    assert names.lookups == ["news.example"]
    names.addresses["news.example"] = ["169.254.169.254"]
    dialler.forget(target)
    with pytest.raises(PrivateAddress):
        asyncio.run(find())


@pytest.mark.parametrize(
    ("scheme", "accepts", "error"),
    [("http", False, ConnectFailed), ("https", False, ConnectFailed), ("https", True, TlsFailed)],
)
def test_a_host_that_never_answers_a_greeting(
    scheme: str, accepts: bool, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "CONNECT_TIMEOUT_S", 0.4)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(9 if accepts else 0)
        # once its queue is full, the kernel leaves further connections unanswered
        waiting = [] if accepts else [socket.socket() for _ in range(3)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(listener.getsockname())
        with Fetcher(POLICY) as fetcher:
            (feed,) = fetcher.fetch_feeds([FeedRequest(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/")])
        for connection in waiting:
            connection.close()
    assert type(feed.error) is error


def test_a_loop_over_two_hosts_ends() -> None:
    names = Names({"a.example": ["127.0.0.1"], "b.example": ["127.0.0.1"]})

    def turn(seen: Seen) -> bytes:
        other = "b" if seen.headers["host"].startswith("a") else "a"
        return answer(302, location=f"http://{other}.example:{server.port}/x")

    with TinyServer({"*": turn}) as server, Fetcher(POLICY, resolve=names) as fetcher, pytest.raises(RedirectLoop):
        fetcher.fetch_page(f"http://a.example:{server.port}/x")

"""The fetcher against servers of a few lines, for what the shared news web does not do."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from newsworld import find_free_port
from tinyserver import Reply, Seen, TinyServer, answer, page

from transforms.errors import (
    ConnectFailed,
    ContentTypeRejected,
    DnsFailed,
    FetchTimeout,
    HostBusy,
    HttpRejected,
    HttpUnavailable,
    InvalidUrl,
    NewsbeamError,
    PrivateAddress,
    ProtocolFailed,
    RedirectLoop,
    RobotsDisallowed,
    RobotsUnavailable,
    TooLarge,
    UserError,
)
from transforms.fetch.fetcher import FeedRequest, Fetcher, FetchPolicy, shared_fetcher
from transforms.records import ArticleLink, FeedEntry, FetchedPage
from transforms.results import Ended, Ok
from transforms.urls import link_of

POLICY = FetchPolicy(user_agent="newsbeam/0.1 (+https://a.example/bot)", host_delay_s=0, allow_private_addresses=True)


class Names:
    """DNS with names of our own; counts the lookups."""

    def __init__(self, addresses: dict[str, list[str]]) -> None:
        self.addresses = addresses
        self.lookups: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.lookups.append(host)
        if host not in self.addresses:
            raise DnsFailed(f"{host}: unknown")
        return self.addresses[host]


def links_of(urls: Sequence[str]) -> list[ArticleLink]:
    return [link_of(FeedEntry(url), "", datetime.now(UTC)) for url in urls]


def fetch_all(fetcher: Fetcher, urls: Sequence[str]) -> list[FetchedPage | NewsbeamError]:
    """Fetch and bring into the order of `urls`."""
    found: dict[str, FetchedPage | NewsbeamError] = {}
    for outcome in fetcher.fetch_articles(links_of(urls)):
        if isinstance(outcome, Ok):
            found[outcome.record.link.url] = outcome.record
        else:
            found[outcome.link.url] = outcome.error
    return [found[url] for url in urls]


def fetch_one(url: str, policy: FetchPolicy = POLICY, names: Names | None = None) -> FetchedPage:
    with Fetcher(policy, resolve=names) as fetcher:
        return fetcher.fetch_page(url)


# Who we say we are, and what we ask for.


def test_requests_are_honest() -> None:
    with TinyServer({"*": lambda seen: page()}) as server:
        fetch_one(f"{server.base}/a?utm_source=rss#part")
    robots, article = server.seen
    assert robots.path == "/robots.txt"
    assert article.path == "/a?utm_source=rss"
    for seen in (robots, article):
        assert seen.headers["user-agent"] == "newsbeam/0.1 (+https://a.example/bot)"
        assert seen.headers["host"] == f"127.0.0.1:{server.port}"
        assert seen.headers["accept-encoding"] == "gzip, deflate"


def test_connections_are_kept_for_the_next_request() -> None:
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        for name in "abcd":
            fetcher.fetch_page(f"{server.base}/{name}")
    assert len(server.seen) == 5
    assert server.connections == 1


def test_a_request_that_meets_a_closing_connection_is_sent_again() -> None:
    def close_every_other(seen: Seen) -> Reply:
        return None if len(server.seen) % 2 == 0 else page()

    with TinyServer({"*": close_every_other}) as server, Fetcher(POLICY) as fetcher:
        for name in "abc":
            assert fetcher.fetch_page(f"{server.base}/{name}").body
        assert server.paths() == ["/robots.txt", "/a", "/a", "/b", "/b", "/c", "/c"]


def test_a_request_that_a_new_connection_lost_is_not_sent_again() -> None:
    with TinyServer({"*": lambda seen: None}) as server, Fetcher(POLICY) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/feed")])
        assert isinstance(feed.error, ProtocolFailed)
        assert server.paths() == ["/feed"]


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with TinyServer({"*": lambda seen: page()}) as server:
        assert fetch_one(f"{server.base}/a").body


@pytest.mark.parametrize(
    "setting",
    [
        {"user_agent": "news\nbeam"},
        {"user_agent": "Nachrichtenstrahl/ä"},
        {"user_agent": " "},
        {"host_concurrency": 0},
        {"host_delay_s": -1.0},
        {"host_delay_s": float("nan")},
        {"timeout_s": 0.0},
    ],
)
def test_a_policy_that_cannot_work_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        FetchPolicy(**setting)


# Pace.


def test_requests_to_one_host_keep_their_distance() -> None:
    policy = FetchPolicy(host_delay_s=0.05, allow_private_addresses=True)
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(policy) as fetcher:
        urls = [f"{server.base}/{n}" for n in range(12)]
        outcomes = fetch_all(fetcher, [*urls[:6], *urls[6:]])
        feeds = list(fetcher.fetch_feeds([FeedRequest(f"{server.base}/feed")]))
    assert all(isinstance(outcome, FetchedPage) for outcome in outcomes)
    assert feeds[0].error is None
    times = sorted(seen.at for seen in server.seen)
    assert len(times) == 14
    # on a busy machine the server may read one request late, which makes one gap look shorter and another longer
    assert times[-1] - times[0] > 12 * 0.05
    assert sorted(later - earlier for earlier, later in itertools.pairwise(times))[3] > 0.045


def test_no_more_at_once_to_one_host_than_allowed_and_no_fewer() -> None:
    async def together(seen: Seen) -> AsyncIterator[bytes]:
        # answer only once another request is here: with fewer than two at once this would time out
        while server.most_active < 2:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.002)
        yield page()

    with TinyServer({"*": together}) as server:
        with Fetcher(POLICY) as fetcher:
            outcomes = fetch_all(fetcher, [f"{server.base}/{n}" for n in range(20)])
        assert all(isinstance(outcome, FetchedPage) for outcome in outcomes)
        assert server.most_active == 2


def test_many_hosts_are_asked_at_once() -> None:
    names = Names({f"site{n}.example": ["127.0.0.1"] for n in range(20)})

    async def together(seen: Seen) -> AsyncIterator[bytes]:
        while server.most_active < 20:
            await asyncio.sleep(0.001)
        yield page()

    with TinyServer({"*": together}) as server, Fetcher(POLICY, resolve=names) as fetcher:
        outcomes = fetch_all(fetcher, [f"http://{name}:{server.port}/a" for name in names.addresses])
    assert all(isinstance(outcome, FetchedPage) for outcome in outcomes)


def test_the_delay_of_a_host_is_at_most_two_minutes() -> None:
    robots = answer(200, b"User-agent: *\nCrawl-delay: 500\nDisallow: /\n")
    with TinyServer({"/robots.txt": lambda seen: robots}) as server, Fetcher(POLICY) as fetcher:
        with pytest.raises(RobotsDisallowed):
            fetcher.fetch_page(f"{server.base}/a")
        assert fetcher.delay_of("127.0.0.1") == 120
        assert fetcher.delay_of("other.example") == 0


# robots.txt.


def test_robots_txt_is_fetched_once_however_many_wait_for_it() -> None:
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        fetch_all(fetcher, [f"{server.base}/{n}" for n in range(30)])
        fetch_all(fetcher, [f"{server.base}/{n}" for n in range(30)])
    assert server.paths().count("/robots.txt") == 1


@pytest.mark.parametrize("status", [500, 503, 429])
def test_without_an_answer_about_robots_txt_nothing_is_fetched(status: int) -> None:
    robots = answer(status, retry_after="7")
    with TinyServer({"/robots.txt": lambda seen: robots, "*": lambda seen: page()}) as server:
        with pytest.raises(RobotsUnavailable) as caught:
            fetch_one(f"{server.base}/a")
        assert caught.value.retry_after == 7
        assert server.paths() == ["/robots.txt"]


def test_a_robots_txt_that_breaks_off_is_no_answer() -> None:
    routes = {"/robots.txt": lambda seen: None, "*": lambda seen: page()}
    with TinyServer(routes) as server, pytest.raises(RobotsUnavailable):
        fetch_one(f"{server.base}/a")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_missing_robots_txt_allows_everything(status: int) -> None:
    with TinyServer({"/robots.txt": lambda seen: answer(status), "*": lambda seen: page()}) as server:
        assert fetch_one(f"{server.base}/private/a").body


def test_robots_txt_is_followed_to_where_it_moved() -> None:
    routes = {
        "/robots.txt": lambda seen: answer(301, location="/real/robots.txt"),
        "/real/robots.txt": lambda seen: answer(200, b"User-agent: *\nDisallow: /private\n"),
        "*": lambda seen: page(),
    }
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        forbidden, allowed = fetch_all(fetcher, [f"{server.base}/private/a", f"{server.base}/a"])
    assert isinstance(forbidden, RobotsDisallowed)
    assert isinstance(allowed, FetchedPage)


def test_robots_txt_that_moves_without_end_allows_everything() -> None:
    def move(seen: Seen) -> Reply:
        return answer(302, location=seen.path + "x") if "robots" in seen.path else page()

    with TinyServer({"/robots.txt": move, "*": move}) as server:
        assert fetch_one(f"{server.base}/a").body
    assert len(server.seen) == 1 + 5 + 1


def test_a_redirect_does_not_lead_around_robots_txt() -> None:
    routes = {
        "/robots.txt": lambda seen: answer(200, b"User-agent: *\nDisallow: /private\n"),
        "/open": lambda seen: answer(302, location="/x/..%2f../private/a"),
        "/sly": lambda seen: answer(302, location="/x/%2e%2e/private/a"),
        "*": lambda seen: page(),
    }
    with TinyServer(routes) as server:
        with pytest.raises(RobotsDisallowed):
            fetch_one(f"{server.base}/sly")
        assert "/private/a" not in server.paths()


def test_a_feed_is_fetched_whatever_robots_txt_says() -> None:
    routes = {"/robots.txt": lambda seen: answer(200, b"User-agent: *\nDisallow: /\n"), "*": lambda seen: page()}
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/feed")])
    assert feed.error is None
    assert server.paths() == ["/feed"]


# Redirects.


def test_ten_redirects_are_followed_and_no_more() -> None:
    def count_down(seen: Seen) -> Reply:
        left = int(seen.path.strip("/"))
        return answer(302, location=f"/{left - 1}") if left else page()

    with TinyServer({"*": count_down}) as server:
        assert fetch_one(f"{server.base}/10").url == f"{server.base}/0"
        with pytest.raises(RedirectLoop):
            fetch_one(f"{server.base}/11")


def test_a_site_that_insists_on_a_cookie_gets_it_back_once() -> None:
    def insist(seen: Seen) -> Reply:
        if seen.headers.get("cookie") == "seen=1":
            return page()
        return answer(302, location=seen.path, set_cookie="seen=1; Path=/")

    with TinyServer({"*": insist}) as server, Fetcher(POLICY) as fetcher:
        for name in "ab":
            assert fetcher.fetch_page(f"{server.base}/{name}").body
    assert [seen.headers.get("cookie") for seen in server.seen if seen.path == "/b"] == [None, "seen=1"]


def test_a_redirect_without_location_is_final() -> None:
    with TinyServer({"*": lambda seen: answer(302)}) as server, pytest.raises(HttpRejected, match="http 302"):
        fetch_one(f"{server.base}/a")


@pytest.mark.parametrize(
    ("statuses", "moved"), [([301], True), ([308, 301], True), ([302], False), ([301, 302], False), ([307, 301], False)]
)
def test_a_feed_has_moved_only_if_every_redirect_was_for_good(statuses: list[int], moved: bool) -> None:
    routes = {f"/{n}": lambda seen, n=n, s=s: answer(s, location=f"/{n + 1}") for n, s in enumerate(statuses)}
    with TinyServer(routes | {f"/{len(statuses)}": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/0")])
    target = f"{server.base}/{len(statuses)}"
    assert feed.final_url == target
    assert feed.moved_to == (target if moved else "")


def test_an_at_sign_in_a_path_is_no_password() -> None:
    routes = {"/@me": lambda seen: answer(301, location="/new"), "/new": lambda seen: page()}
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/@me")])
    assert feed.moved_to == f"{server.base}/new"


def test_a_feed_has_not_moved_to_where_nothing_is() -> None:
    routes = {"/old": lambda seen: answer(301, location="/new"), "/new": lambda seen: answer(404)}
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/old")])
    assert feed.status == 404
    assert isinstance(feed.error, HttpRejected)
    assert feed.moved_to == ""


def test_a_name_and_password_go_to_their_own_server_only() -> None:
    names = Names({"feeds.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]})
    routes = {
        "/feed": lambda seen: answer(301, location="/moved"),
        "/moved": lambda seen: answer(301, location=f"http://other.example:{server.port}/end"),
        "*": lambda seen: page(),
    }
    with TinyServer(routes) as server, Fetcher(POLICY, resolve=names) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"http://me:s%C3%A9cret@feeds.example:{server.port}/feed")])
    sent = {seen.path: seen.headers.get("authorization") for seen in server.seen}
    assert sent == {"/feed": "Basic bWU6c8OpY3JldA==", "/moved": "Basic bWU6c8OpY3JldA==", "/end": None}
    assert "cret" not in feed.final_url
    assert feed.moved_to == ""


# Addresses.

INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "0.0.0.0",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "%31%32%37.0.0.1",
    "news.example@127.0.0.1",
    "１２７.0.0.1",
]


@pytest.mark.parametrize("host", INSIDE)
def test_no_spelling_of_an_inside_address_is_dialled(host: str) -> None:
    with TinyServer({"*": lambda seen: page()}) as server:
        with pytest.raises(PrivateAddress):
            fetch_one(f"http://{host}:{server.port}/a", FetchPolicy(host_delay_s=0))
        assert server.connections == 0


def test_a_name_that_resolves_inside_is_not_dialled() -> None:
    names = Names({"news.example": ["127.0.0.1", "10.0.0.1", "::1"]})
    with TinyServer({"*": lambda seen: page()}) as server:
        with pytest.raises(PrivateAddress, match=r"news\.example"):
            fetch_one(f"http://news.example:{server.port}/a", FetchPolicy(host_delay_s=0), names)
        assert server.connections == 0


def test_the_address_that_was_checked_is_the_one_that_is_dialled() -> None:
    class Rebinding(Names):
        async def __call__(self, host: str, port: int) -> Sequence[str]:
            await super().__call__(host, port)
            return ["127.0.0.1"] if len(self.lookups) == 1 else ["169.254.169.254"]

    names = Rebinding({"news.example": []})
    with TinyServer({"*": lambda seen: page()}) as server:
        # robots.txt and the page share the one connection that one lookup opened
        assert fetch_one(f"http://news.example:{server.port}/a", POLICY, names).body
        assert names.lookups == ["news.example"]
        assert {seen.address for seen in server.seen} == {"127.0.0.1"}


def test_a_name_that_rebinds_between_two_connections_is_refused() -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(answers)

    closing = {"/robots.txt": lambda seen: answer(404, connection="close"), "*": lambda seen: page()}
    with TinyServer(closing) as server, Fetcher(POLICY, resolve=resolve) as fetcher:
        with pytest.raises(PrivateAddress):
            fetcher.fetch_page(f"http://news.example:{server.port}/a")
        assert server.paths() == ["/robots.txt"]


def test_a_redirect_inside_is_refused_even_with_permission() -> None:
    routes = {"*": lambda seen: answer(302, location="http://169.254.169.254/latest/meta-data/")}
    with TinyServer(routes) as server, pytest.raises(PrivateAddress):
        fetch_one(f"{server.base}/a")


def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    names = Names({"news.example": ["127.0.0.2", "127.0.0.1"]})
    with TinyServer({"*": lambda seen: page()}) as server:
        assert fetch_one(f"http://news.example:{server.port}/a", POLICY, names).body


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
def test_an_ipv6_address_is_asked() -> None:
    with TinyServer({"*": lambda seen: page()}, address="::1") as server:
        assert fetch_one(f"{server.base}/a").body
        assert server.seen[0].headers["host"] == f"[::1]:{server.port}"


# Bodies.


def test_a_bomb_costs_no_memory() -> None:
    bomb = answer(200, gzip.compress(b"<p>" + b"0" * 100_000_000, 1), content_encoding="gzip")
    with TinyServer({"*": lambda seen: bomb}) as server, Fetcher(POLICY) as fetcher:
        tracemalloc.start()
        try:
            with pytest.raises(TooLarge):
                fetcher.fetch_page(f"{server.base}/a")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    # the limit is 10 MB; held once as pieces
    assert peak < 25_000_000


def test_the_limit_of_a_body_is_exact() -> None:
    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, max_body_bytes=1_000)

    async def stream(body: bytes) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
        yield body

    routes = {
        "/fits": lambda seen: answer(200, b"x" * 1_000),
        "/long": lambda seen: answer(200, b"x" * 1_001),
        "/stream-fits": lambda seen: stream(b"x" * 1_000),
        "/stream-long": lambda seen: stream(b"x" * 1_001),
        "/gzip-long": lambda seen: answer(200, gzip.compress(b"x" * 1_001), content_encoding="gzip"),
    }
    with TinyServer(routes) as server, Fetcher(policy) as fetcher:
        found = fetch_all(fetcher, [server.base + path for path in routes])
    kinds = [type(outcome) for outcome in found]
    assert kinds == [FetchedPage, TooLarge, FetchedPage, TooLarge, TooLarge]


@pytest.mark.parametrize(
    ("content_type", "body", "page_like"),
    [
        ("text/html; charset=utf-8", b"hello", True),
        ("TEXT/HTML", b"<p>", True),
        ("application/xhtml+xml", b"<html>", True),
        ("text/html, text/html", b"<p>", True),
        ("", b"<!DOCTYPE html><title>x</title>", True),
        ("text/plain", b"\n<html lang=en>", True),
        ("application/octet-stream", b"<!-- x --><html>", True),
        ("text/plain", b"plain words", False),
        ("", b"\x00\x01\x02", False),
        ("application/pdf", b"%PDF-1.7", False),
        ("text/html", b"%PDF-1.7", False),
        ("text/html", b"\x89PNG\r\n", False),
        ("image/jpeg", b"", False),
        ("application/json", b"{}", False),
        ("application/rss+xml", b"<rss>", False),
        ("video/mp4", b"", False),
        ("text/html", b"", True),
        ("", b"", True),
    ],
)
def test_only_what_can_be_an_article_is_read(content_type: str, body: bytes, page_like: bool) -> None:
    with TinyServer({"*": lambda seen: answer(200, body, content_type=content_type)}) as server:
        if page_like:
            assert fetch_one(f"{server.base}/a").body == body
        else:
            with pytest.raises(ContentTypeRejected):
                fetch_one(f"{server.base}/a")


def test_an_answer_that_is_no_article_is_not_read_to_its_end() -> None:
    async def film(seen: Seen) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n"
        while True:
            yield b"\0" * 65_536

    with TinyServer({"*": film}) as server, pytest.raises(ContentTypeRejected):
        fetch_one(f"{server.base}/a")


# Statuses.


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 522, 524])
def test_statuses_that_say_later_are_worth_a_retry(status: int) -> None:
    with TinyServer({"*": lambda seen: answer(status)}) as server, pytest.raises(HttpUnavailable) as caught:
        fetch_one(f"{server.base}/a")
    assert caught.value.reason == f"http {status}"


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 402, 403, 404, 410, 418, 451, 501, 505, 599])
def test_other_statuses_are_final(status: int) -> None:
    with TinyServer({"*": lambda seen: answer(status)}) as server, pytest.raises(HttpRejected) as caught:
        fetch_one(f"{server.base}/a")
    assert caught.value.reason == f"http {status}"


def test_retry_after_is_taken_along() -> None:
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


def test_a_feed_is_asked_for_by_its_version() -> None:
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
        # what a broken server once gave as a version must not break the next request
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
def test_a_slow_answer_is_given_up_in_time(route: object) -> None:
    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, timeout_s=0.3)
    with TinyServer({"*": route}) as server, Fetcher(policy) as fetcher:  # type: ignore[dict-item]
        started = time.monotonic()
        with pytest.raises(FetchTimeout):
            fetcher.fetch_page(f"{server.base}/a")
        assert 0.25 < time.monotonic() - started < 5


def test_the_time_is_for_all_redirects_together() -> None:
    async def slow_redirect(seen: Seen) -> AsyncIterator[bytes]:
        await asyncio.sleep(0.15)
        yield answer(302, location=seen.path + "x")

    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, timeout_s=0.4)
    with TinyServer({"*": slow_redirect}) as server, pytest.raises(FetchTimeout):
        fetch_one(f"{server.base}/a", policy)


def test_waiting_for_a_turn_does_not_count() -> None:
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
        # neither another port nor another host suffers
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


# No foreign error leaks.

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
    # a redirect may name any host there is: none of them is known here
    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, timeout_s=0.5)
    with TinyServer({}) as server, Fetcher(policy, resolve=Names({})) as fetcher:
        yield server, fetcher


# Batches.


def test_a_slow_consumer_slows_the_work() -> None:
    names = Names({f"site{n}.example": ["127.0.0.1"] for n in range(100)} | {"clock.example": ["127.0.0.1"]})
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(POLICY, resolve=names) as fetcher:
        urls = [f"http://site{n}.example:{server.port}/page/{k}" for n in range(100) for k in range(2)]
        stream = fetcher.fetch_articles(links_of(urls))
        next(stream)
        # requests of our own tell the time; they must not wait for the slow consumer either
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


def test_results_come_in_the_order_in_which_they_are_done() -> None:
    async def slow(seen: Seen) -> AsyncIterator[bytes]:
        while "/fast" not in server.paths():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        yield page()

    with TinyServer({"/slow": slow, "*": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        links = links_of([f"{server.base}/slow", f"{server.base}/fast"])
        urls = [outcome.record.url for outcome in fetcher.fetch_articles(links) if isinstance(outcome, Ok)]
    assert urls == [f"{server.base}/fast", f"{server.base}/slow"]


def test_nothing_to_do_is_done_at_once() -> None:
    with Fetcher(POLICY) as fetcher:
        assert list(fetcher.fetch_articles([])) == []
        assert list(fetcher.fetch_feeds([])) == []


def test_closing_ends_a_batch_that_somebody_reads() -> None:
    with TinyServer({"*": say_nothing, "/feed": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        requests = [FeedRequest(f"{server.base}/feed"), FeedRequest(f"{server.base}/never")]
        stream = fetcher.fetch_feeds(requests)
        assert next(stream).status == 200
        fetcher.close()
        with pytest.raises(RuntimeError, match="closed"):
            next(stream)


def test_a_process_shares_one_fetcher_for_each_policy() -> None:
    first = shared_fetcher(POLICY)
    assert shared_fetcher(POLICY) is first
    assert shared_fetcher(FetchPolicy(host_delay_s=5)) is not first
    first.close()
    assert shared_fetcher(POLICY) is not first
    shared_fetcher(POLICY).close()
    shared_fetcher(FetchPolicy(host_delay_s=5)).close()


def test_a_host_that_wants_long_pauses_does_not_hold_up_a_batch() -> None:
    robots = answer(200, b"User-agent: *\nCrawl-delay: 100\n", content_type="text/plain")
    routes = {"/robots.txt": lambda seen: robots, "*": lambda seen: page()}
    started = time.monotonic()
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        links = links_of([f"{server.base}/{n}" for n in range(5)])
        outcomes = list(fetcher.fetch_articles(links, budget_s=3))
        assert server.paths() == ["/robots.txt"] and fetcher.delay_of("127.0.0.1") == 100
    assert time.monotonic() - started < 3
    assert len(outcomes) == 5
    for outcome in outcomes:
        assert isinstance(outcome, Ended) and isinstance(outcome.error, HostBusy)
        assert 90 < (outcome.error.retry_after or 0) <= 100

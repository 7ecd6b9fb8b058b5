"""The fetcher against servers of a few lines, for cases that the synthetic news web does not cover."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from tinyserver import Reply, Seen, TinyServer, answer, page

from transforms.errors import (
    DnsFailed,
    HttpRejected,
    NewsbeamError,
    PrivateAddress,
    ProtocolFailed,
    RedirectLoop,
    RobotsDisallowed,
    RobotsUnavailable,
    UserError,
)
from transforms.fetch.fetcher import FeedRequest, Fetcher, FetchPolicy
from transforms.records import ArticleLink, FeedEntry, FetchedPage
from transforms.results import Ok
from transforms.urls import link_of

POLICY = FetchPolicy(user_agent="newsbeam/0.1 (+https://a.example/bot)", host_delay_s=0, allow_private_addresses=True)


class Names:
    """DNS with fixed names; counts the lookups."""

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
    """Fetch, and return the results in the order of `urls`."""
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


# Requests and connections.


def test_requests_identify_us_and_keep_the_address() -> None:
    with TinyServer({"*": lambda seen: page()}) as server:
        fetch_one(f"{server.base}/a?utm_source=rss#part")
    robots, article = server.seen
    assert robots.path == "/robots.txt"
    assert article.path == "/a?utm_source=rss"
    for seen in (robots, article):
        assert seen.headers["user-agent"] == "newsbeam/0.1 (+https://a.example/bot)"
        assert seen.headers["host"] == f"127.0.0.1:{server.port}"
        assert seen.headers["accept-encoding"] == "gzip, deflate"


def test_connections_are_reused() -> None:
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


def test_a_request_lost_by_a_new_connection_is_not_sent_again() -> None:
    with TinyServer({"*": lambda seen: None}) as server, Fetcher(POLICY) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/feed")])
        assert isinstance(feed.error, ProtocolFailed)
        assert server.paths() == ["/feed"]


def test_proxies_from_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_requests_to_one_host_are_spaced_by_the_delay() -> None:
    policy = FetchPolicy(host_delay_s=0.05, allow_private_addresses=True)
    with TinyServer({"*": lambda seen: page()}) as server, Fetcher(policy) as fetcher:
        urls = [f"{server.base}/{n}" for n in range(12)]
        outcomes = fetch_all(fetcher, [*urls[:6], *urls[6:]])
        feeds = list(fetcher.fetch_feeds([FeedRequest(f"{server.base}/feed")]))
    assert all(isinstance(outcome, FetchedPage) for outcome in outcomes)
    assert feeds[0].error is None
    times = sorted(seen.at for seen in server.seen)
    assert len(times) == 14
    # on a busy machine the server may read a request late, which makes one gap look shorter and another longer
    assert times[-1] - times[0] > 12 * 0.05
    assert sorted(later - earlier for earlier, later in itertools.pairwise(times))[3] > 0.045


def test_one_host_gets_exactly_the_allowed_number_of_concurrent_requests() -> None:
    async def together(seen: Seen) -> AsyncIterator[bytes]:
        # answer only once another request has arrived: with fewer than two at once this would time out
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
def test_nothing_is_fetched_while_robots_txt_is_unavailable(status: int) -> None:
    robots = answer(status, retry_after="7")
    with TinyServer({"/robots.txt": lambda seen: robots, "*": lambda seen: page()}) as server:
        with pytest.raises(RobotsUnavailable) as caught:
            fetch_one(f"{server.base}/a")
        assert caught.value.retry_after == 7
        assert server.paths() == ["/robots.txt"]


def test_a_truncated_robots_txt_counts_as_unavailable() -> None:
    routes = {"/robots.txt": lambda seen: None, "*": lambda seen: page()}
    with TinyServer(routes) as server, pytest.raises(RobotsUnavailable):
        fetch_one(f"{server.base}/a")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_missing_robots_txt_allows_everything(status: int) -> None:
    with TinyServer({"/robots.txt": lambda seen: answer(status), "*": lambda seen: page()}) as server:
        assert fetch_one(f"{server.base}/private/a").body


def test_redirects_of_robots_txt_are_followed() -> None:
    routes = {
        "/robots.txt": lambda seen: answer(301, location="/real/robots.txt"),
        "/real/robots.txt": lambda seen: answer(200, b"User-agent: *\nDisallow: /private\n"),
        "*": lambda seen: page(),
    }
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        forbidden, allowed = fetch_all(fetcher, [f"{server.base}/private/a", f"{server.base}/a"])
    assert isinstance(forbidden, RobotsDisallowed)
    assert isinstance(allowed, FetchedPage)


def test_endless_redirects_of_robots_txt_allow_everything() -> None:
    def move(seen: Seen) -> Reply:
        return answer(302, location=seen.path + "x") if "robots" in seen.path else page()

    with TinyServer({"/robots.txt": move, "*": move}) as server:
        assert fetch_one(f"{server.base}/a").body
    assert len(server.seen) == 1 + 5 + 1


def test_a_redirect_does_not_bypass_robots_txt() -> None:
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
def test_a_feed_has_moved_only_if_every_redirect_was_permanent(statuses: list[int], moved: bool) -> None:
    routes = {f"/{n}": lambda seen, n=n, s=s: answer(s, location=f"/{n + 1}") for n, s in enumerate(statuses)}
    with TinyServer(routes | {f"/{len(statuses)}": lambda seen: page()}) as server, Fetcher(POLICY) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/0")])
    target = f"{server.base}/{len(statuses)}"
    assert feed.final_url == target
    assert feed.moved_to == (target if moved else "")


def test_an_at_sign_in_a_path_does_not_mark_a_password() -> None:
    routes = {"/@me": lambda seen: answer(301, location="/new"), "/new": lambda seen: page()}
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/@me")])
    assert feed.moved_to == f"{server.base}/new"


def test_a_redirect_to_a_missing_page_does_not_move_a_feed() -> None:
    routes = {"/old": lambda seen: answer(301, location="/new"), "/new": lambda seen: answer(404)}
    with TinyServer(routes) as server, Fetcher(POLICY) as fetcher:
        (feed,) = fetcher.fetch_feeds([FeedRequest(f"{server.base}/old")])
    assert feed.status == 404
    assert isinstance(feed.error, HttpRejected)
    assert feed.moved_to == ""


def test_a_name_and_password_are_sent_only_to_their_own_server() -> None:
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
def test_no_spelling_of_a_private_address_is_dialled(host: str) -> None:
    with TinyServer({"*": lambda seen: page()}) as server:
        with pytest.raises(PrivateAddress):
            fetch_one(f"http://{host}:{server.port}/a", FetchPolicy(host_delay_s=0))
        assert server.connections == 0


def test_a_name_that_resolves_to_private_addresses_is_not_dialled() -> None:
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
        # robots.txt and the page share one connection, opened after one lookup
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


def test_a_redirect_to_a_metadata_address_is_refused_even_with_permission() -> None:
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
def test_an_ipv6_address_can_be_fetched() -> None:
    with TinyServer({"*": lambda seen: page()}, address="::1") as server:
        assert fetch_one(f"{server.base}/a").body
        assert server.seen[0].headers["host"] == f"[::1]:{server.port}"

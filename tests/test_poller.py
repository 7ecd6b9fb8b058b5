"""The poller against a real server: the effect of each kind of answer on the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from newsworld import Newsworld
from tinyserver import Seen, TinyServer, answer

from pipeline.config import Config
from pipeline.jobs.poll import Poller
from pipeline.ledger import Feeds, Ledger
from pipeline.ledger.reports import audit, feeds
from pipeline.loop import Loop
from pipeline.tables.database import METADATA, reading
from transforms.feeds.guarded import FeedReader
from transforms.feeds.schedule import CHECK_EVERY
from transforms.fetch.fetcher import shared_fetcher

CONFIG = Config(host_delay=0, allow_private_addresses=True, contact="https://a.example/poller-test")


def rss(*items: str, base: str = "https://news.example") -> bytes:
    rows = "".join(f"<item><title>{item}</title><link>{base}/{item}</link></item>" for item in items)
    return f"<rss version='2.0'><channel><title>News</title>{rows}</channel></rss>".encode()


def feed(*items: str, **headers: str) -> bytes:
    return answer(200, rss(*items), content_type="application/rss+xml", **headers)


@pytest.fixture(autouse=True)
def close_fetcher() -> Iterator[None]:
    yield
    shared_fetcher(CONFIG.fetch_policy()).close()


class KeptReader(FeedReader):
    """Stays open: starting its process takes more time than reading the few feeds of a test."""

    def close(self) -> None:
        """Leave it to the end of the process."""


KEPT = KeptReader()


@pytest.fixture(autouse=True)
def one_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.jobs.poll.FeedReader", lambda: KEPT)


def poll(ledger: Ledger, *urls: str) -> dict[str, dict[str, Any]]:
    """Poll every feed once, including those in the ledger; returns the states by address."""
    now = datetime.now(UTC)
    ledger.feeds.add(urls, now)
    Poller(ledger, CONFIG, Loop("polling failed", trouble_s=0.01)).run(once_since=now)
    return {row["url"]: row for row in feeds(ledger.engine, now)}


def events(ledger: Ledger) -> list[tuple[str, str]]:
    table = METADATA.tables["events"]
    with reading(ledger.engine) as connection:
        return [tuple(row) for row in connection.execute(sa.select(table.c.kind, table.c.detail).order_by(table.c.at))]


def names(ledger: Ledger) -> set[str]:
    table = METADATA.tables["urls"]
    with reading(ledger.engine) as connection:
        return {url.rpartition("/")[2] for url in connection.execute(sa.select(table.c.url)).scalars()}


@pytest.mark.parametrize(
    "path, body",
    [
        (
            "/",
            b"<html><head><link rel=alternate type='application/rss+xml' href=/feed.xml></head><body>Hi</body></html>",
        ),
        ("/feeds.opml", b"<opml version='2.0'><body><outline xmlUrl='BASE/feed.xml'/></body></opml>"),
        ("/feeds.txt", b"# our feeds\nBASE/feed.xml\n"),
        (
            "/index.xml",
            b"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><sitemap><loc>BASE/feed.xml</loc></sitemap></sitemapindex>",
        ),
    ],
)
def test_a_list_of_feeds_is_replaced_by_its_feeds(ledger: Ledger, path: str, body: bytes) -> None:
    routes: dict[str, Callable[[Seen], bytes]] = {"/feed.xml": lambda seen: feed("one", "two")}
    with TinyServer(routes) as server:
        server.routes[path] = lambda seen: answer(200, body.replace(b"BASE", server.base.encode()))
        states = poll(ledger, server.base + path)
        assert states[f"{server.base}/feed.xml"]["from_index"] == server.base + path
        assert names(ledger) == {"one", "two"}
        assert states[server.base + path]["last_error"] == ""


def test_a_second_poll_is_conditional_and_an_unchanged_body_is_not_read_again(ledger: Ledger) -> None:
    def tagged(seen: Seen) -> bytes:
        return answer(304) if seen.headers.get("if-none-match") == '"1"' else feed("one", etag='"1"')

    with TinyServer({"/tagged": tagged, "/plain": lambda seen: feed("two")}) as server:
        for _ in range(2):
            states = poll(ledger, f"{server.base}/tagged", f"{server.base}/plain")
        assert [seen.headers.get("if-none-match") for seen in server.seen if seen.path == "/tagged"] == [None, '"1"']
        assert all(state["successes"] == 2 for state in states.values())
    assert names(ledger) == {"one", "two"} and audit(ledger.engine, datetime.now(UTC)).waiting == 2


def test_a_repeated_move_changes_the_address(ledger: Ledger) -> None:
    routes = {"/old": lambda seen: answer(301, location="/new"), "/new": lambda seen: feed("one")}
    with TinyServer(routes) as server:
        assert poll(ledger, f"{server.base}/old")[f"{server.base}/old"]["fetch_url"] == f"{server.base}/old"
        assert poll(ledger)[f"{server.base}/old"]["fetch_url"] == f"{server.base}/new"
        poll(ledger)
        assert server.paths()[-1] == "/new"
    assert [kind for kind, _ in events(ledger)] == ["moved"]


def test_no_overlap_is_a_gap(ledger: Ledger) -> None:
    shown = [["one", "two"], ["two", "three"], ["four", "five"]]
    with TinyServer({"/feed": lambda seen: feed(*shown[0])}) as server:
        for _ in range(3):
            states = poll(ledger, f"{server.base}/feed")
            shown.pop(0)
    assert [kind for kind, _ in events(ledger)] == ["gap"]
    assert states[f"{server.base}/feed"]["gaps"] == 1
    assert names(ledger) == {"one", "two", "three", "four", "five"}


def test_one_bad_feed_does_not_stop_the_others(ledger: Ledger) -> None:
    routes: dict[str, Callable[[Seen], bytes]] = {
        "/good": lambda seen: feed("one"),
        "/page": lambda seen: answer(200, b"<html><body>Welcome</body></html>"),
        "/empty": lambda seen: answer(200, b""),
        "/missing": lambda seen: answer(404),
        "/broken": lambda seen: answer(500),
    }
    with TinyServer(routes) as server:
        states = poll(ledger, *(server.base + path for path in routes))
        errors = {url.removeprefix(server.base): state["last_error"] for url, state in states.items()}
    assert errors["/good"] == "" and names(ledger) == {"one"}
    assert "not a feed" in errors["/page"] and errors["/missing"].startswith("http 404")
    assert errors["/empty"] and errors["/broken"].startswith("http 500")
    assert all(state["next_poll_at"] > datetime.now(UTC) for state in states.values())


def test_hosts_of_a_failed_round_are_given_back(ledger: Ledger) -> None:
    class Forgetful(Feeds):
        """Feeds whose database is unavailable for the first poll."""

        failed = False

        def record(self, *arguments: Any) -> int:
            if not self.failed:
                self.failed = True
                raise sa.exc.OperationalError("INSERT", {}, OSError("the database is away"))
            return super().record(*arguments)

    ledger.feeds = Forgetful(ledger.engine, ledger.links, ledger.leases.duration)
    with TinyServer({"/feed": lambda seen: feed("one")}) as server:
        poll(ledger, f"{server.base}/feed")
    assert names(ledger) == {"one"}
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert ledger.links.claim("worker", later, host_delay_s=0), "nobody holds the host"


def test_news_that_false_304s_hide_is_found(ledger: Ledger) -> None:
    with Newsworld(pages=1) as world:
        url = world.site("stuck.example")["base"] + "/feed.xml"
        poll(ledger, url)
        world.edit()
        polls = 1
        while "second" not in names(ledger) and polls < 30:
            poll(ledger, url)
            polls += 1
        asked = world.site("stuck.example")
    assert names(ledger) == {"first", "second"} and polls == CHECK_EVERY
    assert asked["not_modified"] == polls - 2, "only the first poll and the check were not conditional"
    assert any("conditional GET switched off" in detail for _, detail in events(ledger))

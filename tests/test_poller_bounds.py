"""What one feed, list or host does to the poller must not reach the others: time, size, numbers, what is refused."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from forked import newsbeam
from structlog.testing import capture_logs
from test_poller import CONFIG, close_fetcher, events, feed, names, one_reader, poll, rss
from tinyserver import Seen, TinyServer, answer

from pipeline.config import Config
from pipeline.jobs.poll import Poller
from pipeline.ledger import Feeds, Ledger, Sighting
from pipeline.ledger.clock import Clock, forget_future
from pipeline.ledger.feeds import PART, Poll, Release
from pipeline.tables.database import METADATA, reading
from transforms.feeds import guarded
from transforms.feeds.answers import MOST_OF_PAGE
from transforms.feeds.formats.rows import MAX_ENTRIES
from transforms.feeds.schedule import LEFT_OUT
from transforms.fetch.fetcher import shared_fetcher
from transforms.records import ArticleLink

__all__ = ["close_fetcher", "one_reader"]

# longer than reading some feeds takes on a busy machine
SOON_S = 60.0
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEEDS, HOSTS, URLS = (METADATA.tables[name] for name in ("feeds", "hosts", "urls"))


@contextmanager
def polling(ledger: Ledger, config: Config = CONFIG) -> Iterator[None]:
    poller = Poller(ledger, config)
    thread = threading.Thread(target=poller.run)
    thread.start()
    try:
        yield
    finally:
        poller.stop()
        thread.join()
        shared_fetcher(config.fetch_policy()).close()


def polled(ledger: Ledger) -> set[str]:
    with reading(ledger.engine) as connection:
        return set(connection.execute(sa.select(FEEDS.c.url).where(FEEDS.c.polled_at.is_not(None))).scalars())


def wait_for(ledger: Ledger, urls: Sequence[str], seconds: float) -> set[str]:
    """Wait until these feeds have been polled, or the time is over; returns which have not."""
    until = time.monotonic() + seconds
    while (left := set(urls) - polled(ledger)) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def served(stack: ExitStack, addresses: Sequence[str]) -> list[TinyServer]:
    return [stack.enter_context(TinyServer({"*": lambda seen: feed("one")}, address=one)) for one in addresses]


async def never(seen: Seen) -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield answer(404)


def test_a_slow_host_delays_only_itself(ledger: Ledger) -> None:
    with ExitStack() as stack:
        slow, good = served(stack, ["127.0.2.1", "127.0.2.2"])
        slow.routes["*"] = never
        ledger.feeds.add([f"{slow.base}/{n}" for n in range(20)], NOW)
        with polling(ledger, replace(CONFIG, fetch_timeout=2 * SOON_S)):
            time.sleep(0.5)
            late = [f"{good.base}/{n}" for n in range(40)]
            ledger.feeds.add(late, datetime.now(UTC))
            assert not wait_for(ledger, late, SOON_S), "while the slow host has answered nothing"
            assert not polled(ledger) - set(late)


def test_a_host_with_many_feeds_keeps_no_other_waiting(ledger: Ledger) -> None:
    with ExitStack() as stack:
        many, *few = served(stack, [f"127.0.3.{n}" for n in range(1, 12)])
        ledger.feeds.add([f"{many.base}/{n}" for n in range(2_000)], NOW)
        ledger.feeds.add([server.base + "/feed" for server in few], NOW + timedelta(seconds=1))
        started = time.monotonic()
        with polling(ledger, replace(CONFIG, host_delay=0.2)):
            assert not wait_for(ledger, [server.base + "/feed" for server in few], SOON_S)
        # as many as the delay allows in that time; all would take 400 s
        assert len(many.seen) <= 2 + (time.monotonic() - started) / 0.2


def test_one_feed_that_a_database_refuses_does_not_stop_the_others(ledger: Ledger) -> None:
    class Refusing(Feeds):
        """Feeds of a database that refuses what one of them says."""

        def record(self, polls: Sequence[Poll], *rest: Any) -> int:
            if any(poll.sightings and poll.state.url.endswith("/3") for poll in polls):
                raise sa.exc.DataError("INSERT", {}, ValueError("invalid byte sequence"))
            return super().record(polls, *rest)

    ledger.feeds = Refusing(ledger.engine, ledger.links, ledger.leases.duration)
    with TinyServer({"*": lambda seen: feed(f"story{seen.path[1:]}")}) as server:
        states = poll(ledger, *(f"{server.base}/{n}" for n in range(8)))
        assert len(server.seen) == 8, "each is asked once"
    errors = {url.rpartition("/")[2]: state["last_error"] for url, state in states.items() if state["last_error"]}
    assert errors.keys() == {"3"} and "cannot be recorded: invalid byte sequence" in errors["3"]
    assert names(ledger) == {f"story{n}" for n in range(8) if n != 3}


def test_answers_are_kept_while_the_database_is_away(ledger: Ledger) -> None:
    class Away(Feeds):
        """Feeds of a database that is away for the first two tries."""

        tries = 0

        def record(self, *arguments: Any) -> int:
            self.tries += 1
            if self.tries < 3:
                raise sa.exc.OperationalError("INSERT", {}, OSError("connection refused"))
            return super().record(*arguments)

    ledger.feeds = Away(ledger.engine, ledger.links, ledger.leases.duration)
    with TinyServer({"*": lambda seen: feed("one")}) as server:
        poll(ledger, *(f"{server.base}/{n}" for n in range(5)))
        assert len(server.seen) == 5, "each is asked once"
    assert names(ledger) == {"one"}


def test_lists_name_lists_two_levels_deep_and_a_bounded_number(ledger: Ledger) -> None:
    ledger.feeds = Feeds(ledger.engine, ledger.links, ledger.leases.duration, most_children=30)

    def lists(seen: Seen) -> bytes:
        lines = "".join(f"{server.base}{seen.path}/{n}\n" for n in range(20))
        return answer(200, lines.encode())

    with TinyServer({"*": lists}) as server:
        states = poll(ledger, server.base + "/list")
        assert len(states) == 31
        assert sum("as what named it was named itself" in state["last_error"] for state in states.values()) == 10
        assert sum(state["last_error"].startswith(LEFT_OUT) for state in states.values()) == 20
        assert states[server.base + "/list"]["last_error"] == ""
        deepest = max(states, key=lambda url: url.count("/"))
        assert len(poll(ledger, deepest)) == 31 + 30, "one that the user adds may name feeds"


def index_of(*urls: str) -> bytes:
    rows = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return answer(200, f"<sitemapindex xmlns='{space}'>{rows}</sitemapindex>".encode())


def test_indexes_name_sitemaps_two_levels_deep_and_a_bounded_number(ledger: Ledger) -> None:
    ledger.feeds = Feeds(ledger.engine, ledger.links, ledger.leases.duration, most_children=12)

    def indexes(seen: Seen) -> bytes:
        return index_of(*(f"{server.base}{seen.path}/{n}" for n in range(5)))

    with TinyServer({"*": indexes}) as server:
        states = poll(ledger, server.base + "/i")
    depths = [url.removeprefix(server.base).count("/") for url in states]
    assert depths.count(1) == 1 and depths.count(2) == 5 and depths.count(3) == 7 and len(depths) == 13
    notes = [state["last_error"] for state in states.values() if state["last_error"].startswith(LEFT_OUT)]
    assert f"{LEFT_OUT}3 of the 5 feeds that it names" in notes and len(notes) == 4
    assert sum("was named itself" in state["last_error"] for state in states.values()) == 7
    with TinyServer({"*": indexes}, port=server.port) as server:
        assert poll(ledger).keys() == states.keys()


def test_a_page_names_feeds_of_its_own_site_only(ledger: Ledger) -> None:
    link = "<link rel=alternate type='application/rss+xml' href='{}'>"

    def page(*urls: str) -> bytes:
        return answer(200, f"<html><head>{''.join(map(link.format, urls))}</head></html>".encode())

    routes = {
        "/own": lambda seen: page("http://victim.example/", *(f"/feed/{n}" for n in range(50))),
        "/foreign": lambda seen: page("http://victim.example/"),
        "/long": lambda seen: page(f"http://{'a' * 300}.example/feed"),
        "*": lambda seen: feed("one"),
    }
    with TinyServer(routes) as server:
        states = poll(ledger, *(server.base + path for path in ("/own", "/foreign", "/long")))
    assert len(states) == 3 + MOST_OF_PAGE and not any("victim" in url for url in states)
    assert "only feeds of other sites" in states[server.base + "/foreign"]["last_error"]


@pytest.mark.parametrize("host", ["a" * 300 + ".example", ("a" * 60 + ".") * 8 + "example", "語" * 200 + ".example"])
def test_a_feed_whose_host_is_longer_than_any_name_can_be_ends(ledger: Ledger, host: str) -> None:
    with TinyServer({"*": lambda seen: answer(200, f"http://{host}/feed\n".encode())}) as server:
        states = poll(ledger, server.base + "/list.txt")
    assert [bool(state["last_error"]) for url, state in states.items() if not url.startswith(server.base)] in (
        [],
        [True],
    )


def test_a_feed_of_very_many_entries_is_cut_and_recorded_in_parts(ledger: Ledger) -> None:
    sizes = []

    def counted(connection: sa.Connection, sightings: Sequence[Any], now: datetime) -> int:
        sizes.append(len(sightings))
        return record(connection, sightings, now)

    record, ledger.links.record = ledger.links.record, counted  # type: ignore[method-assign]
    body = rss(*(f"s{n}" for n in range(MAX_ENTRIES + 100)))
    with TinyServer({"/feed": lambda seen: answer(200, body)}) as server:
        states = poll(ledger, server.base + "/feed")
    assert states[server.base + "/feed"]["last_error"] == f"{LEFT_OUT}entries after the first 10,000"
    assert [kind for kind, _ in events(ledger)] == ["error"]
    assert sum(sizes) == MAX_ENTRIES == len(names(ledger)) and max(sizes) <= PART


def test_a_process_that_is_killed_between_two_parts_loses_nothing(ledger: Ledger) -> None:
    ledger.feeds.add(["https://a.example/feed"], NOW)
    [state] = ledger.feeds.claim("p", NOW)
    links = [
        ArticleLink(f"https://a.example/{n}", f"https://a.example/{n}", str(n), "a.example", state.url, NOW)
        for n in range(3 * PART)
    ]
    found = Poll(replace(state, polled_at=NOW, next_poll_at=NOW + timedelta(hours=1)), [*map(Sighting, links)])
    record, calls = ledger.links.record, []

    def dies(*arguments: Any) -> int:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return record(*arguments)

    ledger.links.record = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        ledger.feeds.record([found], NOW, Release("p", {"a.example": 0.0}))
    ledger.links.record = record  # type: ignore[method-assign]
    later = NOW + ledger.leases.duration
    [again] = ledger.feeds.claim("q", later)
    assert again.polled_at is None and len(names(ledger)) == 2 * PART
    assert ledger.feeds.record([found], NOW) == PART
    assert not ledger.feeds.claim("q", later)


def test_a_feed_that_takes_too_long_to_read_says_so_and_the_others_are_read(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "TRIAL_S", 0.05)
    monkeypatch.setattr(guarded, "FULL_S", 0.1)
    slow = rss(*(f"s{n}" for n in range(8_000)))
    routes = {"/slow": lambda seen: answer(200, slow), "*": lambda seen: feed(f"story{seen.path[1:]}")}
    with TinyServer(routes) as server:
        states = poll(ledger, server.base + "/slow", *(f"{server.base}/{n}" for n in range(10)))
    state = states.pop(server.base + "/slow")
    assert "too complex" in state["last_error"] and "CPU" in state["last_error"]
    assert state["next_poll_at"] > datetime.now(UTC) + timedelta(minutes=5)
    assert not any(other["last_error"] for other in states.values())
    assert names(ledger) == {f"story{n}" for n in range(10)}


def test_feeds_that_failed_are_asked_when_a_process_starts(ledger: Ledger) -> None:
    urls = {name: f"https://{name}.example/feed" for name in ("failed", "just", "busy", "good", "gone")}
    ledger.feeds.add(urls.values(), NOW)
    later = NOW + timedelta(hours=5)
    for state in ledger.feeds.claim("p", NOW):
        name = state.host.partition(".")[0]
        failing = replace(state, polled_at=NOW - timedelta(hours=1), next_poll_at=later, failures=3.0, last_error="dns")
        states = {
            "failed": failing,
            "just": replace(failing, polled_at=NOW - timedelta(minutes=1)),
            "busy": replace(failing, last_error="http 429 https://busy.example/feed"),
            "good": replace(failing, failures=0.0, last_error=""),
            "gone": replace(failing, enabled=False, next_poll_at=None),
        }
        ledger.feeds.record([Poll(states[name])], NOW)
    ledger.leases.release("p", NOW, {})
    assert ledger.feeds.make_due(NOW, only_failing=True) == 1
    assert [state.url for state in ledger.feeds.claim("p", NOW)] == [urls["failed"]]


def test_a_feed_that_is_gone_is_disabled_a_day_later_and_can_be_enabled(ledger: Ledger) -> None:
    with TinyServer({"/feed": lambda seen: answer(410)}) as server:
        url = server.base + "/feed"
        for _ in range(3):
            state = poll(ledger, url)[url]
            assert ledger.feeds.count() == 1, "three times within seconds is once"
        with ledger.engine.begin() as connection:
            connection.execute(sa.update(FEEDS).values(gone_at=FEEDS.c.polled_at))
            connection.execute(sa.update(FEEDS).values(gone_at=datetime.now(UTC) - timedelta(hours=24)))
        state = poll(ledger, url)[url]
    assert ledger.feeds.count() == 0 and state["next_poll_at"] is None
    assert not ledger.feeds.enable("https://unknown.example/", NOW)
    db = ledger.engine.url.render_as_string(hide_password=False)
    assert newsbeam("feeds", "--enable", url + "x", "--db", db).returncode == 2
    assert newsbeam("feeds", "--enable", url, "--db", db).stdout == "due now\n"
    assert ledger.feeds.count() == 1
    assert ledger.feeds.enable(url, NOW) and ledger.feeds.claim("p", NOW)[0].gone_times == 0


def test_after_a_clock_is_set_back_nothing_waits_for_the_day_it_was(ledger: Ledger) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with TinyServer({"/feed": lambda seen: feed("one")}) as server:
        url = server.base + "/feed"
        ledger.feeds.add([url], tomorrow)
        [state] = ledger.feeds.claim("p", tomorrow)
        link = ArticleLink("https://a.example/1", "https://a.example/1", "1", "a.example", url, tomorrow)
        ahead = replace(state, polled_at=tomorrow, next_poll_at=tomorrow + timedelta(hours=1))
        ledger.feeds.record([Poll(ahead, [Sighting(link)])], tomorrow)
        with capture_logs() as logs, polling(ledger):
            until = time.monotonic() + SOON_S
            while not server.seen and time.monotonic() < until:
                time.sleep(0.05)
    assert server.seen, "the host is leased until tomorrow, and the feed due after that"
    [said] = [line for line in logs if "clock" in line["event"]]
    assert (said["log_level"], said["feeds"], said["urls"]) == ("warning", 1, 1)
    assert ledger.links.claim("w", datetime.now(UTC), host_delay_s=0)
    assert forget_future(ledger.engine, datetime.now(UTC)) == (0, 0)


def test_a_clock_that_is_set_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    assert not clock.went_back()
    real = time.time
    monkeypatch.setattr("pipeline.ledger.clock.time.time", lambda: real() - 86_400)
    assert clock.went_back() and not clock.went_back()
    monkeypatch.undo()
    assert not clock.went_back()

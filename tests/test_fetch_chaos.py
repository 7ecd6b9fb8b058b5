"""Hundreds of requests at once to hosts that do everything wrong: each is answered, and nothing is left over."""

from __future__ import annotations

import asyncio
import gzip
import os
import queue
import random
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_fetch import Names, links_of
from tinyserver import Reply, Seen, TinyServer, answer, page

from transforms.fetch import fetcher as fetcher_module
from transforms.fetch.fetcher import FeedAnswer, FeedRequest, Fetcher, FetchPolicy

BIG = answer(200, b"<p>" + b"x" * 900_000)
BOMB = answer(200, gzip.compress(b"<p>" + b"0" * 5_000_000), content_encoding="gzip")
FEEDS, BATCHES, LINKS, TAKEN = 600, 3, 100, 60


class Chaos:
    """Chooses one of many answers to each request."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __call__(self, seen: Seen) -> Reply:
        choices = [
            *[lambda: page()] * 8,
            *[lambda: BIG] * 3,
            lambda: BOMB,
            lambda: None,
            self.slow,
            self.half,
            lambda: answer(404, b"gone" * self.random.randint(0, 9_000)),
            lambda: answer(302, location=f"{seen.path}x"),
            lambda: b"garbage\r\n\r\n",
            lambda: answer(503),
            lambda: answer(200, b"<p>", connection="close"),
        ]
        return self.random.choice(choices)()

    async def slow(self) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
        await asyncio.sleep(self.random.random())
        yield b"<p>"

    async def half(self) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99999\r\n\r\n<p>"


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0, 0.002])
def test_every_request_is_answered_and_nothing_is_left_over(delay_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher_module, "MAX_HELD_BYTES", 2_000_000)
    policy = FetchPolicy(host_delay_s=delay_s, allow_private_addresses=True, max_body_bytes=1_000_000, timeout_s=0.7)
    names = Names({f"site{n}.example": ["127.0.0.1"] for n in range(100)})
    chaos = Chaos(3)
    answers: queue.SimpleQueue[FeedAnswer] = queue.SimpleQueue()
    ends: list[int] = []
    before = count_descriptors()
    with TinyServer({"*": chaos, "/robots.txt": chaos}) as server, Fetcher(policy, resolve=names) as fetcher:

        def read_batches(limit: int) -> None:
            for batch in range(BATCHES):
                links = links_of([f"http://site{n}.example:{server.port}/{limit}/{batch}/{n}" for n in range(LINKS)])
                taken = 0
                stream = fetcher.fetch_articles(links, budget_s=4)
                for _ in stream:
                    taken += 1
                    if taken % 50 == 0:
                        time.sleep(0.2)
                    if taken == limit:
                        break
                stream.close()
                ends.append(taken)

        readers = [threading.Thread(target=read_batches, args=(limit,)) for limit in (LINKS, TAKEN)]
        for reader in readers:
            reader.start()
        for n in range(FEEDS):
            fetcher.ask_feed(FeedRequest(f"http://site{n % 100}.example:{server.port}/feed/{n}"), answers.put)
        for reader in readers:
            reader.join(60)
        assert sorted(ends) == [TAKEN] * BATCHES + [LINKS] * BATCHES
        assert len([answers.get(timeout=30) for _ in range(FEEDS)]) == FEEDS
        # a robots.txt may still be under way, and the loop may not have heard yet that a batch is over
        deadline = time.monotonic() + 10
        while (asyncio.all_tasks(fetcher._background._loop) or fetcher._room.used) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert fetcher._room.used == 0
        assert [host for host in fetcher._turns._hosts.values() if host.pace.active or host.queue.ends] == []
        assert [place for place in fetcher._turns._addresses.values() if place.pace.active] == []
        assert not fetcher._follower._exchanger._wire._on_end
    assert count_descriptors() <= before + 2


def count_descriptors() -> int:
    """Return how many descriptors are open, where the system says so."""
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.exists() else 0

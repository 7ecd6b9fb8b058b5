"""Measure one steady round of 10,000 feeds on 500 hosts, 95 % of them unchanged, beside bare HTTP clients.

usage: python bench/poller.py [--feeds N] [--hosts N] [--only NAME,...]

The server is another process with one loopback address per host (Linux). newsbeam polls with no pause between requests
to a host, once to learn the feeds and once more for the figures; aiohttp and libcurl (through pycurl) make the same
conditional requests, 64 at once, and do nothing with the answers. Each runs in a process of its own. CPU and memory are
those of that process and its children (the guarded process that parses), without the servers'. PostgreSQL runs on the
same machine with fsync off. Needs the extras bench and dev.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# replaces this folder, in which pipeline.py would hide the package of the same name
sys.path[0] = str(REPOSITORY)

ENTRIES = 20  # entries of a feed
NEW_ENTRIES = 2  # of which are new in a feed that has changed
CHANGED_EVERY = 20  # one feed in 20 changes in a round: 95 % are unchanged
AT_ONCE = 64  # requests of the bare clients, as many as newsbeam's fetcher makes
AGENT = "newsbeam-bench/1"
TICKS = os.sysconf("SC_CLK_TCK")


def address_of(feed: int, hosts: int, port: int) -> str:
    """Return the address of a feed."""
    return f"http://{host_address(feed % hosts)}:{port}/feed/{feed}"


def host_address(host: int) -> str:
    """Return the loopback address of a host."""
    return f"127.1.{host // 250}.{host % 250 + 1}"


# The server


class FeedServer(asyncio.Protocol):
    """Answers conditional requests for feeds; `/round/N` starts a round, in which one feed in 20 has changed."""

    round = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            self.transport.write(self.answer(head))  # type: ignore[attr-defined]

    def answer(self, head: bytes) -> bytes:
        _, kind, number = head.split(b" ", 2)[1].split(b"/")
        if kind == b"round":
            FeedServer.round = int(number)
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        feed = int(number)
        version = sum(1 for past in range(1, FeedServer.round + 1) if past % CHANGED_EVERY == feed % CHANGED_EVERY)
        tag = b'"%d"' % version
        if b'none-match: "%d"' % version in head.lower():
            return b"HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n" % tag
        newest = ENTRIES + NEW_ENTRIES * version
        body = feed_body(feed, newest)
        start = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: %s\r\nContent-Length: %d\r\n\r\n"
        return start % (tag, len(body)) + body


def feed_body(feed: int, newest: int) -> bytes:
    """Return a feed with the last 20 of its entries."""
    items = "".join(
        f"<item><title>Story {number} of feed {feed}</title><guid>{feed}-{number}</guid>"
        f"<link>https://site{feed}.example/2026/03/{number}/a-story-about-something</link>"
        f"<pubDate>Sun, 01 Mar 2026 {number // 60 % 24:02}:{number % 60:02}:00 GMT</pubDate>"
        f"<description>{'What happened, in a sentence or two. ' * 5}</description></item>"
        for number in range(newest, newest - ENTRIES, -1)
    )
    return f"<rss version='2.0'><channel><title>Feed {feed}</title>{items}</channel></rss>".encode()


async def serve(hosts: int) -> None:
    """Listen on the addresses of all hosts until stdin closes; print the port."""
    loop = asyncio.get_running_loop()
    port = 0
    for host in range(hosts):
        server = await loop.create_server(FeedServer, host_address(host), port)
        port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def served_feeds(hosts: int) -> Iterator[int]:
    """Run the server in another process; yields its port."""
    command = [sys.executable, __file__, "--hosts", str(hosts), "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin and server.stdout
        yield int(server.stdout.readline())
        server.stdin.close()


def start_round(port: int, number: int) -> None:
    connection = http.client.HTTPConnection(host_address(0), port)
    connection.request("GET", f"/round/{number}")
    connection.getresponse().read()
    connection.close()


# The clients. Each makes one round of conditional requests and returns how many were unchanged.


def poll_bare_aiohttp(feeds: int, hosts: int, port: int) -> int:
    import aiohttp

    async def run() -> int:
        left = iter(range(feeds))
        unchanged = 0
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, headers={"User-Agent": AGENT}) as session:

            async def ask() -> None:
                nonlocal unchanged
                for feed in left:
                    url = address_of(feed, hosts, port)
                    async with session.get(url, headers={"If-None-Match": '"0"'}) as answer:
                        await answer.read()
                        unchanged += answer.status == 304

            await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
        return unchanged

    return asyncio.run(run())


def poll_bare_pycurl(feeds: int, hosts: int, port: int) -> int:
    import pycurl

    left = iter(range(feeds))
    unchanged = 0
    multi = pycurl.CurlMulti()

    def ask(handle: pycurl.Curl) -> bool:
        feed = next(left, None)
        if feed is None:
            return False
        body: list[bytes] = []
        handle.setopt(pycurl.URL, address_of(feed, hosts, port))
        handle.setopt(pycurl.WRITEFUNCTION, lambda data: body.append(data))
        multi.add_handle(handle)
        return True

    handles = [pycurl.Curl() for _ in range(AT_ONCE)]
    for handle in handles:
        handle.setopt(pycurl.HTTPHEADER, ['If-None-Match: "0"', f"User-Agent: {AGENT}"])
    running = sum([ask(handle) for handle in handles])
    while running:
        multi.perform()
        _, done, failed = multi.info_read()
        if failed:
            raise RuntimeError(failed[0][2])
        for handle in done:
            unchanged += handle.getinfo(pycurl.RESPONSE_CODE) == 304
            multi.remove_handle(handle)
            running -= not ask(handle)
        if not done:
            multi.select(1.0)
    return unchanged


def round_of_newsbeam(database: str) -> Callable[[int, int, int], int]:
    """Poll once to learn the feeds; returns what polls them once more."""
    import sqlalchemy as sa
    import structlog

    from pipeline.config import Config
    from pipeline.jobs.poll import Poller
    from pipeline.ledger import Ledger
    from pipeline.tables.database import METADATA, open_database, reading

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    config = Config(allow_private_addresses=True, host_delay=0.0, contact="https://a.example/bench")
    ledger = Ledger(open_database(database))
    table = METADATA.tables["feeds"]

    def poll(feeds: int, hosts: int, port: int) -> int:
        now = datetime.now(UTC)
        ledger.feeds.add([address_of(feed, hosts, port) for feed in range(feeds)], now)
        Poller(ledger, config).run(once_since=now)
        with reading(ledger.engine) as connection:
            polled = table.c.polled_at >= now, table.c.last_error == ""
            done = connection.execute(sa.select(sa.func.count()).select_from(table).where(*polled)).scalar_one()
            new = sa.select(sa.func.count()).select_from(table).where(*polled, table.c.new_entry_at >= now)
            if done != feeds:
                raise RuntimeError(f"polled {done} of {feeds} feeds")
            return done - int(connection.execute(new).scalar_one())

    return poll


# Measuring


def cpu_of_children(pid: int) -> float:
    """Return the CPU in seconds of the living children of a process and of what they have waited for."""
    total = 0.0
    for child in children_of(pid):
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) / TICKS + cpu_of_children(child)
    return total


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class Memory(threading.Thread):
    """Samples the private memory of this process's children; its own peak is known to the system."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0

    def run(self) -> None:
        while True:
            self.peak = max(self.peak, sum(map(private_bytes, descendants_of(os.getpid()))))
            time.sleep(0.2)


def descendants_of(pid: int) -> list[int]:
    return [one for child in children_of(pid) for one in (child, *descendants_of(child))]


def private_bytes(pid: int) -> int:
    """Return the proportional share of a process's memory, so that pages shared after a fork count once."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def measure(name: str, database: str, feeds: int, hosts: int, port: int) -> None:
    """Measure one client in this process, and print the figures as JSON."""
    first_s = 0.0
    if name in ("aiohttp", "pycurl"):
        client = poll_bare_aiohttp if name == "aiohttp" else poll_bare_pycurl
    else:
        start_round(port, 0)
        client = round_of_newsbeam(database)
        started = time.monotonic()
        client(feeds, hosts, port)
        first_s = time.monotonic() - started
    start_round(port, 1)
    memory = Memory()
    memory.start()
    wall, own, others = time.monotonic(), time.process_time(), cpu_of_children(os.getpid())
    unchanged = client(feeds, hosts, port)
    wall, own = time.monotonic() - wall, time.process_time() - own
    others = cpu_of_children(os.getpid()) - others
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    figures = {"wall_s": wall, "cpu_s": own + others, "first_s": first_s, "unchanged": unchanged}
    print(json.dumps(figures | {"own_mb": peak / 1e6, "children_mb": memory.peak / 1e6}), flush=True)


@contextmanager
def database_of(name: str) -> Iterator[str]:
    if name == "postgresql":
        sys.path.insert(1, str(REPOSITORY / "tests"))
        from emulators.postgres import create_database

        yield create_database()
        return
    folder = tempfile.mkdtemp(prefix="newsbeam-bench-")
    try:
        yield f"sqlite:///{folder}/bench.db"
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--only", default="pycurl,aiohttp,sqlite,postgresql", help="default: %(default)s")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.hosts))
        return
    if options.measure:
        name, database, port = options.measure
        measure(name, database, options.feeds, options.hosts, int(port))
        return
    print(f"{options.feeds:,} feeds on {options.hosts} hosts; a steady round of conditional requests")
    print("client        wall s    CPU s   unchanged   MB, and of its children   first round s")
    per_poll = {}
    with served_feeds(options.hosts) as port:
        for name in options.only.split(","):
            with database_of(name) as database:
                command = [sys.executable, __file__, "--measure", name, database, str(port)]
                command += ["--feeds", str(options.feeds), "--hosts", str(options.hosts)]
                found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            share = found["unchanged"] / options.feeds
            print(
                f"{name:<12}{found['wall_s']:8.1f} {found['cpu_s']:8.1f} {share:11.1%}"
                f" {found['own_mb']:8.0f} {found['children_mb']:16.0f} {found['first_s'] or '-':>15.4}",
                flush=True,
            )
            per_poll[name] = found["cpu_s"] / options.feeds
    for name in per_poll.keys() & {"sqlite", "postgresql"}:
        an_hour = 3600 / per_poll[name]
        print(
            f"{name}: {per_poll[name] * 1000:.2f} ms of CPU a poll, so one core polls {an_hour:,.0f} feeds an hour;"
            f" 100,000 feeds an hour take {100_000 / an_hour:.0%} of it"
        )


if __name__ == "__main__":
    main()

"""What one conditional request costs: newsbeam's fetcher, bare aiohttp and bare libcurl, in one run.

    .venv/bin/python bench/fetching.py [--requests 10000] [--hosts 500] [--only fetcher,aiohttp,pycurl]

A server in a process of its own answers 95 % of the requests with 304 and the rest with a feed of 20 kB. Every host is
a name of its own, which resolves to the loopback. Each client runs in a process of its own. Prints its seconds of wall
clock and of CPU (user and system).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import resource
import socket
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from multiprocessing.connection import Connection

REQUESTS_AT_ONCE = 64
ETAG = '"v1"'
_NOT_MODIFIED = b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\nCache-Control: max-age=600\r\n\r\n'
_FEED = b"<rss><channel>" + b"<item><title>Harbour plan approved</title></item>" * 400 + b"</channel></rss>"
_CHANGED = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: "v2"\r\nContent-Length: %d\r\n\r\n' % len(_FEED)
) + _FEED


class _Answers(asyncio.Protocol):
    """Answers each request; of the paths 0, 1, 2 ... every twentieth has changed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            number = int(head.split(b" ", 2)[1].rpartition(b"/")[2])
            self._transport.write(_CHANGED if number % 20 == 0 else _NOT_MODIFIED)


def serve(ready: Connection) -> None:
    """Serve on a free port, which goes through `ready`, until the process is ended."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Answers, "127.0.0.1", 0, backlog=1_000)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def urls_of(requests: int, hosts: int, port: int) -> list[str]:
    """Return the addresses, hosts in turn."""
    return [f"http://site{n % hosts}.example:{port}/{n // hosts}" for n in range(requests)]


async def resolve(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def ask_fetcher(urls: Sequence[str]) -> list[int]:
    import structlog

    from transforms.fetch.fetcher import FeedRequest, Fetcher, FetchPolicy

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True)
    with Fetcher(policy, resolve=resolve) as fetcher:
        requests = [FeedRequest(url, etag=ETAG) for url in urls]
        return [answer.status for answer in fetcher.fetch_feeds(requests)]


def ask_aiohttp(urls: Sequence[str]) -> list[int]:
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Loopback(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

        async def close(self) -> None:
            pass

    async def run() -> list[int]:
        statuses = []
        left = iter(urls)
        connector = aiohttp.TCPConnector(resolver=Loopback(), limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask() -> None:
                for url in left:
                    async with session.get(url, headers={"If-None-Match": ETAG}) as response:
                        await response.read()
                        statuses.append(response.status)

            await asyncio.gather(*(ask() for _ in range(REQUESTS_AT_ONCE)))
        return statuses

    return asyncio.run(run())


def ask_pycurl(urls: Sequence[str]) -> list[int]:
    import pycurl

    statuses = []
    left = iter(urls)
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, 1_000)
    active = 0

    def start(curl: pycurl.Curl) -> bool:
        url = next(left, None)
        if url is None:
            return False
        parts: list[bytes] = []
        host, port = url.split("/")[2].split(":")
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.RESOLVE, [f"{host}:{port}:127.0.0.1"])
        curl.setopt(pycurl.HTTPHEADER, [f"If-None-Match: {ETAG}"])
        curl.setopt(pycurl.WRITEFUNCTION, parts.append)
        multi.add_handle(curl)
        return True

    curls = [pycurl.Curl() for _ in range(REQUESTS_AT_ONCE)]
    active = sum(map(start, curls))
    while active:
        multi.perform()
        _, ended, failed = multi.info_read()
        assert not failed, failed
        for curl in ended:
            statuses.append(curl.getinfo(pycurl.RESPONSE_CODE))
            multi.remove_handle(curl)
            active += start(curl) - 1
        if not ended:
            multi.poll(100) if hasattr(multi, "poll") else multi.select(0.1)
    return statuses


CLIENTS: dict[str, Callable[[Sequence[str]], list[int]]] = {
    "fetcher": ask_fetcher,
    "aiohttp": ask_aiohttp,
    "pycurl": ask_pycurl,
}


def measure(name: str, urls: Sequence[str], done: Connection) -> None:
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    statuses = CLIENTS[name](urls)
    after = resource.getrusage(resource.RUSAGE_SELF)
    wall_s = time.monotonic() - started
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    done.send((wall_s, cpu_s, after.ru_maxrss / 1024, statuses.count(304), statuses.count(200)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--only", default=",".join(CLIENTS))
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        urls = urls_of(arguments.requests, arguments.hosts, here.recv())
        print(f"{len(urls)} requests to {arguments.hosts} hosts\n{'client':10} {'wall s':>7} {'CPU s':>7} {'MB':>5}")
        for name in arguments.only.split(","):
            if name != "fetcher" and find_spec(name) is None:
                print(f"{name:10} is not installed")
                continue
            here, there = context.Pipe()
            client = context.Process(target=measure, args=(name, urls, there))
            client.start()
            wall_s, cpu_s, megabytes, unchanged, changed = here.recv()
            client.join()
            print(
                f"{name:10} {wall_s:7.2f} {cpu_s:7.2f} {megabytes:5.0f}  {unchanged} x 304, {changed} x 200", flush=True
            )
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()

"""Serve a world over HTTP/1.1: each site on its own loopback address, the control pages on 127.0.0.1.

/feeds.txt /feeds.opml   the feeds to start from
/truth.jsonl             the expected outcome of every URL
/articles.jsonl          the expected content of articles
/stats.json              the requests to each site
/edit                    edit some articles (World.edit)
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from email.utils import formatdate
from urllib.parse import urlsplit

from newsworld.answers import Answer, Request
from newsworld.feeds import opml
from newsworld.sites import Site, World

IDLE_S = 60.0
TICK_S = 0.01
CONTROL_ADDRESS = "127.0.0.1"


class Server:
    """One server for all sites of a world; `latency_s` is the mean time before each answer."""

    def __init__(self, world: World, latency_s: float = 0.0) -> None:
        self.world = world
        self.latency_s = latency_s
        self._random = random.Random(1)

    async def run(self) -> None:
        """Listen, print the summary as one line of JSON, and serve until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        servers = [
            await asyncio.start_server(self._serve, address, self.world.port, backlog=512)
            for address in (CONTROL_ADDRESS, *self.world.sites)
        ]
        print(json.dumps(self.world.summary()), flush=True)
        metronome = asyncio.create_task(self._measure_lateness())
        await stop.wait()
        metronome.cancel()
        for server in servers:
            server.close()

    async def _measure_lateness(self) -> None:
        """Keep the most that this process was late: so late it may also have seen a request, on a busy machine."""
        while True:
            due = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            self.world.lateness_s = max(self.world.lateness_s, time.monotonic() - due)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        site = self.world.sites.get(writer.get_extra_info("sockname")[0])
        try:
            while await self._serve_one(site, reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
            # the client disconnected, or did not send HTTP
            pass
        finally:
            writer.close()

    async def _serve_one(self, site: Site | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection stays open."""
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
        arrived = time.monotonic()
        request = read_request(head)
        if site is None:
            return await send(writer, request, self._control(request.path))
        site.start(request.path, arrived)
        try:
            answer = site.answer(request)
            wait = answer.wait_s or self._draw_latency()
            if wait:
                await asyncio.sleep(wait)
            return await send(writer, request, answer)
        finally:
            site.end()

    def _draw_latency(self) -> float:
        # bounded: one extreme draw must not look like a site that hangs
        return min(self._random.expovariate(1 / self.latency_s), 4 * self.latency_s) if self.latency_s else 0.0

    def _control(self, path: str) -> Answer:
        world = self.world
        if path == "/feeds.txt":
            return Answer(body="".join(f"{url}\n" for url in world.feeds).encode(), content_type="text/plain")
        if path == "/feeds.opml":
            return Answer(body=opml("newsworld", world.feeds), content_type="text/x-opml")
        if path == "/stats.json":
            late = {"lateness": round(world.lateness_s, 3)}
            rows = [site.stats() | late for site in world.sites.values()]
            return Answer(body=json.dumps(rows).encode(), content_type="application/json")
        if path == "/edit":
            world.edit()
            return Answer(204)
        rows = {"/truth.jsonl": world.truth, "/articles.jsonl": world.articles}.get(path)
        if rows is None:
            return Answer(404)
        return Answer(body="".join(json.dumps(row) + "\n" for row in rows).encode(), content_type="application/jsonl")


def read_request(head: bytes) -> Request:
    """Parse the head of a request; raises OSError if it is invalid."""
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, _ = first.split(" ")
    except ValueError as exc:
        raise ConnectionError(f"no request: {first[:80]!r}") from exc
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    parts = urlsplit(target)
    return Request(method, parts.path or "/", parts.query, headers)


async def send(writer: asyncio.StreamWriter, request: Request, answer: Answer) -> bool:
    """Send an answer; returns whether another request may follow on this connection."""
    if answer.raw is not None:
        writer.write(answer.raw)
        await writer.drain()
        return False
    headers = {"Date": formatdate(usegmt=True), "Server": "newsworld", **answer.headers}
    has_body = answer.status not in (204, 304)
    if has_body:
        headers["Content-Type"] = answer.content_type
    if answer.pieces is not None:
        headers["Connection"] = "close"
    elif has_body:
        headers["Content-Length"] = str(len(answer.body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} Status\r\n{lines}\r\n".encode("latin-1"))
    if request.method == "HEAD" or not has_body:
        await writer.drain()
        return answer.pieces is None
    if answer.pieces is None:
        writer.write(answer.body)
        await writer.drain()
        return True
    await writer.drain()
    for wait, piece in answer.pieces():
        if wait:
            await asyncio.sleep(wait)
        writer.write(piece)
        await writer.drain()
    return False

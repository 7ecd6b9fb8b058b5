"""A server that answers with exactly the bytes that a test supplies, for answers that no well-behaved server gives."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came in; `at` is monotonic time, `address` the local address it came to."""

    path: str
    headers: dict[str, str]
    at: float
    address: str


# a whole answer as bytes, or its pieces one after the other; None closes the connection without an answer
Reply = bytes | AsyncIterator[bytes] | None
Route = Callable[[Seen], Reply]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """Build a plain HTTP/1.1 answer; underscores in header names stand for dashes."""
    lines = {"Content-Type": "text/html", "Content-Length": str(len(body))}
    lines |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


def page(text: str = "Harbour plan approved") -> bytes:
    return answer(200, f"<html><body><p>{text}</p></body></html>".encode())


@dataclass
class TinyServer:
    """Serves routes by exact path; "*" matches any other path; robots.txt is a 404 unless there is a route for it."""

    routes: dict[str, Route]
    tls: ssl.SSLContext | None = None
    address: str = "127.0.0.1"
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    active: int = 0
    most_active: int = 0

    def __enter__(self) -> TinyServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tiny-server")
        self._thread.start()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = self.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    @property
    def base(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self.address, self.port, ssl=self.tls)

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        seen = Seen(path, headers, time.monotonic(), writer.get_extra_info("sockname")[0])
        self.seen.append(seen)
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            route = self.routes.get(path)
            if route is None and path != "/robots.txt":
                route = self.routes.get("*")
            reply = answer(404) if route is None else route(seen)
            if reply is None:
                return False
            if isinstance(reply, bytes):
                writer.write(reply)
                await writer.drain()
                # an answer without a length is ended by closing the connection
                return b"content-length" in reply.lower() and b"connection: close" not in reply.lower()
            async for piece in reply:
                writer.write(piece)
                await writer.drain()
            return False
        finally:
            self.active -= 1

"""Open connections to permitted addresses only.

The check comes between DNS and the connection: the connection goes to the very address that was checked, so a name that
resolves differently a moment later (DNS rebinding) gains nothing. Every redirect passes through here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import httpcore

from transforms.errors import ConnectFailed, DnsFailed, InvalidUrl, PrivateAddress, TlsFailed
from transforms.fetch.addresses import IPAddress, may_dial

# host and port -> addresses as text, best first; raises DnsFailed
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_ADDRESSES = 4
_MAX_LOOKUPS = 16


class SystemResolver:
    """Resolve names with getaddrinfo, each lookup in a daemon thread.

    The loop's executor is unsuitable: Python joins it at exit, and a name server that does not answer would delay the
    exit by half a minute.
    """

    def __init__(self) -> None:
        self._lookups = asyncio.Semaphore(_MAX_LOOKUPS)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def settle(addresses: list[str], error: Exception | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(addresses)
            else:
                answer.set_exception(error)

        def look_up() -> None:
            addresses: list[str] = []
            error: Exception | None = None
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                addresses = [str(row[4][0]) for row in found]
            except OSError as exc:
                error = DnsFailed(f"{host}: {exc.strerror or exc}")
            except ValueError as exc:  # a label that is empty or too long for the codec
                error = InvalidUrl(f"host {host[:200]!r}: {exc}")
            # the loop may have been closed meanwhile
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, addresses, error)

        async with self._lookups:
            threading.Thread(target=look_up, name="newsbeam-dns", daemon=True).start()
            return await answer


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore; raises PrivateAddress, DnsFailed, ConnectFailed and TlsFailed."""

    def __init__(self, resolve: Resolve, allow_private: bool, sent: Callable[[str], None]) -> None:
        """Resolve names with `resolve`; call `sent` with the host each time something is sent to it."""
        self._resolve = resolve
        self._allow_private = allow_private
        self._sent = sent
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._find_addresses(host, port, timeout)
        error: Exception | None = None
        for address in addresses:
            try:
                stream = await self._sockets.connect_tcp(
                    str(address), port, timeout=timeout and timeout / len(addresses), local_address=local_address
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                error = exc
                continue
            return _GuardedStream(stream, host, self._sent)
        word = "no answer" if isinstance(error, httpcore.ConnectTimeout) else str(error)
        raise ConnectFailed(f"{host}:{port}: {word}") from error

    async def _find_addresses(self, host: str, port: int, timeout: float | None) -> list[IPAddress]:
        try:
            found: Sequence[str] = [str(ipaddress.ip_address(host))]
        except ValueError:
            try:
                async with asyncio.timeout(timeout):
                    found = await self._resolve(host, port)
            except TimeoutError as exc:
                raise DnsFailed(f"{host}: no answer within {timeout:g} s") from exc
        # getaddrinfo sorts addresses as in RFC 6724
        addresses = [ipaddress.ip_address(text) for text in dict.fromkeys(found)]
        allowed = [address for address in addresses if may_dial(address, allow_private=self._allow_private)]
        if allowed:
            return allowed[:MAX_ADDRESSES]
        if addresses:
            raise PrivateAddress(f"{host} is not public: {', '.join(map(str, addresses[:MAX_ADDRESSES]))}")
        raise DnsFailed(f"{host}: no address")


class _GuardedStream(httpcore.AsyncNetworkStream):
    """A stream that reports when it sends, and whose failed TLS handshake raises TlsFailed, not ConnectFailed."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, host: str, sent: Callable[[str], None]) -> None:
        self._stream = stream
        self._host = host
        self._sent = sent

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)
        self._sent(self._host)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, OSError, ValueError) as exc:
            raise TlsFailed(f"{self._host}: {exc or 'no answer'}") from exc
        return _GuardedStream(stream, self._host, self._sent)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

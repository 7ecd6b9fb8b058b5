"""Connect to permitted addresses only.

The check comes between DNS and the connection: libcurl is given the very addresses that were checked, so a name that
resolves differently a moment later (DNS rebinding) gains nothing, and each socket is checked again as it is opened.
Every redirect passes through here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from transforms.errors import DnsFailed, InvalidUrl, PrivateAddress
from transforms.fetch.addresses import IPAddress, may_dial
from transforms.fetch.target import Target

# host and port -> addresses as text, best first; raises DnsFailed
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_ADDRESSES = 4
# how long an address is used without asking again; a connection that is kept stays with its own
ADDRESS_TTL_S = 60.0
MAX_REMEMBERED = 4_096
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


class Dialler:
    """Finds the addresses of hosts that may be dialled, and remembers them while they are in use."""

    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._known: OrderedDict[tuple[str, int], tuple[float, tuple[IPAddress, ...]]] = OrderedDict()

    def recall(self, target: Target) -> tuple[IPAddress, ...]:
        """Return the addresses of a host as far as they are known; none is the answer for a host that is not."""
        known = self._known.get((target.host, target.port))
        return known[1] if known is not None and time.monotonic() < known[0] else ()

    async def find(self, target: Target, timeout_s: float) -> tuple[IPAddress, ...]:
        """Return the addresses of a host that may be dialled, best first.

        Raises DnsFailed, InvalidUrl, and PrivateAddress if it has others only.
        """
        known = self.recall(target)
        if known:
            return known
        host = target.host
        try:
            found: Sequence[str] = [str(ipaddress.ip_address(host))]
        except ValueError:
            try:
                async with asyncio.timeout(timeout_s):
                    found = await self._resolve(host, target.port)
            except TimeoutError as exc:
                raise DnsFailed(f"{host}: no answer within {timeout_s:g} s") from exc
        # getaddrinfo sorts addresses as in RFC 6724
        addresses = [ipaddress.ip_address(text) for text in dict.fromkeys(found)]
        allowed = [address for address in addresses if may_dial(address, allow_private=self._allow_private)]
        if not allowed:
            if addresses:
                raise PrivateAddress(f"{host} is not public: {', '.join(map(str, addresses[:MAX_ADDRESSES]))}")
            raise DnsFailed(f"{host}: no address")
        chosen = tuple(allowed[:MAX_ADDRESSES])
        self._known[target.host, target.port] = time.monotonic() + ADDRESS_TTL_S, chosen
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return chosen

    def forget(self, target: Target) -> None:
        """Have the next connection to a host look its name up again."""
        self._known.pop((target.host, target.port), None)

    def open_socket(self, address: Any) -> socket.socket | None:
        """Open a socket for one of libcurl's addresses (CURLOPT_OPENSOCKETFUNCTION); None if it may not be dialled."""
        if not may_dial(ipaddress.ip_address(address.addr[0]), allow_private=self._allow_private):
            return None
        return socket.socket(address.family, address.socktype, address.protocol)

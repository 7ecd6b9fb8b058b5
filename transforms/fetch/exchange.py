"""Send one request and read its response, over connections that are kept alive for later requests."""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
import h2.exceptions
import h11
import httpcore

from transforms.errors import ConnectFailed, FetchTimeout, ProtocolFailed, TlsFailed, TooLarge
from transforms.fetch.dial import GuardedBackend, Resolve
from transforms.fetch.target import Target
from transforms.inflate import Inflater

CONNECT_TIMEOUT_S = 10.0
KEEPALIVE_S = 60.0
MAX_KEPT_ORIGINS = 64
# bodies of redirects and error pages up to this size are read, which leaves the connection ready for the next request
_DRAINED_BYTES = 16_384
_DRAIN_S = 2.0

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of a body to read: past `limit` decoded bytes, cut it if `cut`, else raise TooLarge."""

    limit: int
    cut: bool = False


# decides from status and headers how much of the body to read (None: nothing); may raise Rejected
Judge = Callable[[int, Headers], Wanted | None]


@dataclass(frozen=True, slots=True)
class Response:
    """A response: header names in lower case, `body` decoded from its content encoding, empty if it was not read."""

    status: int
    headers: Headers
    body: bytes = b""
    cookies: tuple[str, ...] = ()


@dataclass(slots=True)
class _Kept:
    """The connections to one origin. One pool for all origins would go through every connection on each request."""

    pool: httpcore.AsyncConnectionPool
    users: int = 0


class Exchanger:
    """Sends requests and keeps connections; belongs to one event loop.

    It does not follow redirects, keep a pace or set a deadline: the caller does.
    """

    def __init__(
        self,
        resolve: Resolve,
        *,
        allow_private: bool,
        host_concurrency: int,
        sent: Callable[[str], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._backend = GuardedBackend(resolve, allow_private, sent)
        self._host_concurrency = host_concurrency
        self._tls = tls
        self._kept: OrderedDict[tuple[str, str, int], _Kept] = OrderedDict()

    async def ask(self, target: Target, headers: Sequence[tuple[str, str]], judge: Judge) -> Response:
        """Send one GET and read as much of the response as `judge` decides.

        Raises PrivateAddress, DnsFailed, ConnectFailed, TlsFailed, ProtocolFailed, FetchTimeout, TooLarge,
        ContentTypeRejected and what `judge` raises.
        """
        kept = self._take_pool(target)
        request = httpcore.Request(
            "GET",
            httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
            headers=[("Host", target.netloc), *headers],
            # certificates name hosts without the optional trailing dot
            extensions={"timeout": {"connect": CONNECT_TIMEOUT_S}, "sni_hostname": target.site},
        )
        try:
            with map_errors(target.url):
                response = await self._send(kept.pool, request)
                try:
                    return await self._read_answer(response, judge)
                finally:
                    await response.aclose()
        finally:
            kept.users -= 1
            await self._close_surplus()

    async def aclose(self) -> None:
        """Close every connection."""
        while self._kept:
            _, kept = self._kept.popitem()
            await kept.pool.aclose()

    async def _send(self, pool: httpcore.AsyncConnectionPool, request: httpcore.Request) -> httpcore.Response:
        """Send a request; resend it if the server was just closing the kept connection (RFC 9112, 9.3.1 and 9.5).

        The server never saw such a request, so the host still gets only one.
        """
        for _ in range(self._host_concurrency):
            was_kept = any(connection.is_idle() for connection in pool.connections)
            try:
                return await pool.handle_async_request(request)
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError) as error:
                # a server whose answer is not HTTP has seen the request; httpcore wraps the parser's error
                is_answered = any(isinstance(wrapped, h11.RemoteProtocolError) for wrapped in error.args)
                if not was_kept or is_answered:
                    raise
        return await pool.handle_async_request(request)

    async def _read_answer(self, response: httpcore.Response, judge: Judge) -> Response:
        headers = read_headers(response.headers)
        cookies = tuple(value.decode("latin-1") for name, value in response.headers if name.lower() == b"set-cookie")
        wanted = judge(response.status, headers)
        if wanted is None:
            await _drain(response, headers)
            return Response(response.status, headers, cookies=cookies)
        length = headers.get("content-length", "")
        if not wanted.cut and length.isdecimal() and len(length) < 19 and int(length) > wanted.limit:
            raise TooLarge(f"content-length {length} is more than {wanted.limit} bytes")
        inflater = Inflater(headers.get("content-encoding", ""), wanted.limit)
        try:
            async for chunk in response.aiter_stream():
                inflater.feed(chunk)
        except TooLarge:
            if not wanted.cut:
                raise
            return Response(response.status, headers, inflater.take(), cookies)
        return Response(response.status, headers, inflater.finish(), cookies)

    def _take_pool(self, target: Target) -> _Kept:
        kept = self._kept.get(target.origin)
        if kept is None:
            if target.scheme == "https" and self._tls is None:
                self._tls = httpcore.default_ssl_context()
            kept = _Kept(
                httpcore.AsyncConnectionPool(
                    ssl_context=self._tls,
                    max_connections=self._host_concurrency,
                    keepalive_expiry=KEEPALIVE_S,
                    http2=True,
                    network_backend=self._backend,
                )
            )
            self._kept[target.origin] = kept
        self._kept.move_to_end(target.origin)
        kept.users += 1
        return kept

    async def _close_surplus(self) -> None:
        if len(self._kept) <= MAX_KEPT_ORIGINS:
            return
        for origin, kept in list(self._kept.items())[:-MAX_KEPT_ORIGINS]:
            # while another pool was closing, this one may have been used, or closed and replaced
            if not kept.users and self._kept.get(origin) is kept:
                del self._kept[origin]
                await kept.pool.aclose()


async def _drain(response: httpcore.Response, headers: Headers) -> None:
    length = headers.get("content-length", "")
    if not length.isdecimal() or len(length) > 6 or int(length) > _DRAINED_BYTES:
        return
    try:
        async with asyncio.timeout(_DRAIN_S):
            async for _ in response.aiter_stream():
                pass
    except TimeoutError:
        return


def read_headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers with lower-case names; repeated ones are joined by a comma (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1").lower()
        try:
            value = raw_value.decode()
        except UnicodeDecodeError:
            value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


@contextmanager
def map_errors(url: str) -> Iterator[None]:
    """Map the exceptions of httpcore, its parsers and sockets to newsbeam's errors."""
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
        raise ConnectFailed(f"{exc or 'no response'} {url}") from exc
    except (httpcore.TimeoutException, TimeoutError) as exc:
        raise FetchTimeout(f"no response in time from {url}") from exc
    except ssl.SSLError as exc:
        raise TlsFailed(f"{exc} {url}") from exc
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        h2.exceptions.H2Error,
        anyio.BrokenResourceError,
        anyio.ClosedResourceError,
        anyio.EndOfStream,
        OSError,
    ) as exc:
        raise ProtocolFailed(f"{str(exc) or type(exc).__name__} {url}") from exc

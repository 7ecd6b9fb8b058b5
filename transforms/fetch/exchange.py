"""Send one request and read its response with libcurl, over connections that are kept alive for later requests.

libcurl speaks HTTP and TLS, and keeps the connections. It follows no redirect, keeps no cookie, uses no proxy and
resolves no name: those are ours. So is inflating, which is bounded chunk by chunk.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Sequence
from pathlib import Path

import certifi
import pycurl

from transforms.errors import (
    ConnectFailed,
    FetchTimeout,
    InvalidUrl,
    NewsbeamError,
    PrivateAddress,
    ProtocolFailed,
    TlsFailed,
)
from transforms.fetch.addresses import IPAddress
from transforms.fetch.answer import Answer, Headers, Judge, Response
from transforms.fetch.dial import Dialler
from transforms.fetch.room import Permit
from transforms.fetch.target import Target
from transforms.fetch.wire import Wire

CONNECT_TIMEOUT_S = 10.0
KEEPALIVE_S = 60
# 500 hosts need one each; at most half of all descriptors, as requests under way may take another quarter
MAX_KEPT = 512
# handles of libcurl for later requests
MAX_IDLE = 64
_DRAIN_S = 2.0
# libcurl holds a buffer of this size for each transfer
_BUFFER_BYTES = 65_536
_TLS_ERRORS = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_SSL_INVALIDCERTSTATUS,
        pycurl.E_SSL_ISSUER_ERROR,
        pycurl.E_USE_SSL_FAILED,
    }
)


def count_descriptors() -> int:
    """Return how many descriptors this process may open."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if descriptors == resource.RLIM_INFINITY else descriptors


class Exchanger:
    """Sends requests and keeps connections; belongs to one event loop, in which it has to be made.

    It does not follow redirects or keep a pace: the caller does.
    """

    def __init__(self, dialler: Dialler, *, sent: Callable[[Target], None], ca_file: Path | None = None) -> None:
        self._dialler = dialler
        self._sent = sent
        self._ca_file = str(ca_file or certifi.where())
        self._wire = Wire(max_kept=min(MAX_KEPT, count_descriptors() // 2))
        self._idle: list[_Transfer] = []

    async def ask(
        self,
        target: Target,
        headers: Sequence[str],
        judge: Judge,
        timeout_s: float,
        permit: Permit | None = None,
    ) -> Response:
        """Send one GET with these lines as headers and read as much of the response as `judge` decides.

        The addresses of the target must be known to the dialler. The time for which `permit` pauses the transfer does
        not count. Raises PrivateAddress, ConnectFailed, TlsFailed, ProtocolFailed, FetchTimeout, TooLarge, InvalidUrl,
        ContentTypeRejected and what `judge` raises.
        """
        addresses = self._dialler.recall(target)
        transfer = self._idle.pop() if self._idle else _Transfer(self._wire, self._dialler, self._sent, self._ca_file)
        try:
            return await transfer.run(target, addresses, headers, judge, timeout_s, permit)
        finally:
            if len(self._idle) < MAX_IDLE:
                self._idle.append(transfer)
            else:
                transfer.close()

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()
        for transfer in self._idle:
            transfer.close()


def _judge_nothing(status: int, headers: Headers) -> None:
    return None


class _Transfer:
    """One libcurl handle, which makes one request after the other."""

    def __init__(self, wire: Wire, dialler: Dialler, sent: Callable[[Target], None], ca_file: str) -> None:
        self._wire = wire
        self._dialler = dialler
        self._sent = sent
        self._loop = asyncio.get_running_loop()
        self._target: Target
        self._permit: Permit | None = None
        self._answer: Answer
        self._done: asyncio.Future[Response]
        self._set_aside()
        self._deadline: asyncio.TimerHandle | None = None
        self._is_private = False
        self._was_sent = False
        self._no_socket: OSError | None = None
        curl = self._curl = pycurl.Curl()
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.PATH_AS_IS, 1),
            (pycurl.PROXY, ""),
            (pycurl.NOPROXY, "*"),
            (pycurl.CONNECTTIMEOUT_MS, round(CONNECT_TIMEOUT_S * 1000)),
            (pycurl.MAXAGE_CONN, KEEPALIVE_S),
            (pycurl.BUFFERSIZE, _BUFFER_BYTES),
            (pycurl.CAINFO, ca_file),
            (pycurl.OPENSOCKETFUNCTION, self._open_socket),
            (pycurl.PREREQFUNCTION, self._note_sent),
            (pycurl.HEADERFUNCTION, self._read_line),
            (pycurl.WRITEFUNCTION, self._read_body),
        ):
            curl.setopt(option, value)

    async def run(
        self,
        target: Target,
        addresses: Sequence[IPAddress],
        headers: Sequence[str],
        judge: Judge,
        timeout_s: float,
        permit: Permit | None,
    ) -> Response:
        """Make one request; see Exchanger.ask."""
        self._target, self._answer, self._permit = target, Answer(judge), permit
        self._is_private = self._was_sent = False
        self._no_socket = None
        done: asyncio.Future[Response] = self._loop.create_future()
        self._done = done
        curl = self._curl
        curl.setopt(pycurl.URL, target.url)
        curl.setopt(pycurl.HTTPHEADER, [f"Host: {target.netloc}", *headers])
        # with the plus sign, libcurl forgets them as it forgets those that it has looked up itself
        texts = ",".join(f"[{address}]" if address.version == 6 else str(address) for address in addresses)
        host = f"[{target.host}]" if ":" in target.host else target.host
        curl.setopt(pycurl.RESOLVE, [f"+{host}:{target.port}:{texts}"])
        self._deadline = self._loop.call_later(timeout_s, self._time_out, timeout_s)
        self._wire.start(curl, self._end)
        try:
            return await done
        except BaseException:
            if permit is not None:
                permit.drop()
            raise
        finally:
            # nothing is under way any more unless the task was cancelled
            self._wire.stop(curl)
            if self._deadline is not None:
                self._deadline.cancel()
            self._set_aside()

    def _set_aside(self) -> None:
        """Let go of the last response, which would stay in memory until the next request."""
        self._answer = Answer(_judge_nothing)
        self._done = self._loop.create_future()
        self._done.cancel()

    def close(self) -> None:
        self._curl.close()

    # libcurl calls these while it works; an exception in one of them would be printed and lost

    def _open_socket(self, purpose: int, address: object) -> object:
        try:
            opened = self._dialler.open_socket(address)
        except OSError as exc:
            self._no_socket = exc
            return pycurl.SOCKET_BAD
        if opened is None:
            self._is_private = True
            return pycurl.SOCKET_BAD
        # pycurl makes a descriptor of its own of it
        self._loop.call_soon(opened.close)
        return opened

    def _note_sent(self, *ends: object) -> int:
        self._was_sent = True
        self._sent(self._target)
        return int(pycurl.PREREQFUNC_OK)

    def _read_line(self, line: bytes) -> int | None:
        if not self._answer.add_line(line):
            return 0
        if self._answer.is_drained and line in (b"\r\n", b"\n"):
            self._loop.call_soon(self._limit_draining, self._done)
        return None

    def _read_body(self, chunk: bytes) -> int | None:
        permit = self._permit
        if permit is None or self._answer.is_drained:
            return None if self._answer.add_body(chunk) else 0
        if not permit.may_grow():
            self._loop.call_soon(self._pause, permit, self._done)
            return int(pycurl.WRITEFUNC_PAUSE)
        before = self._answer.size
        goes_on = self._answer.add_body(chunk)
        permit.grow(self._answer.size - before)
        return None if goes_on else 0

    # The event loop calls these.

    def _limit_draining(self, done: asyncio.Future[Response]) -> None:
        """Give the rest of a body that nobody reads little time."""
        if not done.done() and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = self._loop.call_later(_DRAIN_S, self._stop_draining)

    def _stop_draining(self) -> None:
        self._wire.stop(self._curl)
        self._settle(self._answer)

    def _pause(self, permit: Permit, done: asyncio.Future[Response]) -> None:
        """Wait for room, while no time counts."""
        if done.done() or self._deadline is None:
            return
        left_s = max(0.0, self._deadline.when() - self._loop.time())
        self._deadline.cancel()
        permit.pause(lambda: self._loop.call_soon(self._go_on, done, left_s))

    def _go_on(self, done: asyncio.Future[Response], left_s: float) -> None:
        if done.done():
            return
        self._deadline = self._loop.call_later(left_s, self._time_out, left_s)
        try:
            # this hands over the chunk that did not fit
            self._curl.pause(pycurl.PAUSE_CONT)
        except pycurl.error as exc:
            code, message = exc.args
            self._wire.stop(self._curl)
            self._end(code, message)

    def _time_out(self, timeout_s: float) -> None:
        self._wire.stop(self._curl)
        self._fail(FetchTimeout(f"no complete response within {timeout_s:g} s: {self._target.url}"))

    def _end(self, code: int, message: str) -> None:
        answer = self._answer
        if answer.ends_connection or code:
            self._dialler.forget(self._target)
        if answer.error is not None or answer.is_cut or code == pycurl.E_OK:
            self._settle(answer)
        else:
            self._fail(self._error_of(code, message))

    def _settle(self, answer: Answer) -> None:
        try:
            response = answer.finish()
        except NewsbeamError as error:
            self._fail(error)
        else:
            if not self._done.done():
                self._done.set_result(response)

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    def _error_of(self, code: int, message: str) -> Exception:
        """Return the error for one of libcurl's codes (https://curl.se/libcurl/c/libcurl-errors.html)."""
        target, curl = self._target, self._curl
        text = f"{message or f'libcurl error {code}'} {target.url}"
        if self._is_private:
            return PrivateAddress(text)
        if self._no_socket is not None:
            # no fault of the host, so not ConnectFailed
            return ProtocolFailed(f"no socket: {self._no_socket} {target.url}")
        if code == pycurl.E_WRITE_ERROR:
            return RuntimeError(f"reading a response failed, with the traceback on stderr: {text}")
        if code == pycurl.E_URL_MALFORMAT:
            return InvalidUrl(text)
        if code in _TLS_ERRORS:
            return TlsFailed(text)
        if self._was_sent:
            return ProtocolFailed(text)
        if target.scheme == "https" and curl.getinfo(pycurl.CONNECT_TIME):
            return TlsFailed(text)
        if code in (pycurl.E_COULDNT_CONNECT, pycurl.E_OPERATION_TIMEDOUT):
            return ConnectFailed(text)
        return ProtocolFailed(text)

"""Drive libcurl's transfers from an asyncio event loop.

libcurl says which sockets to watch and when to wake it. The sockets are kept in a selector of its own, and the loop
watches that: registering a socket with the loop itself costs several times as much.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable

import pycurl
import structlog

log = structlog.get_logger(__name__)

# the result of a transfer: one of pycurl's E_ codes (E_OK is 0), and libcurl's own words
OnEnd = Callable[[int, str], None]

_WATCHED = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}


class Wire:
    """The transfers and kept connections of one event loop."""

    def __init__(self, *, max_kept: int) -> None:
        """Keep at most `max_kept` idle connections."""
        self._loop = asyncio.get_running_loop()
        self._selector = selectors.DefaultSelector()
        self._loop.add_reader(self._selector, self._on_sockets)
        self._watched: dict[int, int] = {}
        self._on_end: dict[pycurl.Curl, OnEnd] = {}
        self._wake_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_kept)
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    def start(self, curl: pycurl.Curl, on_end: OnEnd) -> None:
        """Start a transfer; `on_end` is called in the loop once it has ended, unless it is stopped before."""
        self._on_end[curl] = on_end
        self._multi.add_handle(curl)

    def stop(self, curl: pycurl.Curl) -> None:
        """Stop a transfer that is under way and close its connection; must not be called from its callbacks."""
        if self._on_end.pop(curl, None) is not None:
            self._multi.remove_handle(curl)

    def close(self) -> None:
        """Close every connection. No transfer may be under way."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._selector)
        self._multi.close()
        self._selector.close()

    def _watch(self, event: int, descriptor: int, multi: object, data: object) -> None:
        """Watch a socket as libcurl asks (CURLMOPT_SOCKETFUNCTION)."""
        known = self._watched.pop(descriptor, 0)
        wanted = _WATCHED.get(event, 0)
        if known and wanted:
            self._selector.modify(descriptor, wanted)
        elif known:
            self._selector.unregister(descriptor)
        elif wanted:
            self._selector.register(descriptor, wanted)
        if wanted:
            self._watched[descriptor] = wanted

    def _set_timer(self, wait_ms: int) -> None:
        """Wake libcurl after `wait_ms`, or not at all if it is negative (CURLMOPT_TIMERFUNCTION).

        A timer that is already set is left to fire and then set again, since most are replaced before they fire.
        """
        if wait_ms < 0:
            self._wake_at = 0.0
            return
        self._wake_at = time.monotonic() + wait_ms / 1000
        if self._timer is not None and self._timer.when() <= self._wake_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._wake_at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if not self._wake_at:
            return
        # the loop may wake up to its clock's resolution early
        if self._wake_at > time.monotonic() + 0.001:
            self._timer = self._loop.call_at(self._wake_at, self._on_timer)
            return
        self._wake_at = 0.0
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._report()

    def _on_sockets(self) -> None:
        for key, events in self._selector.select(0):
            mask = 0
            if events & selectors.EVENT_READ:
                mask |= pycurl.CSELECT_IN
            if events & selectors.EVENT_WRITE:
                mask |= pycurl.CSELECT_OUT
            self._multi.socket_action(key.fd, mask)
        self._report()

    def _report(self) -> None:
        left = 1
        while left:
            left, ended, failed = self._multi.info_read()
            for curl in ended:
                self._end(curl, pycurl.E_OK, "")
            for curl, code, message in failed:
                self._end(curl, code, message)

    def _end(self, curl: pycurl.Curl, code: int, message: str) -> None:
        self._multi.remove_handle(curl)
        on_end = self._on_end.pop(curl, None)
        if on_end is not None:
            try:
                on_end(code, message)
            except Exception:
                # the others that have ended are told all the same; this one runs into its time limit
                log.exception("the end of a transfer was lost")

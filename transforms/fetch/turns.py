"""Hold requests back until their host's pace allows them (transforms.fetch.pace decides)."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from copy import copy
from dataclasses import dataclass, field, replace

import structlog

from transforms.errors import HostBusy, Retryable
from transforms.fetch.background import Permit
from transforms.fetch.pace import (
    MAX_DELAY_S,
    Cooldown,
    HostPace,
    cooldown_after,
    cooldown_error,
    end_request,
    find_delay,
    find_wait,
    record_send,
    start_request,
)
from transforms.fetch.target import Target

log = structlog.get_logger(__name__)

MAX_REQUESTS_AT_ONCE = 64
MAX_REMEMBERED = 4_096


@dataclass(slots=True)
class _Host:
    """A host in use: its pace, and the requests that are waiting for another one to end."""

    pace: HostPace = field(default_factory=HostPace)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class Turns:
    """Starts and ends requests; belongs to one event loop.

    The pace is kept per host name, a cooldown per host name and port, so that a link to a closed port does not stop
    requests to the site on the same host.
    """

    def __init__(self, host_delay_s: float, host_concurrency: int) -> None:
        self._host_delay_s = host_delay_s
        self._host_concurrency = host_concurrency
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._cooldowns: OrderedDict[tuple[str, int], Cooldown] = OrderedDict()
        self._timeouts: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._slots = asyncio.Semaphore(MAX_REQUESTS_AT_ONCE)

    async def take(self, target: Target, permit: Permit | None, give_up_at: float | None = None) -> None:
        """Wait until a request to the host may start, and start it; the caller must call `end`.

        A waiting request holds no slot and no permit, unless it was redirected and had a permit already, so neither a
        slow host nor a slow consumer holds up other hosts. Raises the error of a host's cooldown, and HostBusy if the
        request could start only after `give_up_at` on the monotonic clock.
        """
        host = self._find_host(target.site)
        fresh = permit is not None and not permit.is_held
        while True:
            self._check_cooldown(target)
            wait = self._find_wait(host)
            if wait is None:
                await self._wait_for_end(host)
                continue
            if wait > 0:
                if give_up_at is not None and time.monotonic() + wait > give_up_at:
                    raise HostBusy(f"{target.host}: next request in {wait:.0f} s", retry_after=wait)
                await asyncio.sleep(wait)
                continue
            if permit is not None:
                await permit.acquire()
            await self._slots.acquire()
            # meanwhile another request may have started, or the host may have failed
            if self._find_wait(host) == 0 and not self._is_cooling_down(target):
                host.pace = start_request(host.pace, time.monotonic())
                return
            self._slots.release()
            if permit is not None and fresh:
                permit.release()

    def end(self, target: Target, status: int, elapsed_s: float) -> None:
        """End a request; `status` is 0 if there was no response."""
        self._slots.release()
        host = self._find_host(target.site)
        host.pace = end_request(host.pace, status, elapsed_s)
        if status:
            self._timeouts.pop((target.host, target.port), None)
        for waiter in host.waiting:
            if not waiter.done():
                waiter.set_result(None)

    def cool_down(self, target: Target, error: Retryable, *, timed_out: bool = False) -> None:
        """Start a cooldown if the failure calls for one, and set `error.retry_after` to its length."""
        place = target.host, target.port
        if timed_out:
            self._timeouts[place] = self._timeouts.get(place, 0) + 1
            _forget_oldest(self._timeouts)
        seconds = cooldown_after(error, self._timeouts.get(place, 0))
        if seconds <= 0:
            return
        error.retry_after = max(seconds, error.retry_after or 0.0)
        self._timeouts.pop(place, None)
        self._cooldowns[place] = Cooldown(time.monotonic() + seconds, copy(error))
        _forget_oldest(self._cooldowns)
        log.info("host cooldown", host=target.host, port=target.port, seconds=seconds, reason=error.reason)

    def record_send(self, name: str) -> None:
        """Record that something has just been sent to a host."""
        host = self._find_host(name.rstrip("."))
        host.pace = record_send(host.pace, time.monotonic())

    def set_crawl_delay(self, target: Target, seconds: float) -> None:
        """Set the Crawl-delay that a host's robots.txt asks for."""
        host = self._find_host(target.site)
        host.pace = replace(host.pace, crawl_delay_s=seconds)

    def delay_of(self, name: str) -> float:
        """Return the seconds to keep between two requests to a host, as far as is known; thread-safe."""
        host = self._hosts.get(name)
        return find_delay(host.pace if host else HostPace(), self._host_delay_s)

    def _find_wait(self, host: _Host) -> float | None:
        return find_wait(host.pace, time.monotonic(), self._host_delay_s, self._host_concurrency)

    def _find_host(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host()
            if len(self._hosts) > MAX_REMEMBERED:
                self._forget_host()
        self._hosts.move_to_end(name)
        return host

    def _forget_host(self) -> None:
        name, host = next(iter(self._hosts.items()))
        if not host.pace.active and not host.waiting and time.monotonic() - host.pace.started_at > MAX_DELAY_S:
            del self._hosts[name]

    def _is_cooling_down(self, target: Target) -> bool:
        cooldown = self._cooldowns.get((target.host, target.port))
        return cooldown is not None and cooldown.until > time.monotonic()

    def _check_cooldown(self, target: Target) -> None:
        cooldown = self._cooldowns.get((target.host, target.port))
        if cooldown is None:
            return
        error = cooldown_error(cooldown, time.monotonic(), f"{target.host}:{target.port}")
        if error is not None:
            raise error

    async def _wait_for_end(self, host: _Host) -> None:
        waiter = asyncio.get_running_loop().create_future()
        host.waiting.append(waiter)
        try:
            await waiter
        finally:
            host.waiting.remove(waiter)


def _forget_oldest(remembered: OrderedDict[tuple[str, int], Cooldown] | OrderedDict[tuple[str, int], int]) -> None:
    while len(remembered) > MAX_REMEMBERED:
        remembered.popitem(last=False)

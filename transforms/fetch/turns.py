"""Hold requests back until the pace of their host and of its address allows them (transforms.fetch.pace decides)."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from transforms.errors import HostBusy, Retryable
from transforms.fetch.addresses import IPAddress
from transforms.fetch.pace import (
    MAX_DELAY_S,
    NAMES_PER_ADDRESS,
    AddressPace,
    Cooldown,
    HostPace,
    cooldown_after,
    cooldown_error,
    end_at_address,
    end_request,
    find_address_wait,
    find_delay,
    find_interval,
    find_wait,
    record_send,
    start_at_address,
    start_request,
)
from transforms.fetch.room import Permit
from transforms.fetch.target import Target

log = structlog.get_logger(__name__)

MAX_REQUESTS_AT_ONCE = 256
# robots.txt, which any number of hosts may serve slowly, takes no slots from pages and feeds
MAX_ROBOTS_AT_ONCE = 64
MAX_REMEMBERED = 4_096


@dataclass(slots=True)
class _Queue:
    """Those who wait for another request to end, and the number of those who wait for their time."""

    ends: deque[asyncio.Future[None]] = field(default_factory=deque)
    sleeping: int = 0

    def wake_one(self) -> None:
        while self.ends:
            waiter = self.ends.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def wake_all(self) -> None:
        while self.ends:
            self.wake_one()


@dataclass(slots=True)
class _Host:
    pace: HostPace = field(default_factory=HostPace)
    queue: _Queue = field(default_factory=_Queue)

    @property
    def is_idle(self) -> bool:
        is_over = time.monotonic() - self.pace.started_at > MAX_DELAY_S
        return is_over and not self.pace.active and not self.queue.ends and not self.queue.sleeping


@dataclass(slots=True)
class _Address:
    pace: AddressPace = field(default_factory=AddressPace)
    queue: _Queue = field(default_factory=_Queue)

    @property
    def is_idle(self) -> bool:
        is_over = time.monotonic() > max(self.pace.free_at, self.pace.shared_until)
        return is_over and not self.pace.active and not self.queue.ends and not self.queue.sleeping


@dataclass(slots=True)
class Turn:
    """The right to make one request; ends with `Turns.end` or `Turns.put_back`."""

    target: Target
    host: _Host
    permit: Permit | None
    # whether the permit was acquired for this turn
    is_fresh: bool
    address: _Address | None
    slots: asyncio.Semaphore
    started_before: float


class Turns:
    """Starts and ends requests; belongs to one event loop.

    The pace is kept per host name and per address (an IPv6 one stands for its /64), a cooldown per host name and port,
    so that a link to a closed port does not stop requests to the site on the same host.
    """

    def __init__(
        self, host_delay_s: float, host_concurrency: int, requests_at_once: int = MAX_REQUESTS_AT_ONCE
    ) -> None:
        self._host_delay_s = host_delay_s
        self._host_concurrency = host_concurrency
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._addresses: OrderedDict[int, _Address] = OrderedDict()
        self._cooldowns: OrderedDict[tuple[str, int], Cooldown] = OrderedDict()
        self._timeouts: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._slots = asyncio.Semaphore(requests_at_once)
        self._robots_slots = asyncio.Semaphore(min(MAX_ROBOTS_AT_ONCE, requests_at_once))

    async def take(
        self, target: Target, ip: IPAddress | None, permit: Permit | None, give_up_at: float | None = None
    ) -> Turn:
        """Wait until a request to the host may start, and start it; `ip` is its address if that is known.

        A waiting request holds no slot and no permit, unless it was redirected and had a permit already, so neither a
        slow host nor a slow consumer holds up other hosts. Raises the error of a host's cooldown, and HostBusy if the
        request could start only after `give_up_at` on the monotonic clock.
        """
        host = self._find_host(target.site)
        address = self._find_address(ip)
        fresh = permit is not None and not permit.is_held
        # only robots.txt, and a page that was asked for alone, come without a permit
        slots = self._slots if permit is not None else self._robots_slots
        try:
            while True:
                self._check_cooldown(target)
                wait, queue = self._find_wait(target, host, address)
                if wait != 0:
                    await self._wait(target, wait, queue, give_up_at, host if queue is host.queue else None)
                    continue
                if permit is not None:
                    await permit.acquire()
                await slots.acquire()
                # meanwhile another request may have started, or the host may have failed
                if self._find_wait(target, host, address)[0] != 0 or self._is_cooling_down(target):
                    slots.release()
                    if permit is not None and fresh:
                        permit.release()
                    continue
                now = time.monotonic()
                started_before = host.pace.started_at
                host.pace = start_request(host.pace, now)
                if address is not None:
                    address.pace = start_at_address(address.pace, target.site, now, self._host_delay_s)
                return Turn(target, host, permit, fresh, address, slots, started_before)
        except BaseException:
            # it may have been woken in place of another
            host.queue.wake_one()
            if address is not None:
                address.queue.wake_one()
            raise

    def settle(self, turn: Turn, ip: IPAddress) -> bool:
        """Count a turn at its address, which was not known before; False if the pace there does not allow it yet."""
        address = self._find_address(ip)
        if turn.address is not None or address is None:
            return True
        if self._wait_at(turn.target, address) != 0:
            return False
        address.pace = start_at_address(address.pace, turn.target.site, time.monotonic(), self._host_delay_s)
        turn.address = address
        return True

    def put_back(self, turn: Turn) -> None:
        """Undo a turn in which nothing was sent."""
        turn.slots.release()
        pace = turn.host.pace
        turn.host.pace = replace(pace, active=pace.active - 1, started_at=turn.started_before)
        if turn.permit is not None and turn.is_fresh:
            turn.permit.release()
        turn.host.queue.wake_one()

    def end(self, turn: Turn, status: int, elapsed_s: float) -> None:
        """End a turn; `status` is 0 if there was no response."""
        turn.slots.release()
        turn.host.pace = end_request(turn.host.pace, status, elapsed_s)
        turn.host.queue.wake_one()
        if turn.address is not None:
            turn.address.pace = end_at_address(turn.address.pace)
            turn.address.queue.wake_one()
        if status:
            self._timeouts.pop((turn.target.host, turn.target.port), None)

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
        self._find_host(target.site).queue.wake_all()
        log.info("host cooldown", host=target.host, port=target.port, seconds=seconds, reason=error.reason)

    def record_send(self, target: Target) -> None:
        """Record that a request has just been sent to a host."""
        host = self._hosts.get(target.site)
        if host is not None:
            host.pace = record_send(host.pace, time.monotonic())

    def set_crawl_delay(self, target: Target, seconds: float) -> None:
        """Set the Crawl-delay that a host's robots.txt asks for."""
        host = self._find_host(target.site)
        host.pace = replace(host.pace, crawl_delay_s=seconds)

    def delay_of(self, name: str) -> float:
        """Return the seconds to keep between two requests to a host, as far as is known; thread-safe."""
        host = self._hosts.get(name)
        return find_delay(host.pace if host else HostPace(), self._host_delay_s)

    async def _wait(
        self, target: Target, wait: float | None, queue: _Queue, give_up_at: float | None, host: _Host | None
    ) -> None:
        """Wait for another request's end, or for the time after those that are waiting already."""
        if wait is None:
            waiter = asyncio.get_running_loop().create_future()
            queue.ends.append(waiter)
            try:
                async with asyncio.timeout(None if give_up_at is None else max(0.0, give_up_at - time.monotonic())):
                    await waiter
            except TimeoutError:
                raise HostBusy(f"{target.host}: its requests are under way", retry_after=self._host_delay_s) from None
            return
        if host is not None:
            interval = find_interval(host.pace, self._host_delay_s, self._host_concurrency)
        else:
            interval = self._host_delay_s / NAMES_PER_ADDRESS
        wait += queue.sleeping * interval
        if give_up_at is not None and time.monotonic() + wait > give_up_at:
            raise HostBusy(f"{target.host}: next request in {wait:.0f} s", retry_after=wait)
        queue.sleeping += 1
        try:
            await asyncio.sleep(wait)
        finally:
            queue.sleeping -= 1

    def _find_wait(self, target: Target, host: _Host, address: _Address | None) -> tuple[float | None, _Queue]:
        wait = find_wait(host.pace, time.monotonic(), self._host_delay_s, self._host_concurrency)
        if wait != 0 or address is None:
            return wait, host.queue
        return self._wait_at(target, address), address.queue

    def _wait_at(self, target: Target, address: _Address) -> float | None:
        return find_address_wait(
            address.pace, target.site, time.monotonic(), self._host_delay_s, self._host_concurrency
        )

    def _find_host(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host()
            _forget_idle(self._hosts)
        self._hosts.move_to_end(name)
        return host

    def _find_address(self, ip: IPAddress | None) -> _Address | None:
        if ip is None or self._host_delay_s <= 0:
            return None
        key = int(ip) if ip.version == 4 else -(int(ip) >> 64)
        address = self._addresses.get(key)
        if address is None:
            address = self._addresses[key] = _Address()
            _forget_idle(self._addresses)
        self._addresses.move_to_end(key)
        return address

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


def _forget_idle(remembered: OrderedDict[Any, _Host] | OrderedDict[Any, _Address]) -> None:
    """Forget the one that was used longest ago if there are too many, unless it is still in use."""
    if len(remembered) > MAX_REMEMBERED:
        name = next(iter(remembered))
        if remembered[name].is_idle:
            del remembered[name]


def _forget_oldest(remembered: OrderedDict[tuple[str, int], Cooldown] | OrderedDict[tuple[str, int], int]) -> None:
    while len(remembered) > MAX_REMEMBERED:
        remembered.popitem(last=False)

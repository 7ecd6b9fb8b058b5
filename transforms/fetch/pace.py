"""Decide how fast to send requests to one host, in pure functions of what is remembered about it.

The rules are those of Media Cloud's story-indexer: the interval is the smoothed latency divided by the number of
concurrent requests, only a response of status 200 may lower it, and a host that refuses connections gets a cooldown of
ten minutes. Times are seconds of a monotonic clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from transforms.errors import ConnectFailed, DnsFailed, FetchTimeout, HttpUnavailable, NewsbeamError

MAX_DELAY_S = 120.0
CONNECT_COOLDOWN_S = 600.0
DNS_COOLDOWN_S = 60.0
TIMEOUT_COOLDOWN_S = 60.0
TOO_MANY_COOLDOWN_S = 10.0
MAX_COOLDOWN_S = 86_400.0
TIMEOUTS_IN_A_ROW = 3
# How much more one address may be asked than one name, if several names lead to it. It is not just one site's: shared
# hosting and content networks have thousands of sites at an address, on machines built for more than one. Nor is it
# without limit, since anybody can give a small machine a hundred names.
NAMES_PER_ADDRESS = 4
# how long a name counts as in use after a request
SHARED_S = 120.0
# weight of the newest latency in the moving mean
_SMOOTHING = 0.25


@dataclass(frozen=True, slots=True)
class HostPace:
    """What is remembered about a host: open requests, start of the last one, smoothed latency, Crawl-delay."""

    active: int = 0
    started_at: float = -math.inf
    latency_s: float = 0.0
    crawl_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AddressPace:
    """What is remembered about an address: open requests, the next free start, the last name, until when it is shared.

    An address is shared while requests to it come under more than one name.
    """

    active: int = 0
    free_at: float = -math.inf
    name: str = ""
    shared_until: float = -math.inf


@dataclass(frozen=True, slots=True)
class Cooldown:
    """The time until which no request is sent to one host and port, and the error that caused it."""

    until: float
    error: NewsbeamError


def find_delay(pace: HostPace, host_delay_s: float) -> float:
    """Return the seconds to keep between requests: a host's Crawl-delay may raise the default, never lower it."""
    return max(host_delay_s, min(pace.crawl_delay_s, MAX_DELAY_S))


def find_interval(pace: HostPace, host_delay_s: float, host_concurrency: int) -> float:
    """Return the seconds between the starts of two requests.

    For a slow host this is more than the delay. A delay of 0 disables that: then only Crawl-delay and the number of
    concurrent requests count.
    """
    delay = find_delay(pace, host_delay_s)
    if host_delay_s <= 0:
        return delay
    return max(delay, min(pace.latency_s / host_concurrency, MAX_DELAY_S))


def find_wait(pace: HostPace, now: float, host_delay_s: float, host_concurrency: int) -> float | None:
    """Return the seconds until the next request may start; None if an open request has to end first."""
    if pace.active >= host_concurrency:
        return None
    return max(0.0, pace.started_at + find_interval(pace, host_delay_s, host_concurrency) - now)


def find_address_wait(
    pace: AddressPace, name: str, now: float, host_delay_s: float, host_concurrency: int
) -> float | None:
    """Return the seconds until the next request to an address may start under `name`; None as in `find_wait`.

    Only a shared address is held to a pace of its own: as many requests at once and a second as NAMES_PER_ADDRESS hosts
    get. A delay of 0 disables that.
    """
    if host_delay_s <= 0 or (pace.name in ("", name) and now >= pace.shared_until):
        return 0.0
    if pace.active >= host_concurrency * NAMES_PER_ADDRESS:
        return None
    return max(0.0, pace.free_at - now)


def start_at_address(pace: AddressPace, name: str, now: float, host_delay_s: float) -> AddressPace:
    """Record the start of a request to an address under `name`."""
    is_shared = pace.name not in ("", name)
    return AddressPace(
        active=pace.active + 1,
        free_at=now + host_delay_s / NAMES_PER_ADDRESS,
        name=name,
        shared_until=now + SHARED_S if is_shared else pace.shared_until,
    )


def end_at_address(pace: AddressPace) -> AddressPace:
    """Record the end of a request to an address."""
    return replace(pace, active=pace.active - 1)


def start_request(pace: HostPace, now: float) -> HostPace:
    """Record the start of a request."""
    return HostPace(pace.active + 1, now, pace.latency_s, pace.crawl_delay_s)


def record_send(pace: HostPace, now: float) -> HostPace:
    """Count the delay from when the request was sent, since opening a connection may take longer than the delay."""
    return HostPace(pace.active, max(pace.started_at, now), pace.latency_s, pace.crawl_delay_s)


def end_request(pace: HostPace, status: int, elapsed_s: float) -> HostPace:
    """Record the end of a request; `status` is 0 if there was no response."""
    smoothed = elapsed_s if not pace.latency_s else pace.latency_s + _SMOOTHING * (elapsed_s - pace.latency_s)
    if smoothed < pace.latency_s and status != 200:
        smoothed = pace.latency_s
    return HostPace(pace.active - 1, pace.started_at, smoothed, pace.crawl_delay_s)


def cooldown_after(error: NewsbeamError, timeouts_in_a_row: int) -> float:
    """Return the seconds of cooldown for a host and port after a request ended in `error`; 0 for none.

    A 429 concerns all requests to the host, so it stops them all; a 503 concerns one page.
    """
    if isinstance(error, ConnectFailed):
        return CONNECT_COOLDOWN_S
    if isinstance(error, DnsFailed):
        return DNS_COOLDOWN_S
    if isinstance(error, FetchTimeout):
        return TIMEOUT_COOLDOWN_S if timeouts_in_a_row >= TIMEOUTS_IN_A_ROW else 0.0
    if isinstance(error, HttpUnavailable) and error.status == 429:
        return TOO_MANY_COOLDOWN_S if error.retry_after is None else min(error.retry_after, MAX_COOLDOWN_S)
    return 0.0


def cooldown_error(cooldown: Cooldown, now: float, where: str) -> NewsbeamError | None:
    """Return the error for a request during a cooldown, or None once it is over."""
    left = cooldown.until - now
    if left <= 0:
        return None
    reason = cooldown.error.reason
    message = f"no request to {where} for another {left:.0f} s, after: {reason}"
    if isinstance(cooldown.error, HttpUnavailable):
        return HttpUnavailable(cooldown.error.status, message, retry_after=left)
    for kind in (ConnectFailed, DnsFailed, FetchTimeout):
        if isinstance(cooldown.error, kind):
            return kind(message, retry_after=left)
    return None

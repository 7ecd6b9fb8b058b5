"""How fast one host is asked: pure decisions over what is remembered of it.

Rules from Media Cloud's story-indexer: the interval is the smoothed latency over the requests allowed at once, only an
answer of status 200 may lower it, and a host that does not connect is left alone for ten minutes.
Times are seconds of a monotonic clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from transforms.errors import ConnectFailed, DnsFailed, FetchTimeout, HttpUnavailable, NewsbeamError

MAX_DELAY_S = 120.0
CONNECT_REST_S = 600.0
DNS_REST_S = 60.0
TIMEOUT_REST_S = 60.0
TOO_MANY_REST_S = 10.0
MAX_REST_S = 86_400.0
TIMEOUTS_IN_A_ROW = 3
# weight of the newest latency in the moving mean
_SMOOTHING = 0.25


@dataclass(frozen=True, slots=True)
class HostPace:
    """What is remembered of a host while it is asked."""

    active: int = 0
    started_at: float = -math.inf
    latency_s: float = 0.0
    crawl_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Rest:
    """A time in which one host and port is not asked at all, and why."""

    until: float
    error: NewsbeamError


def find_delay(pace: HostPace, host_delay_s: float) -> float:
    """Return the seconds that a host wants between requests: its crawl-delay may raise the default, never lower it."""
    return max(host_delay_s, min(pace.crawl_delay_s, MAX_DELAY_S))


def find_interval(pace: HostPace, host_delay_s: float, host_concurrency: int) -> float:
    """Return the seconds between the starts of two requests.

    A slow host is asked more slowly than the delay says. A delay of 0 switches that off: then only a crawl-delay and
    the number of requests at once count.
    """
    delay = find_delay(pace, host_delay_s)
    if host_delay_s <= 0:
        return delay
    return max(delay, min(pace.latency_s / host_concurrency, MAX_DELAY_S))


def find_wait(pace: HostPace, now: float, host_delay_s: float, host_concurrency: int) -> float | None:
    """Return the seconds until the next request may start; None if one that is under way has to end first."""
    if pace.active >= host_concurrency:
        return None
    return max(0.0, pace.started_at + find_interval(pace, host_delay_s, host_concurrency) - now)


def start_request(pace: HostPace, now: float) -> HostPace:
    return replace(pace, active=pace.active + 1, started_at=now)


def note_sent(pace: HostPace, now: float) -> HostPace:
    """Count the delay from when the request was sent: opening a connection for it may have taken most of it."""
    return replace(pace, started_at=max(pace.started_at, now))


def end_request(pace: HostPace, status: int, elapsed_s: float) -> HostPace:
    """Take a request that ended into account; `status` is 0 if it had no answer."""
    smoothed = elapsed_s if not pace.latency_s else pace.latency_s + _SMOOTHING * (elapsed_s - pace.latency_s)
    if smoothed < pace.latency_s and status != 200:
        smoothed = pace.latency_s
    return replace(pace, active=pace.active - 1, latency_s=smoothed)


def find_rest(error: NewsbeamError, timeouts_in_a_row: int) -> float:
    """Return the seconds for which a host and port is left alone after a request ended in `error`; 0: not at all.

    "Too many requests" is about everything that is asked of the host, so it stops everything; a 503 is about one page.
    """
    if isinstance(error, ConnectFailed):
        return CONNECT_REST_S
    if isinstance(error, DnsFailed):
        return DNS_REST_S
    if isinstance(error, FetchTimeout):
        return TIMEOUT_REST_S if timeouts_in_a_row >= TIMEOUTS_IN_A_ROW else 0.0
    if isinstance(error, HttpUnavailable) and error.status == 429:
        return TOO_MANY_REST_S if error.retry_after is None else min(error.retry_after, MAX_REST_S)
    return 0.0


def refuse_at_rest(rest: Rest, now: float, where: str) -> NewsbeamError | None:
    """Return the error for a request to a host that is left alone, or None when the time is over."""
    left = rest.until - now
    if left <= 0:
        return None
    reason = rest.error.reason
    message = f"{where} is left alone for another {left:.0f} s after: {reason}"
    if isinstance(rest.error, HttpUnavailable):
        return HttpUnavailable(rest.error.status, message, retry_after=left)
    for kind in (ConnectFailed, DnsFailed, FetchTimeout):
        if isinstance(rest.error, kind):
            return kind(message, retry_after=left)
    return None

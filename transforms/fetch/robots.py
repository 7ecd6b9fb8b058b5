"""Read robots.txt (RFC 9309) and cache its rules."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from protego import Protego

from transforms.errors import HostBusy, NewsbeamError
from transforms.fetch.target import Target

# RFC 9309, 2.5: crawlers must read at least this much
MAX_ROBOTS_BYTES = 500 * 1024
MAX_ROBOTS_REDIRECTS = 5
ROBOTS_TTL_S = 3_600.0
ROBOTS_FAILED_TTL_S = 60.0
# what a link waits for a robots.txt that did not arrive within the batch's time: about as long as one may take
ROBOTS_WAIT_S = 30.0
MAX_REMEMBERED = 2_048
# in bytes of robots.txt; parsed rules take about twenty times as much memory
MAX_REMEMBERED_BYTES = 3_000_000
Origin = tuple[str, str, int]
_PRODUCT = re.compile(r"[A-Za-z_-]+")


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The rules of one origin; without a parser they allow everything."""

    parser: Protego | None
    product: str
    crawl_delay_s: float = 0.0
    size: int = 0

    def allows(self, url: str) -> bool:
        """Say whether the rules allow our product token to fetch `url`."""
        return self.parser is None or bool(self.parser.can_fetch(url, self.product))


def product_of(user_agent: str) -> str:
    """Return the product token of a User-Agent, which robots.txt may name: "newsbeam" for "newsbeam/0.1 (...)"."""
    found = _PRODUCT.match(user_agent)
    return found[0] if found else "*"


def allow_all(product: str) -> RobotsRules:
    """Return the rules of a host without a robots.txt."""
    return RobotsRules(None, product)


def read_robots(body: bytes, product: str) -> RobotsRules:
    """Parse a robots.txt; lines that are not rules are ignored, and so is everything past 500 KiB."""
    text = body[:MAX_ROBOTS_BYTES].decode("utf-8-sig", "replace")
    parser = Protego.parse(text)
    return RobotsRules(parser, product, float(parser.crawl_delay(product) or 0.0), len(text))


@dataclass(slots=True)
class _Remembered:
    task: asyncio.Task[RobotsRules | NewsbeamError]
    until: float = math.inf
    size: int = 0


class RobotsCache:
    """The rules of recently used origins; belongs to one event loop.

    A robots.txt is fetched once, however many requests wait for it. Errors are remembered too, for a shorter time.
    """

    def __init__(self, fetch: Callable[[Target], Coroutine[Any, Any, RobotsRules | NewsbeamError]]) -> None:
        self._fetch = fetch
        self._remembered: OrderedDict[Origin, _Remembered] = OrderedDict()
        self._bytes = 0

    async def find(self, target: Target, give_up_at: float | None = None) -> RobotsRules | NewsbeamError:
        """Return the rules of the origin of `target`, or the error that kept them from being fetched.

        Raises HostBusy if they have not arrived by `give_up_at` on the monotonic clock; fetching them goes on for later
        requests.
        """
        known = self._remembered.get(target.origin)
        if known is None or time.monotonic() >= known.until:
            self._forget(target.origin)
            known = _Remembered(asyncio.get_running_loop().create_task(self._fetch(target)))
            known.task.add_done_callback(partial(self._learn, target.origin, known))
            self._remembered[target.origin] = known
        self._remembered.move_to_end(target.origin)
        if not known.task.done():
            # several requests may wait for the task: cancelling one must not cancel it for the others
            timeout_s = None if give_up_at is None else max(0.0, give_up_at - time.monotonic())
            await asyncio.wait((known.task,), timeout=timeout_s)
            if not known.task.done():
                raise HostBusy(f"{target.host}: waiting for its robots.txt", retry_after=ROBOTS_WAIT_S)
        return known.task.result()

    def _learn(self, origin: Origin, known: _Remembered, task: asyncio.Task[RobotsRules | NewsbeamError]) -> None:
        if task.cancelled() or task.exception() is not None:
            known.until = -math.inf
            return
        found = task.result()
        failed = isinstance(found, NewsbeamError)
        known.until = time.monotonic() + (ROBOTS_FAILED_TTL_S if failed else ROBOTS_TTL_S)
        if isinstance(found, RobotsRules) and self._remembered.get(origin) is known:
            known.size = found.size
            self._bytes += known.size
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        while len(self._remembered) > MAX_REMEMBERED or self._bytes > MAX_REMEMBERED_BYTES:
            self._forget(next(iter(self._remembered)))

    def _forget(self, origin: Origin) -> None:
        known = self._remembered.pop(origin, None)
        if known is not None:
            self._bytes -= known.size

"""Fetch articles and feeds: robots.txt, pace, address check, redirects, limits.

    ArticleLink -> robots.txt of its host -> turn (pace, concurrency) -> connection (address check) -> response
                        ^                                                                                 |
                        +-------------------------- each redirect starts again ---------------------------+

A Fetcher owns an event loop in a background thread, so that connections, robots.txt and paces outlive a batch, and the
caller's thread computes while the next pages are fetched. The decisions are pure functions in sibling modules (pace,
robots, addresses, content_types), which this module calls in order.
"""

from __future__ import annotations

import atexit
import math
import os
import sys
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import structlog

from transforms.errors import (
    ConnectFailed,
    DnsFailed,
    FetchTimeout,
    HttpRejected,
    HttpUnavailable,
    InvalidUrl,
    NewsbeamError,
    PrivateAddress,
    RedirectLoop,
    RobotsDisallowed,
    RobotsUnavailable,
    TlsFailed,
    UnsupportedScheme,
    UserError,
)
from transforms.fetch.answer import Headers, Judge, Response, Wanted
from transforms.fetch.background import Background
from transforms.fetch.content_types import check_bytes, check_type
from transforms.fetch.cookies import CookieJar
from transforms.fetch.dial import Dialler, Resolve, SystemResolver
from transforms.fetch.exchange import CONNECT_TIMEOUT_S, Exchanger
from transforms.fetch.pace import TOO_MANY_COOLDOWN_S
from transforms.fetch.retry_after import parse_retry_after
from transforms.fetch.robots import (
    MAX_ROBOTS_BYTES,
    MAX_ROBOTS_REDIRECTS,
    RobotsCache,
    RobotsRules,
    allow_all,
    product_of,
    read_robots,
)
from transforms.fetch.room import Permit, Room
from transforms.fetch.target import Target, follow_location, parse_target
from transforms.fetch.turns import Turn, Turns
from transforms.inflate import ACCEPT_ENCODING
from transforms.records import ArticleLink, FetchedPage
from transforms.results import Ended, Ok
from transforms.urls import host_of

log = structlog.get_logger(__name__)

Job = TypeVar("Job")

# limit on the results and open requests of one batch that wait for a slow consumer
MAX_HELD = 32
# limit on the bytes of all bodies under way or waiting; the rest of 64 MB is for what may come on top: one chunk that
# inflates to a whole body, and one body for each of two batches, 10 MB each
MAX_HELD_BYTES = 32_000_000
CLOSE_TIMEOUT_S = 5.0
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 522, 524})
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
PERMANENT_STATUSES = frozenset({301, 308})
PAGE_ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.1"
FEED_ACCEPT = (
    "application/rss+xml,application/atom+xml,application/feed+json,application/xml;q=0.9,text/xml;q=0.9,*/*;q=0.5"
)


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How a Fetcher makes requests.

    `user_agent` is sent as it is and should name a contact address; its first word is the product token for robots.txt.
    `host_delay_s` is the minimum time in seconds between the starts of two requests to one host, robots.txt included.
    `timeout_s` is the time limit for one URL with all its redirects; waiting for the host's pace does not count.
    `max_body_bytes` counts decoded bytes.
    """

    user_agent: str = "newsbeam/0.1"
    host_delay_s: float = 1.0
    host_concurrency: int = 2
    allow_private_addresses: bool = False
    max_redirects: int = 10
    max_body_bytes: int = 10_000_000
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        """Raise UserError for a policy under which every request would fail."""
        if not (self.user_agent.isascii() and self.user_agent.isprintable() and self.user_agent.strip()):
            raise UserError(f"the user agent must be printable ASCII: {self.user_agent!r}")
        if self.host_concurrency < 1:
            raise UserError(f"the host concurrency must be at least 1: {self.host_concurrency}")
        if not 0 <= self.host_delay_s < math.inf:
            raise UserError(f"the host delay must be 0 seconds or more: {self.host_delay_s}")
        if not 0 < self.timeout_s < math.inf or self.max_body_bytes < 1:
            raise UserError(
                f"the timeout ({self.timeout_s} s) and the body limit ({self.max_body_bytes} bytes) must be above 0"
            )


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """A feed to fetch, with the validators of its last response."""

    url: str
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """The result of fetching a feed; `error` is None only for status 200 and 304.

    `status` is 0 if there was no response, and 429 also during the cooldown of a host after a 429. `moved_to` is the
    last address if every redirect was a 301 or 308 and led to a 200 or 304, else "".
    """

    request: FeedRequest
    status: int
    final_url: str
    moved_to: str
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: int
    error: NewsbeamError | None


@dataclass(slots=True)
class _Journey:
    """The state of fetching one URL with all its redirects."""

    target: Target
    cookies: CookieJar = field(default_factory=CookieJar)
    hops: int = 0
    permanent: bool = True
    elapsed_s: float = 0.0
    give_up_at: float | None = None


class Fetcher:
    """Fetches pages and feeds at the pace of their hosts; a context manager; thread-safe."""

    def __init__(self, policy: FetchPolicy, *, resolve: Resolve | None = None, ca_file: Path | None = None) -> None:
        """Use `resolve` in place of the system's DNS and `ca_file` in place of the default certificate authorities."""
        self.policy = policy
        self._product = product_of(policy.user_agent)
        self._turns = Turns(policy.host_delay_s, policy.host_concurrency)
        self._robots = RobotsCache(self._fetch_rules)
        self._room = Room(MAX_HELD_BYTES)
        # feeds that are asked one by one: their caller bounds their number
        self._asked = self._room.open(places=sys.maxsize)
        self._dialler = Dialler(resolve or SystemResolver(), allow_private=policy.allow_private_addresses)
        self._background = Background("newsbeam-fetch", self._close_exchanger)
        self._exchanger = self._background.call(self._open_exchanger(ca_file))

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel all requests and close all connections; may be called again."""
        self._background.close(CLOSE_TIMEOUT_S)

    @property
    def is_closed(self) -> bool:
        return self._background.is_closed

    def fetch_articles(
        self, links: Sequence[ArticleLink], budget_s: float | None = None
    ) -> Generator[Ok[FetchedPage] | Ended, None, None]:
        """Yield a page or an error for every link, in order of completion.

        Fetching goes on in the background, at most 32 pages ahead of the consumer; closing the iterator cancels it. A
        link that its host's pace would allow only after `budget_s` seconds ends as HostBusy, so that a long Crawl-delay
        does not hold up a batch.
        """
        give_up_at = None if budget_s is None else time.monotonic() + budget_s

        async def finish(link: ArticleLink, permit: Permit) -> Ok[FetchedPage] | Ended:
            try:
                return Ok(await self._fetch_article(link, permit, give_up_at))
            except NewsbeamError as error:
                return Ended(link, error)

        return self._background.stream(
            group_by_host(links, lambda link: link.url), self.policy.host_concurrency, self._room, MAX_HELD, finish
        )

    def fetch_feeds(self, requests: Sequence[FeedRequest]) -> Generator[FeedAnswer, None, None]:
        """Yield an answer for every request, in order of completion.

        robots.txt is not consulted, since a person named the feed. The pace is the same as for articles.
        """
        return self._background.stream(
            group_by_host(requests, lambda request: request.url),
            self.policy.host_concurrency,
            self._room,
            MAX_HELD,
            self._finish_feed,
        )

    def ask_feed(self, request: FeedRequest, on_answer: Callable[[FeedAnswer], None]) -> None:
        """Fetch one feed in the background and call `on_answer` in the fetch thread, where it must cost little.

        For callers that always have some requests under way: they decide how many, since each answer holds its body.
        The rules are those of `fetch_feeds`. After `close`, this raises RuntimeError, and requests that were still
        under way are not answered.
        """

        async def ask() -> None:
            permit = self._asked.permit()
            try:
                on_answer(await self._finish_feed(request, permit))
            finally:
                permit.release()

        self._background.start(ask)

    def fetch_page(self, url: str) -> FetchedPage:
        """Fetch one page in the same way as articles; raises Rejected or Retryable."""
        link = ArticleLink(url=url, canonical_url=url, article_id="", host=host_of(url))
        return self._background.call(self._fetch_article(link, None))

    def delay_of(self, host: str) -> float:
        """Return the seconds to keep between two requests to a host, as far as its robots.txt is known."""
        return self._turns.delay_of(host.lower().strip("[]").rstrip("."))

    # The methods below run in the background thread.

    async def _open_exchanger(self, ca_file: Path | None) -> Exchanger:
        return Exchanger(self._dialler, sent=self._turns.record_send, ca_file=ca_file)

    async def _close_exchanger(self) -> None:
        self._exchanger.close()

    async def _fetch_article(
        self, link: ArticleLink, permit: Permit | None, give_up_at: float | None = None
    ) -> FetchedPage:
        def judge(status: int, headers: Headers) -> Wanted | None:
            if status != 200:
                return None
            check_type(headers.get("content-type", ""))
            return Wanted(self.policy.max_body_bytes)

        journey = _Journey(parse_target(link.url), give_up_at=give_up_at)
        answer = await self._follow(journey, [f"Accept: {PAGE_ACCEPT}"], judge, permit, robots=True)
        if answer.status != 200:
            raise error_of(answer, journey.target.url, datetime.now(UTC))
        content_type = answer.headers.get("content-type", "")
        check_bytes(content_type, answer.body)
        return FetchedPage(
            link=link,
            url=journey.target.url,
            content_type=content_type,
            body=answer.body,
            fetched_at=datetime.now(UTC),
            elapsed_ms=round(journey.elapsed_s * 1000),
        )

    async def _finish_feed(self, request: FeedRequest, permit: Permit | None) -> FeedAnswer:
        def judge(status: int, headers: Headers) -> Wanted | None:
            return Wanted(self.policy.max_body_bytes) if status == 200 else None

        journey: _Journey | None = None
        try:
            start = parse_target(request.url)
            journey = _Journey(start)
            answer = await self._follow(journey, headers_of_feed(request), judge, permit, robots=False)
        except NewsbeamError as failure:
            return FeedAnswer(
                request=request,
                status=getattr(failure, "status", 0),
                final_url=journey.target.url if journey else request.url,
                moved_to="",
                headers={},
                body=b"",
                elapsed_ms=round(journey.elapsed_s * 1000) if journey else 0,
                error=failure,
            )
        error = None if answer.status in (200, 304) else error_of(answer, journey.target.url, datetime.now(UTC))
        # an address with a password must not be replaced by one without
        moved = journey.hops > 0 and journey.permanent and error is None and not start.userinfo
        return FeedAnswer(
            request=request,
            status=answer.status,
            final_url=journey.target.url,
            moved_to=journey.target.url if moved else "",
            headers=answer.headers,
            body=answer.body,
            elapsed_ms=round(journey.elapsed_s * 1000),
            error=error,
        )

    async def _follow(
        self,
        journey: _Journey,
        headers: Sequence[str],
        judge: Judge,
        permit: Permit | None,
        *,
        robots: bool,
        max_redirects: int | None = None,
    ) -> Response:
        """Follow redirects from `journey.target` to a final response, each hop at its host's pace."""
        limit = self.policy.max_redirects if max_redirects is None else max_redirects
        first = journey.target
        headers = [f"User-Agent: {self.policy.user_agent}", f"Accept-Encoding: {ACCEPT_ENCODING}", *headers]
        seen: set[tuple[str, str]] = set()
        while True:
            target, cookie = journey.target, journey.cookies.header(journey.target)
            if (target.url, cookie) in seen:
                raise RedirectLoop(f"{target.url} was visited again after {journey.hops} redirects")
            if journey.hops > limit:
                raise RedirectLoop(f"more than {limit} redirects from {first.url}")
            seen.add((target.url, cookie))
            if robots:
                await self._obey_robots(target, journey.give_up_at)
            secret = basic_auth(first.userinfo) if first.userinfo and target.origin == first.origin else ""
            private = [f"{name}: {value}" for name, value in (("Cookie", cookie), ("Authorization", secret)) if value]
            answer = await self._ask_in_turn(journey, [*headers, *private], judge, permit)
            journey.cookies.store(target, answer.cookies)
            location = answer.headers.get("location", "")
            if answer.status not in REDIRECT_STATUSES or not location:
                return answer
            journey.target = follow_location(target, location)
            journey.hops += 1
            journey.permanent = journey.permanent and answer.status in PERMANENT_STATUSES

    async def _ask_in_turn(
        self, journey: _Journey, headers: Sequence[str], judge: Judge, permit: Permit | None
    ) -> Response:
        target = journey.target
        turn = await self._find_turn(journey, permit)
        paused_s = permit.paused_s if permit is not None else 0.0
        started = time.monotonic()
        status = 0
        try:
            left_s = max(0.0, self.policy.timeout_s - journey.elapsed_s)
            answer = await self._exchanger.ask(target, headers, judge, left_s, permit)
            status = answer.status
        except FetchTimeout as error:
            self._turns.cool_down(target, error, timed_out=True)
            raise
        except ConnectFailed as error:
            self._turns.cool_down(target, error)
            raise
        finally:
            elapsed = time.monotonic() - started
            if permit is not None:
                elapsed -= permit.paused_s - paused_s
            journey.elapsed_s += elapsed
            self._turns.end(turn, status, elapsed)
            log.debug("requested", url=target.url, status=status, ms=round(elapsed * 1000))
        if status == 429:
            too_many = error_of(answer, target.url, datetime.now(UTC))
            if isinstance(too_many, HttpUnavailable):
                self._turns.cool_down(target, too_many)
        return answer

    async def _find_turn(self, journey: _Journey, permit: Permit | None) -> Turn:
        """Wait for the turn of `journey.target`, and look its address up in that turn if it is not known."""
        target = journey.target
        while True:
            known = self._dialler.recall(target)
            turn = await self._turns.take(target, known[0] if known else None, permit, journey.give_up_at)
            started = time.monotonic()
            try:
                left_s = max(0.0, self.policy.timeout_s - journey.elapsed_s)
                addresses = self._dialler.recall(target) or await self._dialler.find(
                    target, min(CONNECT_TIMEOUT_S, left_s)
                )
            except BaseException as error:
                elapsed = time.monotonic() - started
                journey.elapsed_s += elapsed
                if isinstance(error, DnsFailed):
                    self._turns.cool_down(target, error)
                self._turns.end(turn, 0, elapsed)
                raise
            journey.elapsed_s += time.monotonic() - started
            if self._turns.settle(turn, addresses[0]):
                return turn
            # the address turned out to be busy under another name
            self._turns.put_back(turn)

    async def _obey_robots(self, target: Target, give_up_at: float | None) -> None:
        rules = await self._robots.find(target, give_up_at)
        if isinstance(rules, NewsbeamError):
            # a copy, since every link that waited raises it and each raise would lengthen the same traceback
            raise copy(rules)
        if not rules.allows(target.url):
            raise RobotsDisallowed(f"robots.txt forbids {target.url}")

    async def _fetch_rules(self, target: Target) -> RobotsRules | NewsbeamError:
        """Return the rules of robots.txt, or the error for all links of the host.

        RFC 9309, 2.3.1: a missing robots.txt (4xx, endless redirects) allows everything, an unreachable one (5xx, no
        response) forbids everything. A 429 counts as unreachable, since it says nothing about robots.txt.
        """
        journey = _Journey(replace(target, path="/robots.txt", userinfo=""))

        def judge(status: int, headers: Headers) -> Wanted | None:
            return Wanted(MAX_ROBOTS_BYTES, cut=True) if status == 200 else None

        try:
            answer = await self._follow(
                journey,
                ["Accept: text/plain,*/*;q=0.5"],
                judge,
                None,
                robots=False,
                max_redirects=MAX_ROBOTS_REDIRECTS,
            )
        except (RedirectLoop, InvalidUrl, UnsupportedScheme):
            return allow_all(self._product)
        except (PrivateAddress, DnsFailed, ConnectFailed, TlsFailed) as error:
            # an error of the host itself says more than RobotsUnavailable; an error of a redirect's target does not
            return error if not journey.hops else RobotsUnavailable(f"robots.txt of {target.url} redirects: {error}")
        except NewsbeamError as error:
            return RobotsUnavailable(f"robots.txt of {target.url}: {error}", getattr(error, "retry_after", None))
        if answer.status == 200:
            rules = read_robots(answer.body, self._product)
            self._turns.set_crawl_delay(target, rules.crawl_delay_s)
            return rules
        if 400 <= answer.status < 500 and answer.status != 429:
            return allow_all(self._product)
        refusal = error_of(answer, journey.target.url, datetime.now(UTC))
        return RobotsUnavailable(f"robots.txt of {target.url}: {refusal}", getattr(refusal, "retry_after", None))


def error_of(answer: Response, url: str, now: datetime) -> NewsbeamError:
    """Return the error for the status of a response: HttpUnavailable if a retry may help, else HttpRejected."""
    if answer.status not in RETRIED_STATUSES:
        return HttpRejected(answer.status, url)
    retry_after = parse_retry_after(answer.headers.get("retry-after", ""), now)
    if answer.status == 429 and retry_after is None:
        retry_after = TOO_MANY_COOLDOWN_S
    return HttpUnavailable(answer.status, url, retry_after)


def group_by_host(jobs: Iterable[Job], url_of: Callable[[Job], str]) -> list[deque[Job]]:
    """Return one lane per host, in the order in which the hosts first appear."""
    lanes: dict[str, deque[Job]] = {}
    for job in jobs:
        lanes.setdefault(host_of(url_of(job)), deque()).append(job)
    return list(lanes.values())


def headers_of_feed(request: FeedRequest) -> list[str]:
    """Return the header lines of a conditional GET (RFC 9110, 13.1), without stored values that no header may have."""
    headers = [f"Accept: {FEED_ACCEPT}"]
    for name, value in (("If-None-Match", request.etag), ("If-Modified-Since", request.last_modified)):
        if value and value.isprintable() and value.isascii():
            headers.append(f"{name}: {value.strip()}")
    return headers


def basic_auth(userinfo: str) -> str:
    """Return the value of the Authorization header for the name and password of an address (RFC 7617)."""
    name, _, password = userinfo.partition(":")
    return "Basic " + b64encode(unquote_to_bytes(name) + b":" + unquote_to_bytes(password)).decode()


_shared: dict[tuple[int, FetchPolicy], Fetcher] = {}
_shared_lock = threading.Lock()


def shared_fetcher(policy: FetchPolicy) -> Fetcher:
    """Return this process's fetcher for a policy, so that all batches share its paces; it is closed at exit."""
    # a forked child inherits the object but not its thread
    key = os.getpid(), policy
    with _shared_lock:
        fetcher = _shared.get(key)
        if fetcher is None or fetcher.is_closed:
            fetcher = _shared[key] = Fetcher(policy)
        return fetcher


@atexit.register
def _close_shared() -> None:
    for (process, _), fetcher in _shared.items():
        if process == os.getpid():
            fetcher.close()

"""Fetch articles and feeds: robots.txt, pace, address check, redirects, limits.

    ArticleLink -> robots.txt of its host -> turn (pace, concurrency) -> connection (address check) -> response
                        ^                                                                                 |
                        +-------------------------- each redirect starts again ---------------------------+

A Fetcher owns an event loop in a background thread, so that connections, robots.txt and paces outlive a batch, and the
caller's thread computes while the next pages are fetched. transforms.fetch.follow goes the way of one URL; the
decisions are pure functions in sibling modules (pace, robots, addresses, content_types).
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from transforms.errors import NewsbeamError
from transforms.fetch.answer import Headers, Wanted
from transforms.fetch.background import Background
from transforms.fetch.content_types import check_bytes, check_type
from transforms.fetch.dial import Resolve
from transforms.fetch.exchange import count_descriptors
from transforms.fetch.follow import Follower, Journey, error_of
from transforms.fetch.policy import FetchPolicy
from transforms.fetch.room import Permit, Room
from transforms.fetch.target import parse_target
from transforms.fetch.turns import MAX_REQUESTS_AT_ONCE, Turns
from transforms.records import ArticleLink, FetchedPage
from transforms.results import Ended, Ok
from transforms.urls import host_of

__all__ = ["FeedAnswer", "FeedRequest", "FetchPolicy", "Fetcher", "shared_fetcher"]

Job = TypeVar("Job")

# limit on the results and open requests of one batch that wait for a slow consumer
MAX_HELD = 32
# limit on the bytes of all bodies under way or waiting; the rest of 64 MB is for what may come on top: one chunk that
# inflates to a whole body, and one body for each of two batches, 10 MB each
MAX_HELD_BYTES = 32_000_000
CLOSE_TIMEOUT_S = 5.0
PAGE_ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.1"
FEED_ACCEPT = (
    "application/rss+xml,application/atom+xml,application/feed+json,application/xml;q=0.9,text/xml;q=0.9,*/*;q=0.5"
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


class Fetcher:
    """Fetches pages and feeds at the pace of their hosts; a context manager; thread-safe."""

    def __init__(self, policy: FetchPolicy, *, resolve: Resolve | None = None, ca_file: Path | None = None) -> None:
        """Use `resolve` in place of the system's DNS and `ca_file` in place of the default certificate authorities."""
        self.policy = policy
        self._turns = Turns(
            policy.host_delay_s, policy.host_concurrency, min(MAX_REQUESTS_AT_ONCE, count_descriptors() // 4)
        )
        self._room = Room(MAX_HELD_BYTES)
        # feeds that are asked one by one: their caller bounds their number
        self._asked = self._room.open(places=sys.maxsize)
        self._background = Background("newsbeam-fetch", self._close_follower)
        self._follower = self._background.call(self._open_follower(resolve, ca_file))

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

    async def _open_follower(self, resolve: Resolve | None, ca_file: Path | None) -> Follower:
        return Follower(self.policy, self._turns, resolve, ca_file)

    async def _close_follower(self) -> None:
        self._follower.close()

    async def _fetch_article(
        self, link: ArticleLink, permit: Permit | None, give_up_at: float | None = None
    ) -> FetchedPage:
        def judge(status: int, headers: Headers) -> Wanted | None:
            if status != 200:
                return None
            check_type(headers.get("content-type", ""))
            return Wanted(self.policy.max_body_bytes)

        journey = Journey(parse_target(link.url), give_up_at=give_up_at)
        answer = await self._follower.follow(journey, [f"Accept: {PAGE_ACCEPT}"], judge, permit, robots=True)
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

        journey: Journey | None = None
        try:
            start = parse_target(request.url)
            journey = Journey(start)
            answer = await self._follower.follow(journey, headers_of_feed(request), judge, permit, robots=False)
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

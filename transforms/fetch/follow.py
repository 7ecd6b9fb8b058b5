"""Follow one URL to its final response: robots.txt, turn, address, request, and each redirect all over again."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
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
)
from transforms.fetch.answer import Headers, Judge, Response, Wanted
from transforms.fetch.cookies import CookieJar
from transforms.fetch.dial import Dialler, Resolve, SystemResolver
from transforms.fetch.exchange import CONNECT_TIMEOUT_S, Exchanger
from transforms.fetch.pace import TOO_MANY_COOLDOWN_S
from transforms.fetch.policy import FetchPolicy
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
from transforms.fetch.room import Permit
from transforms.fetch.target import Target, follow_location
from transforms.fetch.turns import Turn, Turns
from transforms.inflate import ACCEPT_ENCODING

log = structlog.get_logger(__name__)

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 522, 524})
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
PERMANENT_STATUSES = frozenset({301, 308})


@dataclass(slots=True)
class Journey:
    """The state of fetching one URL with all its redirects."""

    target: Target
    cookies: CookieJar = field(default_factory=CookieJar)
    hops: int = 0
    permanent: bool = True
    elapsed_s: float = 0.0
    give_up_at: float | None = None


class Follower:
    """Follows URLs; belongs to one event loop, in which it has to be made."""

    def __init__(self, policy: FetchPolicy, turns: Turns, resolve: Resolve | None, ca_file: Path | None) -> None:
        """Use `resolve` in place of the system's DNS and `ca_file` in place of the default certificate authorities."""
        self._policy = policy
        self._product = product_of(policy.user_agent)
        self._turns = turns
        self._robots = RobotsCache(self._fetch_rules)
        self._dialler = Dialler(resolve or SystemResolver(), allow_private=policy.allow_private_addresses)
        self._exchanger = Exchanger(self._dialler, sent=turns.record_send, ca_file=ca_file)

    def close(self) -> None:
        """Close every connection."""
        self._exchanger.close()

    async def follow(
        self,
        journey: Journey,
        headers: Sequence[str],
        judge: Judge,
        permit: Permit | None,
        *,
        robots: bool,
        max_redirects: int | None = None,
    ) -> Response:
        """Follow redirects from `journey.target` to a final response, each hop at its host's pace."""
        limit = self._policy.max_redirects if max_redirects is None else max_redirects
        first = journey.target
        headers = [f"User-Agent: {self._policy.user_agent}", f"Accept-Encoding: {ACCEPT_ENCODING}", *headers]
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
        self, journey: Journey, headers: Sequence[str], judge: Judge, permit: Permit | None
    ) -> Response:
        target = journey.target
        turn = await self._find_turn(journey, permit)
        paused_s = permit.paused_s if permit is not None else 0.0
        started = time.monotonic()
        status = 0
        try:
            left_s = max(0.0, self._policy.timeout_s - journey.elapsed_s)
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

    async def _find_turn(self, journey: Journey, permit: Permit | None) -> Turn:
        """Wait for the turn of `journey.target`, and look its address up in that turn if it is not known."""
        target = journey.target
        while True:
            known = self._dialler.recall(target)
            turn = await self._turns.take(target, known[0] if known else None, permit, journey.give_up_at)
            started = time.monotonic()
            try:
                left_s = max(0.0, self._policy.timeout_s - journey.elapsed_s)
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
        journey = Journey(replace(target, path="/robots.txt", userinfo=""))

        def judge(status: int, headers: Headers) -> Wanted | None:
            return Wanted(MAX_ROBOTS_BYTES, cut=True) if status == 200 else None

        try:
            answer = await self.follow(
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


def basic_auth(userinfo: str) -> str:
    """Return the value of the Authorization header for the name and password of an address (RFC 7617)."""
    name, _, password = userinfo.partition(":")
    return "Basic " + b64encode(unquote_to_bytes(name) + b":" + unquote_to_bytes(password)).decode()

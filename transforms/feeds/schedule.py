"""Decide when to poll a feed next, and what a poll says about the feed.

| what happened | what follows |
|---|---|
| success, two thirds or more of the entries known, or 304 | interval + 10 min, or + 60 min if nothing new for 31 days |
| success, under a third known | interval - 60 min, or down to 6 h if it was longer |
| first success | interval: the time in which the newer half of the entries came out, if shorter |
| none of the entries known, not the first poll | "gap": stories may have appeared and gone between two polls |
| failure | wait: interval x weighted failures in a row, at most 24 h, or 30 days after more than 30 failures |
| 429 | 0 to 60 min more, at random, so that feeds of one host are not polled together |
| 301 or 308 to the same address twice in a row | the address to fetch changes: "moved" |
| the new address keeps failing | back to the configured one: "moved" |
| 410 twice, 24 h apart or more | "disabled", until `newsbeam feeds --enable` |
| part of the answer was left out | an "error", and `last_error` says what, as long as it is so |

Intervals stay between 10 min and 24 h. They change only at the second and later successes in a row. Early polls never
lengthen an interval and late polls never shorten it, since neither is representative. Cache-Control, Expires and `ttl`
lengthen a wait, to at most 24 h. The figures are those of Media Cloud's rss-fetcher, which polls 180,000 feeds
(github.com/mediacloud/rss-fetcher, fetcher/tasks.py).

**False 304s.** Some servers answer 304 although the feed has changed. So after every 23rd success in a row a feed is
polled without validators (`validators_of`). If such a poll brings new entries although the validators are unchanged, or
an entry dated so early that the last poll should have shown it, conditional GET is switched off for the feed. A wrong
verdict only costs bandwidth.

Decisions are pure: `now` and `random` (in [0, 1)) are arguments.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from transforms.errors import (
    DnsFailed,
    FeedUnreadable,
    HostBusy,
    HttpRejected,
    HttpUnavailable,
    NewsbeamError,
    TlsFailed,
)
from transforms.records import Event, FeedEntry, FeedState, ParsedFeed
from transforms.times import parse_mail_date
from transforms.urls import host_of

MIN_INTERVAL_S = 600.0
MAX_INTERVAL_S = 86_400.0
SNAP_INTERVAL_S = 21_600.0
SMALL_STEP_S = 600.0
LARGE_STEP_S = 3600.0
MOSTLY_KNOWN = 2 / 3
BARELY_KNOWN = 1 / 3
SLEEPY_AFTER = timedelta(days=31)

HARD, SOFT, TEMPORARY = 1.0, 0.5, 0.25
MANY_FAILURES = 30.0
MAX_BACKOFF_S = 86_400.0
MAX_BACKOFF_MANY_S = 30 * 86_400.0
TOO_MANY_JITTER_S = 3600.0
BUSY_WAIT_S = 60.0

MOVES_NEEDED = 2
GONES_NEEDED = 2
GONES_APART = timedelta(hours=24)
# how `last_error` begins for a feed that was read in part, which is no failure
LEFT_OUT = "left out: "
# weighted failures in a row after which a feed that has moved is polled at its configured address again
RETURN_AFTER = 3.0

CHECK_EVERY = 24
CHILD_GAP = timedelta(minutes=15)
QUIET_FACTOR = 3.0
QUIET_AT_LEAST = timedelta(days=1)
QUIET_NEEDS = 5
_LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """The facts of a 200 or 304 response that determine the next poll.

    `fresh_s` is the number of seconds for which the headers declare it fresh, None if they do not say. `moved_to` is
    the final address if there were redirects and all were permanent, else "". `body_hash` is "" for a 304.
    """

    etag: str = ""
    last_modified: str = ""
    fresh_s: float | None = None
    moved_to: str = ""
    body_hash: str = ""


def read_facts(headers: Mapping[str, str], body: bytes, moved_to: str, now: datetime) -> AnswerFacts:
    """Return the facts of a response whose header names are in lower case."""
    return AnswerFacts(
        etag=headers.get("etag", ""),
        last_modified=headers.get("last-modified", ""),
        fresh_s=parse_freshness(headers, now),
        moved_to=moved_to,
        body_hash=hashlib.sha256(body).hexdigest() if body else "",
    )


def parse_freshness(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds from `now` for which a response is fresh, or None if it does not say (RFC 9111, 4.2.1).

    The value is not bounded; some servers name a year in the far future.
    """
    control = headers.get("cache-control", "").lower()
    if re.search(r"\bno-(?:cache|store)\b", control):
        return None
    if found := re.search(r"\bmax-age\s*=\s*\"?([0-9]{1,12})", control):
        age = headers.get("age", "").strip()
        return max(0.0, float(found[1]) - (float(age) if re.fullmatch(r"[0-9]{1,12}", age) else 0.0))
    expires = parse_mail_date(headers.get("expires", ""))
    return None if expires is None else max(0.0, (expires - now).total_seconds())


def validators_of(state: FeedState) -> tuple[str, str]:
    """Return the ETag and Last-Modified to send with the next poll, both "" if it must not be conditional."""
    if not state.conditional_get or is_check_due(state):
        return "", ""
    return state.etag, state.last_modified


def is_check_due(state: FeedState) -> bool:
    """Say whether the next poll checks for false 304s."""
    return state.successes % CHECK_EVERY == CHECK_EVERY - 1


def after_success(
    state: FeedState, facts: AnswerFacts, feed: ParsedFeed, known: int, total: int, now: datetime, note: str = ""
) -> tuple[FeedState, tuple[Event, ...]]:
    """Return the state and the events after a response whose body was parsed.

    Of the feed's `total` distinct entries, `known` were already in the ledger. `note` says what was left out.
    """
    first = not state.body_hash
    index = feed.kind == "sitemap_index"
    new = total - known
    events: list[Event] = []
    if not first and not index and total and not known and state.new_entry_at is not None:
        since = f"{state.polled_at:%Y-%m-%d %H:%M}" if state.polled_at else "the last poll"
        text = f"none of {total} entries was known; stories may have appeared and gone since {since}"
        events.append(Event("gap", state.url, text, now))
    conditional = state.conditional_get
    if conditional and new and not first and is_check_due(state) and _hid_entries(state, facts, feed):
        conditional = False
        text = "conditional GET switched off: 304s hid new entries"
        events.append(Event("error", state.url, text, now))
    new_entry_at = now if new or (first and total) else state.new_entry_at
    if first:
        interval = _first_interval(state.interval_s, feed.entries, now)
    else:
        share = known / total if total else 1.0
        interval = _next_interval(state, share, now, new_entry_at)
    state = replace(
        state,
        title=feed.title or state.title,
        language=feed.language or state.language,
        etag=facts.etag,
        last_modified=facts.last_modified,
        body_hash=facts.body_hash,
        conditional_get=conditional,
        new_entry_at=new_entry_at,
        interval_s=interval,
    )
    state, others = _settle(state, facts, feed.ttl_s, now, note)
    return state, (*events, *others)


def after_not_modified(state: FeedState, facts: AnswerFacts, now: datetime) -> tuple[FeedState, tuple[Event, ...]]:
    """Return the state and the events after a 304, or after a body that is the same as the last one."""
    state = replace(
        state,
        etag=facts.etag or state.etag,
        last_modified=facts.last_modified or state.last_modified,
        interval_s=_next_interval(state, 1.0, now, state.new_entry_at),
    )
    note = state.last_error if state.last_error.startswith(LEFT_OUT) else ""
    return _settle(state, facts, None, now, note)


def after_failure(
    state: FeedState, error: NewsbeamError, now: datetime, random: float
) -> tuple[FeedState, tuple[Event, ...]]:
    """Return the state and the events after a poll that failed."""
    if isinstance(error, HostBusy):
        # no request was sent
        wait = min(max(BUSY_WAIT_S, error.retry_after or 0.0), MAX_BACKOFF_S)
        return replace(state, next_poll_at=now + timedelta(seconds=wait)), ()
    status = error.status if isinstance(error, HttpRejected | HttpUnavailable) else 0
    failures = state.failures + weigh_failure(error)
    message = f"{error.reason}: {error}" if error.reason not in str(error) else str(error)
    message = " ".join(message.split())[:_LONGEST_ERROR]
    gone_at, gone_times = state.gone_at, state.gone_times
    if status == 410 and gone_at is None:
        gone_at, gone_times = now, 1
    elif status == 410 and gone_at is not None and now - gone_at >= GONES_APART:
        gone_times += 1
    events: list[Event] = []
    if message != state.last_error:
        events.append(Event("gone" if status == 410 else "error", state.url, message, now))
    state = replace(
        state,
        polls=state.polls + 1,
        successes=0,
        failures=failures,
        gone_times=gone_times,
        gone_at=gone_at,
        polled_at=now,
        last_error=message,
    )
    if gone_times >= GONES_NEEDED and status == 410:
        text = f"http 410 since {gone_at:%Y-%m-%d %H:%M}, {state.fetch_url}"
        events.append(Event("disabled", state.url, text, now))
        return replace(state, enabled=False, next_poll_at=None), tuple(events)
    if state.fetch_url != state.url and failures >= RETURN_AFTER:
        events.append(Event("moved", state.url, f"{state.fetch_url} fails; back to {state.url}", now))
        state = replace(state, fetch_url=state.url, host=host_of(state.url), moved_to="", moved_times=0)
    wait = _failure_wait(state, error, status, random)
    return replace(state, next_poll_at=now + timedelta(seconds=wait)), tuple(events)


def weigh_failure(error: NewsbeamError) -> float:
    """Return how much a failure counts; a 404 counts half, since active feeds return it now and then."""
    if isinstance(error, DnsFailed):
        return TEMPORARY
    if isinstance(error, HttpUnavailable | TlsFailed | FeedUnreadable):
        return SOFT
    if isinstance(error, HttpRejected) and (error.status == 404 or error.status >= 500):
        return SOFT
    return HARD


def spread(children: Sequence[FeedEntry], now: datetime) -> list[tuple[str, datetime]]:
    """Return the first poll of each child of a sitemap index, 15 min apart, the most recently changed first."""
    order = sorted(children, key=lambda child: child.updated_at.timestamp() if child.updated_at else 0.0, reverse=True)
    urls = dict.fromkeys(child.url for child in order)
    return [(url, now + place * CHILD_GAP) for place, url in enumerate(urls)]


def is_quiet(arrivals: Sequence[datetime], now: datetime) -> bool:
    """Say whether a source has been silent for much longer than usual.

    `arrivals` are the polls of the last weeks that brought something new, in any order. A source is quiet after more
    than a day of silence that is also more than three times its second-longest gap (the longest may be a holiday or an
    outage). With fewer than five arrivals it never is.
    """
    times = sorted(set(arrivals))
    if len(times) < QUIET_NEEDS:
        return False
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    usual = gaps[-2]
    return now - times[-1] > max(QUIET_AT_LEAST, QUIET_FACTOR * usual)


def _settle(
    state: FeedState, facts: AnswerFacts, ttl_s: float | None, now: datetime, note: str
) -> tuple[FeedState, tuple[Event, ...]]:
    """Record a success, follow a move and set the next poll."""
    events: list[Event] = []
    if note and note != state.last_error:
        events.append(Event("error", state.url, note, now))
    if state.last_error and not state.last_error.startswith(LEFT_OUT):
        events.append(Event("recovered", state.url, f"after {state.last_error}", now))
    moved_to = facts.moved_to if facts.moved_to != state.fetch_url else ""
    moved_times = 0
    if moved_to:
        moved_times = state.moved_times + 1 if moved_to == state.moved_to else 1
        if moved_times >= MOVES_NEEDED:
            events.append(Event("moved", state.url, f"{state.fetch_url} -> {moved_to}", now))
            state = replace(state, fetch_url=moved_to, host=host_of(moved_to))
            moved_to, moved_times = "", 0
    wait = min(max(state.interval_s, facts.fresh_s or 0.0, ttl_s or 0.0), MAX_INTERVAL_S)
    state = replace(
        state,
        polls=state.polls + 1,
        successes=state.successes + 1,
        failures=0.0,
        moved_to=moved_to,
        moved_times=moved_times,
        gone_times=0,
        gone_at=None,
        polled_at=now,
        next_poll_at=now + timedelta(seconds=wait),
        last_error=note,
    )
    return state, tuple(events)


def _next_interval(state: FeedState, share: float, now: datetime, new_entry_at: datetime | None) -> float:
    interval = _bound_interval(state.interval_s)
    if state.successes < 1 or state.next_poll_at is None:
        return interval
    slack = timedelta(seconds=max(60.0, interval / 10))
    # a poll that was asked for (`--once`) is due when it is asked for, and may be early all the same
    planned = state.next_poll_at
    if state.polled_at is not None:
        planned = max(planned, state.polled_at + timedelta(seconds=interval))
    if share >= MOSTLY_KNOWN and now >= planned - slack:
        sleepy = new_entry_at is not None and now - new_entry_at > SLEEPY_AFTER
        interval += LARGE_STEP_S if sleepy else SMALL_STEP_S
    elif share < BARELY_KNOWN and now <= state.next_poll_at + slack:
        interval = SNAP_INTERVAL_S if interval > SNAP_INTERVAL_S else interval - LARGE_STEP_S
    return _bound_interval(interval)


def _first_interval(interval: float, entries: Sequence[FeedEntry], now: datetime) -> float:
    # at this interval half of the entries are new, midway between MOSTLY_KNOWN and BARELY_KNOWN
    times = sorted(entry.published_at for entry in entries if entry.published_at and entry.published_at <= now)
    if len(times) >= 4:
        interval = min(interval, (times[-1] - times[len(times) // 2 - 1]).total_seconds())
    return _bound_interval(interval)


def _bound_interval(interval: float) -> float:
    return min(max(interval, MIN_INTERVAL_S), MAX_INTERVAL_S)


def _hid_entries(state: FeedState, facts: AnswerFacts, feed: ParsedFeed) -> bool:
    """Say whether conditional polls would have missed what this unconditional one brought."""
    sent, got = (state.etag, facts.etag) if state.etag or facts.etag else (state.last_modified, facts.last_modified)
    if sent and sent == got:
        return True
    if state.polled_at is None or state.new_entry_at is None:
        return False
    # dated after the last new entry, yet so early that the last poll should have shown it
    last, due = state.new_entry_at, state.polled_at - timedelta(seconds=state.interval_s)
    return any(entry.published_at and last < entry.published_at < due for entry in feed.entries)


def _failure_wait(state: FeedState, error: NewsbeamError, status: int, random: float) -> float:
    most = MAX_BACKOFF_MANY_S if state.failures > MANY_FAILURES else MAX_BACKOFF_S
    wait = min(_bound_interval(state.interval_s) * max(1.0, state.failures), most)
    if status == 410:
        wait = max(wait, MAX_BACKOFF_S)
    asked = getattr(error, "retry_after", None)
    if status in (429, 503) and asked is not None:
        wait = max(wait, min(asked, MAX_BACKOFF_S))
    if status == 429:
        wait += random * TOO_MANY_JITTER_S
    return wait

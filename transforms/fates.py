"""Decide the fate of a URL from an error: a final Rejection, or a Failure that is retried.

| error | waits in seconds | given up after |
|---|---|---|
| HTTP 408, 429, 5xx | 3, 9, 27, 81, 243, 729, 2,187, 6,561, 19,683 | 8.2 h |
| timeout, DNS, TLS, protocol, robots.txt | 60, 180, 540, 1,620, 4,860, 14,580, then 21,600 | 24.1 h |
| the process that reads it died | 60, 180 | 4 min |
| no connection | 600, 1,800, 5,400, 16,200, then 21,600 | 36.7 h |

Ten tries make nine waits. Each wait is three times the previous one, at most six hours, with a jitter of up to a fifth
either way so that URLs that failed together are not retried together. Retry-After can only lengthen a wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from transforms.errors import ConnectFailed, HostBusy, HttpUnavailable, NewsbeamError, Rejected, WorkCrashed
from transforms.records import ArticleLink, Failure, Rejection, to_json

LONGEST_MESSAGE = 1000
LONGEST_PAYLOAD = 10_000
LONGEST_TRACEBACK = 10_000
MAX_TRIES = 10
MAX_CRASHES = 3
MAX_WAIT_S = 21_600.0
MAX_RETRY_AFTER_S = 86_400.0
FACTOR = 3.0
JITTER = 0.2
STATUS_WAIT_S = 3.0
NETWORK_WAIT_S = 60.0
CONNECT_WAIT_S = 600.0


def end(link: ArticleLink, error: NewsbeamError, stage: str, now: datetime, random: float) -> Rejection | Failure:
    """Return the fate of a URL after an expected error; `random`, in [0, 1), sets the jitter of the next try."""
    message = str(error)[:LONGEST_MESSAGE]
    if isinstance(error, Rejected):
        return Rejection(link, error.reason, stage, message, now)
    due_at: datetime | None
    if isinstance(error, HostBusy):
        # no request was sent, so it does not count as a try
        tries, due_at = link.tries, now + timedelta(seconds=error.retry_after or 0.0)
    else:
        tries, due_at = link.tries + 1, retry_at(error, link.tries + 1, now, random)
    return Failure(
        link,
        reason=error.reason,
        stage=stage,
        error_class=type(error).__name__,
        message=message,
        tries=tries,
        at=now,
        due_at=due_at,
        payload=to_json(link)[:LONGEST_PAYLOAD],
    )


def end_with_bug(
    link: ArticleLink, error_class: str, message: str, traceback: str, stage: str, now: datetime, random: float
) -> Failure:
    """Return the fate of a URL after an unexpected exception: a dead letter with its traceback.

    It is retried like any failure, since the next release may have fixed the bug.
    """
    tries = link.tries + 1
    return Failure(
        link,
        reason="bug",
        stage=stage,
        error_class=error_class,
        message=message[:LONGEST_MESSAGE],
        tries=tries,
        at=now,
        due_at=retry_at(Bug(message), tries, now, random),
        payload=to_json(link)[:LONGEST_PAYLOAD],
        traceback=traceback[-LONGEST_TRACEBACK:],
    )


class Bug(NewsbeamError):
    """Represents an unexpected exception in the retry schedule; the tree of errors has no class for it."""

    reason = "bug"
    retryable = True


def retry_at(error: NewsbeamError, tries: int, now: datetime, random: float) -> datetime | None:
    """Return when to retry a URL whose try number `tries` (from 1) ended in `error`, or None to give up.

    None after ten tries, and for an error that no retry can change. Retry-After is honoured up to a day. `random` is in
    [0, 1).
    """
    if not error.retryable or tries >= (MAX_CRASHES if isinstance(error, WorkCrashed) else MAX_TRIES):
        return None
    wait = min(find_first_wait(error) * FACTOR ** max(0, tries - 1), MAX_WAIT_S)
    wait *= 1 - JITTER + 2 * JITTER * random
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        wait = max(wait, min(asked, MAX_RETRY_AFTER_S))
    return now + timedelta(seconds=wait)


def find_first_wait(error: NewsbeamError) -> float:
    """Return the seconds between the first and the second try."""
    if isinstance(error, HttpUnavailable):
        return STATUS_WAIT_S
    return CONNECT_WAIT_S if isinstance(error, ConnectFailed) else NETWORK_WAIT_S

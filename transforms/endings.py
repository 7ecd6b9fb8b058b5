"""From an error to the fate of a URL: a Rejection that stands, or a Failure that is due again."""

from __future__ import annotations

from datetime import datetime, timedelta

from transforms.errors import HostBusy, NewsbeamError, Rejected
from transforms.records import ArticleLink, Failure, Rejection, to_json
from transforms.retry import retry_at

LONGEST_MESSAGE = 1000
LONGEST_PAYLOAD = 10_000
LONGEST_TRACEBACK = 10_000


def end(link: ArticleLink, error: NewsbeamError, stage: str, now: datetime, random: float) -> Rejection | Failure:
    """Return the fate that an expected error gives a URL; `random` in [0, 1) jitters the next try."""
    message = str(error)[:LONGEST_MESSAGE]
    if isinstance(error, Rejected):
        return Rejection(link, error.reason, stage, message, now)
    due_at: datetime | None
    if isinstance(error, HostBusy):
        # nothing was asked of the host, so it was no try
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
    """Return the fate of a URL whose work raised what nobody expected: a dead letter with its traceback.

    It is tried again like any failure, as the next release may have mended it.
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
    """Stands in for an error that is in no tree, so that the retry schedule has a class to look at."""

    reason = "bug"
    retryable = True

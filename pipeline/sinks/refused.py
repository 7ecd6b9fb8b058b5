"""What becomes of an outcome that its sink can never store: the dead letter of its URL."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from random import random
from typing import Any

import structlog

from pipeline.tables.keys import LONGEST_URL, cut_text, storable
from pipeline.tables.refusals import is_about_rows
from pipeline.tables.rows import Landing, landing_of
from transforms.errors import MessageInvalid
from transforms.fates import LONGEST_PAYLOAD, end_with_bug
from transforms.records import ArticleLink, BadMessage, Failure, Outcome
from transforms.urls import article_id

STAGE = "sink"
TEXTS = ("url", "canonical_url", "article_id", "host", "feed_url", "title", "language")

log = structlog.get_logger(__name__)


def stand_ins(outcome: Outcome | BadMessage, error: BaseException, now: datetime) -> Iterator[Failure | BadMessage]:
    """Yield what to store in place of an outcome that was refused, the next one if that is refused too.

    First the dead letter of its link; then that of a link with nothing but its addresses, which every database can
    store; for a message that could not be read, one that says only that.
    """
    if isinstance(outcome, BadMessage):
        log.error("row refused", message=outcome.key, error=repr(error)[:LONGEST_PAYLOAD])
        yield BadMessage(outcome.data, MessageInvalid.reason, now)
        return
    link = _storable_link(outcome.link)
    cause = getattr(error, "orig", None) or error
    trace = "".join(traceback.format_exception(error))
    log.error("row refused", url=link.url, error=repr(cause)[:LONGEST_PAYLOAD], traceback=trace[-LONGEST_PAYLOAD:])
    failure = end_with_bug(link, type(cause).__name__, str(cause), trace, STAGE, now, random())
    yield failure
    url = cut_text(link.url, LONGEST_URL)
    bare = ArticleLink(url, link.canonical_url, article_id(link.canonical_url), link.host)
    yield replace(failure, link=bare, tries=1, due_at=None, payload="")


def _storable_link(link: ArticleLink) -> ArticleLink:
    """Return a link whose texts can be encoded."""
    texts: dict[str, Any] = {name: storable(getattr(link, name)) for name in TEXTS}
    return replace(link, **texts, authors=tuple(map(storable, link.authors)))


def storable_outcome(outcome: Outcome | BadMessage, now: datetime) -> tuple[Outcome | BadMessage, Landing]:
    """Return an outcome with its rows, or in place of one that cannot have rows, its dead letter with its rows.

    Raises the last error if not even that has rows.
    """
    try:
        return outcome, landing_of(outcome, now)
    except Exception as error:
        if not is_about_rows(error):
            raise
        refused = error
    for other in stand_ins(outcome, refused, now):
        try:
            return other, landing_of(other, now)
        except Exception as error:
            if not is_about_rows(error):
                raise
            refused = error
    raise refused

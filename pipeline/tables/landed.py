"""The objects that rows are made from: an outcome that lands, and its parts, fate and dead letter.

    outcome, time -> Landed -> LandedArticle -> Part, one for each entity, image, removed block ...
                            -> Fate of its URL
                            -> Letter, if a try failed or a message could not be read

Declarations of tables (pipeline.tables) name one of these in `rows` and compute their columns from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Generic, TypeVar

from pipeline.tables.keys import LONGEST_FEED, bounded_host, size_of, storable
from transforms.errors import MessageInvalid
from transforms.fates import LONGEST_PAYLOAD
from transforms.records import Article, ArticleLink, BadMessage, Failure, Outcome, Rejection
from transforms.urls import article_id, host_of, url_key

# the reason of the removed block that holds the rest of a body that was cut
TOO_LONG = "too long"

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Landed:
    """An outcome, and the time at which it lands."""

    outcome: Outcome | BadMessage
    now: datetime


@dataclass(frozen=True)
class LandedArticle:
    """An article, and the time at which this version lands. Several URLs may lead to the same article."""

    article: Article
    now: datetime

    @cached_property
    def canonical_url(self) -> str:
        """The key: the address after redirects, without tracking parameters and fragment."""
        return url_key(self.article.url)

    @cached_property
    def article_id(self) -> str:
        """The id of the key."""
        return article_id(self.canonical_url)

    @cached_property
    def host(self) -> str:
        """The host name of the key."""
        return bounded_host(host_of(self.canonical_url))

    @cached_property
    def content_hash(self) -> str:
        """The hash of title and body."""
        return content_hash(self.article.title, self.article.body)

    @property
    def feed_url(self) -> str | None:
        """The feed that listed it; None if no feed did, or if its address is too long to be polled."""
        feed = storable(self.article.link.feed_url)
        return feed if 0 < size_of(feed) <= LONGEST_FEED else None

    @property
    def is_body_truncated(self) -> bool:
        """Whether the page has more text than the body holds."""
        return any(block.reason == TOO_LONG for block in self.article.removed)


@dataclass(frozen=True, slots=True)
class Part(Generic[T_co]):
    """A part of an article: an entity, an image ...; `number` counts the parts of one kind from 0."""

    of: LandedArticle
    number: int
    record: T_co


@dataclass(frozen=True, slots=True)
class Fate:
    """The current fate of a URL. `tries` includes the try that ended with it."""

    link: ArticleLink
    outcome: str
    settled_at: datetime
    tries: int
    article_id: str
    reason: str | None = None
    stage: str | None = None
    message: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A try that failed, or a message that could not be read. `key` is the URL's, or is made from the message."""

    key: str
    tries: int
    url: str
    stage: str
    reason: str
    error_class: str
    message: str
    failed_at: datetime
    due_at: datetime | None = None
    traceback: str = ""
    payload: str = ""


def content_hash(title: str, body: str) -> str:
    """Return the SHA-256 of title and body, white space folded: equal for copies, different after an edit."""
    folded = "\n".join((" ".join(title.split()), " ".join(body.split())))
    return hashlib.sha256(folded.encode("utf-8", "replace")).hexdigest()


def articles(landed: Landed) -> Iterator[LandedArticle]:
    """Yield the article, if the outcome is one."""
    if isinstance(landed.outcome, Article):
        yield LandedArticle(landed.outcome, landed.now)


def parts(of: Callable[[Article], Sequence[T]]) -> Callable[[Landed], Iterator[Part[T]]]:
    """Return the `rows` of a table that has one row for each of these parts of an article."""

    def rows(landed: Landed) -> Iterator[Part[T]]:
        for whole in articles(landed):
            for number, record in enumerate(of(whole.article)):
                yield Part(whole, number, record)

    return rows


def fates(landed: Landed) -> Iterator[Fate]:
    """Yield the fate of the URL; a message that could not be read has none."""
    match landed.outcome:
        case Article(link=link):
            (whole,) = articles(landed)
            yield Fate(link, "article", landed.now, link.tries + 1, whole.article_id)
        case Rejection(link=link, reason=reason, stage=stage, message=message):
            yield Fate(link, "rejected", landed.now, link.tries + 1, link.article_id, reason, stage, message)
        case Failure(link=link, reason=reason, stage=stage, message=message) as failure:
            yield Fate(
                link, "failed", landed.now, failure.tries, link.article_id, reason, stage, message, failure.due_at
            )


def letters(landed: Landed) -> Iterator[Letter]:
    """Yield the dead letter of a try that failed or of a message that could not be read.

    A URL that was put off because its host was busy was not tried, and has none.
    """
    match landed.outcome:
        case Failure() as failure if failure.tries > failure.link.tries:
            yield Letter(
                key=failure.link.canonical_url,
                tries=failure.tries,
                url=failure.link.url,
                stage=failure.stage,
                reason=failure.reason,
                error_class=failure.error_class,
                message=failure.message,
                failed_at=failure.at,
                due_at=failure.due_at,
                traceback=failure.traceback,
                payload=failure.payload,
            )
        case BadMessage() as bad:
            yield Letter(
                key=bad.key,
                tries=1,
                url="",
                stage="read",
                reason=MessageInvalid.reason,
                error_class=MessageInvalid.__name__,
                message=bad.error,
                failed_at=bad.at,
                payload=bad.data.decode("utf-8", "backslashreplace")[:LONGEST_PAYLOAD],
            )

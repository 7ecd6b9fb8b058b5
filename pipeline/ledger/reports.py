"""Reports on the ledger: audit, why, failures, feeds, and the figures of the live display."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from pipeline.ledger.counts import FATE, REASON, Counts, fold_counts, has_many_shards, read_counts, recount, sum_counts
from pipeline.tables.database import METADATA, reading
from pipeline.tables.keys import bounded_key
from transforms.feeds.schedule import is_quiet
from transforms.urls import url_key

ARTICLES, URLS, FEEDS = METADATA.tables["articles"], METADATA.tables["urls"], METADATA.tables["feeds"]
EVENTS, SIGHTINGS = METADATA.tables["events"], METADATA.tables["sightings"]
DEAD_LETTERS, REVISIONS = METADATA.tables["dead_letters"], METADATA.tables["revisions"]

QUIET_LOOK = timedelta(days=60)
MOST_RECENT = 10_000  # at most this many articles of the last minute are counted
# the article has its row here, or the ledger names the other sink that holds it
LANDED = sa.or_(URLS.c.landed_in.is_not(None), sa.exists().where(ARTICLES.c.article_id == URLS.c.article_id))

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Audit:
    """How many URLs have each fate. `urls` = article + rejected + failed + waiting + leased + lost.

    `failed_given_up` are part of `failed`. `failed_due_again` is when the first URL is retried, by reason. `miscounted`
    is by how much the running counts (pipeline.ledger.counts) were wrong, by fate and reason.
    """

    urls: int
    article: int
    rejected: Mapping[str, int]
    failed: Mapping[str, int]
    failed_due_again: Mapping[str, str]
    failed_given_up: int
    waiting: int
    leased: int
    lost: int
    miscounted: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return asdict(self)


def audit(engine: sa.Engine, now: datetime, repair: bool = True) -> Audit:
    """Count all URLs by fate; those that a feed listed but `urls` does not have are lost.

    Reads every URL once. If the running counts differ from the result, they are corrected with `repair`; without it,
    nothing is written.
    """
    with _snapshot(engine) as connection:
        kept = read_counts(connection)
        is_missing = sa.and_(URLS.c.outcome == "article", sa.not_(LANDED))
        is_leased = sa.func.coalesce(URLS.c.leased_until > now, sa.false())
        groups = connection.execute(
            sa.select(
                FATE.label("fate"),
                REASON.label("why"),
                sa.case((is_missing, 1), else_=0).label("is_missing"),
                sa.case((is_leased, 1), else_=0).label("is_leased"),
                sa.func.count().label("urls"),
                sa.func.min(URLS.c.due_at).label("due_at"),
            )
            .group_by("fate", "why", "is_missing", "is_leased")
            .order_by("why")
        ).all()
        orphans = connection.execute(
            sa.select(sa.func.count())
            .select_from(SIGHTINGS)
            .where(sa.not_(sa.exists().where(URLS.c.canonical_url == SIGHTINGS.c.canonical_url)))
        ).scalar_one()
    found = sum_counts(((row.fate, row.why), row.urls) for row in groups)
    miscounted = _differences(kept, found)
    if miscounted:
        log.warning("the running counts of URLs were wrong", differences=miscounted, repaired=repair)
        if repair:
            recount(engine)
    due: dict[str, datetime] = {}
    for row in groups:
        if row.fate == "failed":
            due[row.why] = min(row.due_at, due.get(row.why, row.due_at))
    missing = sum(row.urls for row in groups if row.is_missing)
    leased = sum(row.urls for row in groups if row.fate == "waiting" and row.is_leased)
    return Audit(
        urls=sum(found.values()) + orphans,
        article=_total(found, "article") - missing,
        rejected=_by_reason(found, "rejected"),
        failed=_by_reason(found, "failed", "given up"),
        failed_due_again={reason: at.isoformat() for reason, at in due.items()},
        failed_given_up=_total(found, "given up"),
        waiting=_total(found, "waiting") - leased,
        leased=leased,
        lost=_total(found, "lost") + missing + orphans,
        miscounted=miscounted,
    )


def _differences(kept: Counts, found: Counts) -> dict[str, int]:
    """Return by how much the kept counts exceed those that were found, by fate and reason."""
    wrong = {key: kept.get(key, 0) - found.get(key, 0) for key in sorted({*kept, *found})}
    return {" ".join(filter(None, key)): difference for key, difference in wrong.items() if difference}


def _by_reason(counts: Counts, *fates: str) -> dict[str, int]:
    found = sum_counts(((reason, ""), urls) for (fate, reason), urls in counts.items() if fate in fates)
    return {reason: urls for (reason, _), urls in sorted(found.items())}


def _total(counts: Counts, fate: str) -> int:
    return sum(urls for (name, _), urls in counts.items() if name == fate)


@contextmanager
def _snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction in which all statements see the same state of the database."""
    options: dict[str, Any] = {"newsbeam_write": False}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def why(engine: sa.Engine, url: str) -> dict[str, Any] | None:
    """Return everything known about one URL: which feeds listed it, each failed try, its fate; None if unknown.

    Accepts any spelling of the URL, and the final address of an article.
    """
    key = bounded_key(url_key(url))
    with reading(engine) as connection:
        found = (
            connection.execute(
                sa.select(URLS)
                .outerjoin(ARTICLES, ARTICLES.c.article_id == URLS.c.article_id)
                .where(sa.or_(URLS.c.canonical_url == key, URLS.c.url == url, ARTICLES.c.canonical_url == key))
                .order_by(sa.case((URLS.c.canonical_url == key, 0), else_=1))
            )
            .mappings()
            .first()
        )
        if found is None:
            return None
        key = found["canonical_url"]
        article = (
            connection.execute(
                sa.select(
                    ARTICLES.c.article_id,
                    ARTICLES.c.title,
                    ARTICLES.c.canonical_url,
                    ARTICLES.c.fetched_at,
                    ARTICLES.c.word_count,
                    ARTICLES.c.revision,
                ).where(ARTICLES.c.article_id == found["article_id"])
            )
            .mappings()
            .first()
        )
        return {
            "url": dict(found),
            "named_by": _rows(
                connection, sa.select(SIGHTINGS).where(SIGHTINGS.c.canonical_url == key).order_by(SIGHTINGS.c.seen_at)
            ),
            "failed_tries": _rows(
                connection,
                sa.select(DEAD_LETTERS).where(DEAD_LETTERS.c.canonical_url == key).order_by(DEAD_LETTERS.c.tries),
            ),
            "article": dict(article) if article and found["outcome"] == "article" else None,
            "revisions": _rows(
                connection,
                sa.select(REVISIONS.c.revision, REVISIONS.c.title, REVISIONS.c.fetched_at, REVISIONS.c.content_hash)
                .where(REVISIONS.c.article_id == found["article_id"])
                .order_by(REVISIONS.c.revision),
            ),
        }


def failures(engine: sa.Engine, limit: int = 1000) -> list[dict[str, Any]]:
    """Return the URLs that failed, those due soonest first, those given up last."""
    names = ("url", "reason", "stage", "message", "tries", "settled_at", "due_at")
    with reading(engine) as connection:
        return _rows(
            connection,
            sa.select(*(URLS.c[name] for name in names))
            .where(URLS.c.outcome == "failed")
            .order_by(URLS.c.due_at.asc().nulls_last())
            .limit(limit),
        )


def feeds(engine: sa.Engine, now: datetime) -> list[dict[str, Any]]:
    """Return the state of each feed, how many gaps it had, and whether it is quieter than usual."""
    with reading(engine) as connection:
        states = _rows(connection, sa.select(FEEDS).order_by(FEEDS.c.url))
        counted = connection.execute(
            sa.select(EVENTS.c.subject, sa.func.count()).where(EVENTS.c.kind == "gap").group_by(EVENTS.c.subject)
        )
        gaps = {row[0]: row[1] for row in counted}
        arrivals: dict[str, list[datetime]] = {}
        for url, at in connection.execute(
            sa.select(SIGHTINGS.c.feed_url, SIGHTINGS.c.seen_at)
            .where(SIGHTINGS.c.seen_at > now - QUIET_LOOK)
            .distinct()
        ):
            arrivals.setdefault(url, []).append(at)
    return [
        state | {"gaps": gaps.get(state["url"], 0), "quiet": is_quiet(arrivals.get(state["url"], []), now)}
        for state in states
    ]


@dataclass(frozen=True, slots=True)
class Progress:
    """The figures of the live display."""

    feeds: int
    feeds_failing: int
    waiting: int
    leased: int
    articles: int
    articles_last_minute: int
    rejected: Mapping[str, int]
    failed: Mapping[str, int]
    newest: tuple[tuple[str, str], ...]


def progress(engine: sa.Engine, now: datetime) -> Progress:
    """Return the current figures: counts, and the hosts and titles of the articles that landed last.

    Takes a few milliseconds however many URLs there are. An article whose row is missing is still counted; see `audit`.
    """
    with reading(engine) as connection:
        counts = read_counts(connection)
        must_fold = has_many_shards(connection)
        # the fate is not in the condition, as SQLite would then read every waiting URL
        is_waiting = sa.case((sa.and_(URLS.c.outcome.is_(None), URLS.c.due_at.is_not(None)), 1), else_=0)
        leased = connection.execute(
            sa.select(sa.func.coalesce(sa.func.sum(is_waiting), 0)).where(
                URLS.c.lease_owner.is_not(None), URLS.c.leased_until > now
            )
        ).scalar_one()
        all_feeds = connection.execute(sa.select(sa.func.count()).select_from(FEEDS)).scalar_one()
        failing = connection.execute(
            sa.select(sa.func.count()).select_from(FEEDS).where(FEEDS.c.failures > 0)
        ).scalar_one()
        latest = sa.select(ARTICLES.c.processed_at).order_by(ARTICLES.c.processed_at.desc())
        recent = connection.execute(
            sa.select(sa.func.count()).select_from(
                latest.where(ARTICLES.c.processed_at > now - timedelta(minutes=1)).limit(MOST_RECENT).subquery()
            )
        ).scalar_one()
        newest = connection.execute(
            sa.select(ARTICLES.c.host, ARTICLES.c.title).order_by(ARTICLES.c.processed_at.desc()).limit(5)
        ).all()
    if must_fold:
        fold_counts(engine)
    return Progress(
        feeds=all_feeds,
        feeds_failing=failing,
        waiting=_total(counts, "waiting") - leased,
        leased=leased,
        articles=_total(counts, "article"),
        articles_last_minute=recent,
        rejected=_by_reason(counts, "rejected"),
        failed=_by_reason(counts, "failed", "given up"),
        newest=tuple((host, title or "") for host, title in newest),
    )


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]

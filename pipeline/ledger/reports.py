"""Questions that people ask of the ledger: audit, why, failures, feeds, and the figures of the live display."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipeline.tables.database import METADATA, reading
from pipeline.tables.keys import bounded_key
from transforms.feeds.schedule import is_quiet
from transforms.urls import url_key

ARTICLES, URLS, FEEDS = METADATA.tables["articles"], METADATA.tables["urls"], METADATA.tables["feeds"]
EVENTS, SIGHTINGS = METADATA.tables["events"], METADATA.tables["sightings"]
DEAD_LETTERS, REVISIONS = METADATA.tables["dead_letters"], METADATA.tables["revisions"]

QUIET_LOOK = timedelta(days=60)
# an article has its row here, or the ledger says in which other sink
LANDED = sa.or_(URLS.c.landed_in.is_not(None), sa.exists().where(ARTICLES.c.article_id == URLS.c.article_id))
# every URL is in exactly one of these; what is in none of the first four is lost
LOST = sa.or_(
    sa.and_(URLS.c.outcome.is_(None), URLS.c.due_at.is_(None)),
    sa.and_(URLS.c.outcome == "article", sa.not_(LANDED)),
    sa.and_(URLS.c.outcome == "failed", URLS.c.due_at.is_(None), URLS.c.tries == 0),
    sa.and_(URLS.c.outcome.is_not(None), URLS.c.outcome.not_in(["article", "rejected", "failed"])),
)


@dataclass(frozen=True, slots=True)
class Audit:
    """How many URLs ended how. `urls` is the sum of all the others."""

    urls: int
    article: int
    rejected: Mapping[str, int]
    failed: Mapping[str, int]
    failed_due_again: Mapping[str, str]
    failed_given_up: int
    waiting: int
    leased: int
    lost: int

    def as_json(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return asdict(self)


def audit(engine: sa.Engine, now: datetime) -> Audit:
    """Add up the fates of all URLs, and of all that a feed named but the ledger does not have."""
    with reading(engine) as connection:
        total = _count(connection, sa.true())
        lost = _count(connection, LOST)
        orphans = connection.execute(
            sa.select(sa.func.count())
            .select_from(SIGHTINGS)
            .where(sa.not_(sa.exists().where(URLS.c.canonical_url == SIGHTINGS.c.canonical_url)))
        ).scalar_one()
        endings = connection.execute(
            sa.select(URLS.c.outcome, URLS.c.reason, sa.func.count(), sa.func.min(URLS.c.due_at))
            .where(URLS.c.outcome.in_(["rejected", "failed"]), sa.not_(LOST))
            .group_by(URLS.c.outcome, URLS.c.reason)
            .order_by(URLS.c.reason)
        ).all()
        rejected = {str(reason): count for outcome, reason, count, _ in endings if outcome == "rejected"}
        failed = {str(reason): count for outcome, reason, count, _ in endings if outcome == "failed"}
        due = {str(reason): at.isoformat() for outcome, reason, _, at in endings if outcome == "failed" and at}
        under_way = sa.and_(URLS.c.outcome.is_(None), URLS.c.due_at.is_not(None))
        leased = _count(connection, sa.and_(under_way, URLS.c.leased_until > now))
        return Audit(
            urls=total + orphans,
            article=_count(connection, sa.and_(URLS.c.outcome == "article", LANDED)),
            rejected=rejected,
            failed=failed,
            failed_due_again=due,
            failed_given_up=_count(
                connection, sa.and_(URLS.c.outcome == "failed", URLS.c.due_at.is_(None), URLS.c.tries > 0)
            ),
            waiting=_count(connection, under_way) - leased,
            leased=leased,
            lost=lost + orphans,
        )


def _count(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(URLS).where(which)).scalar_one()


def why(engine: sa.Engine, url: str) -> dict[str, Any] | None:
    """Return everything known of one URL: who named it and when, each try that failed, its fate; None if unknown.

    Any spelling of the URL does, also the final address of an article.
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
    """Return the state of each feed, how many gaps it had, and whether it is quieter than it used to be."""
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
    """Return what goes on now: counts, and the titles that landed last with their hosts."""
    counts = audit(engine, now)
    with reading(engine) as connection:
        all_feeds, failing = connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((FEEDS.c.failures > 0, 1), else_=0)), 0))
        ).one()
        recent = connection.execute(
            sa.select(sa.func.count()).select_from(ARTICLES).where(ARTICLES.c.processed_at > now - timedelta(minutes=1))
        ).scalar_one()
        newest = connection.execute(
            sa.select(ARTICLES.c.host, ARTICLES.c.title).order_by(ARTICLES.c.processed_at.desc()).limit(5)
        )
        return Progress(
            feeds=all_feeds,
            feeds_failing=failing,
            waiting=counts.waiting,
            leased=counts.leased,
            articles=counts.article,
            articles_last_minute=recent,
            rejected=counts.rejected,
            failed=counts.failed,
            newest=tuple((host, title or "") for host, title in newest),
        )


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]

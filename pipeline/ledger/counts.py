"""Count URLs by fate without reading them: triggers on `urls` maintain the table `url_counts`.

Migration 0004 creates the triggers. On PostgreSQL each backend counts in rows of its own (`shard`); a reader that finds
many of them folds them into shard 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.tables.database import METADATA

URLS, COUNTS = METADATA.tables["urls"], METADATA.tables["url_counts"]

MOST_SHARDS = 1000
FOLD_LOCK = 0x666F6C64  # "fold": the key of the PostgreSQL advisory lock that folding takes

# the fate of a URL as the triggers see it; only the audit finds an article whose row is missing
FATE = sa.case(
    (URLS.c.outcome.in_(["article", "rejected"]), URLS.c.outcome),
    (sa.and_(URLS.c.outcome == "failed", URLS.c.due_at.is_not(None)), "failed"),
    (sa.and_(URLS.c.outcome == "failed", URLS.c.tries != 0), "given up"),
    (sa.and_(URLS.c.outcome.is_(None), URLS.c.due_at.is_not(None)), "waiting"),
    else_="lost",
)
REASON = sa.case((URLS.c.outcome.in_(["rejected", "failed"]), sa.func.coalesce(URLS.c.reason, "")), else_="")

Counts = Mapping[tuple[str, str], int]


def read_counts(connection: sa.Connection) -> Counts:
    """Return how many URLs have each (fate, reason), without zeros."""
    rows = connection.execute(sa.select(COUNTS.c.fate, COUNTS.c.reason, COUNTS.c.urls))
    return sum_counts(((fate, reason), urls) for fate, reason, urls in rows)


def sum_counts(counts: Iterable[tuple[tuple[str, str], int]]) -> Counts:
    """Add up counts by key, leaving out sums of zero."""
    total: dict[tuple[str, str], int] = {}
    for key, urls in counts:
        total[key] = total.get(key, 0) + urls
    return {key: urls for key, urls in total.items() if urls}


def fold_counts(engine: sa.Engine) -> None:
    """Fold the counts of all shards into shard 0, unless another process is doing so. Does not wait for writers."""
    with engine.begin() as connection:
        if not connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(FOLD_LOCK))).scalar():
            return
        idle = sa.select(COUNTS.c.fate, COUNTS.c.reason, COUNTS.c.shard).with_for_update(skip_locked=True).cte("idle")
        key = sa.tuple_(COUNTS.c.fate, COUNTS.c.reason, COUNTS.c.shard)
        folded = connection.execute(
            sa.delete(COUNTS).where(key.in_(sa.select(idle))).returning(COUNTS.c.fate, COUNTS.c.reason, COUNTS.c.urls)
        ).all()
        totals = sum_counts(((fate, reason), urls) for fate, reason, urls in folded)
        _add(connection, totals)


def has_many_shards(connection: sa.Connection) -> bool:
    """Tell whether there are enough rows to fold."""
    return connection.execute(sa.select(sa.func.count()).select_from(COUNTS)).scalar_one() > MOST_SHARDS


def recount(engine: sa.Engine) -> None:
    """Lock out writers, count all URLs again, and replace the counts."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(FOLD_LOCK)))
            connection.execute(sa.text("LOCK TABLE urls IN SHARE ROW EXCLUSIVE MODE"))
        connection.execute(sa.delete(COUNTS))
        fate, why = FATE.label("fate"), REASON.label("why")
        rows = connection.execute(sa.select(fate, why, sa.func.count()).group_by(fate, why))
        _add(connection, {(row[0], row[1]): row[2] for row in rows})


def _add(connection: sa.Connection, totals: Counts) -> None:
    rows = [{"fate": fate, "reason": reason, "shard": 0, "urls": urls} for (fate, reason), urls in totals.items()]
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(COUNTS)
    # shard 0 still exists if another transaction had locked it while the others were folded
    total = {"urls": COUNTS.c.urls + insert.excluded.urls}
    connection.execute(insert.on_conflict_do_update(index_elements=list(COUNTS.primary_key.columns), set_=total), rows)

"""Write a ledger of very many URLs in a few statements."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

SERIES = {
    "sqlite": "WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < :count)",
    "postgresql": "WITH series(n) AS (SELECT generate_series(0, :count - 1))",
}
# per hundred: 50 articles, 10 rejected, 10 failed and due again, 10 given up, 20 waiting; ascending keys, for speed
URLS = """
    INSERT INTO urls (canonical_url, url, article_id, host, feed_url, outcome, reason, tries, claims, due_at, landed_in)
    {series}
    SELECT 'u' || (10000000 + n), 'u', 'a' || (10000000 + n), 'h' || (n / 500), 'feed 0',
        CASE WHEN n % 100 < 50 THEN 'article' WHEN n % 100 < 60 THEN 'rejected' WHEN n % 100 < 80 THEN 'failed' END,
        CASE WHEN n % 100 >= 50 AND n % 100 < 80 THEN 'reason ' || (n % 7) END,
        1, 0,
        CASE WHEN n % 100 BETWEEN 60 AND 69 THEN {later} WHEN n % 100 >= 80 THEN {now} END,
        CASE WHEN n % 100 < 49 THEN 'bigquery:a.b' END
    FROM series"""
HOSTS = "INSERT INTO hosts (host) {series} SELECT 'h' || n FROM series"
FEEDS = """
    INSERT INTO feeds (url, fetch_url, host, title, language, etag, last_modified, body_hash, conditional_get, enabled,
        interval_s, polls, successes, failures, moved_to, moved_times, gone_times, last_error, from_index)
    {series} SELECT 'feed ' || n, 'feed ' || n, 'h' || n, '', '', '', '', '', true, true,
        1, 1, 1, n % 10, '', 0, 0, '', '' FROM series"""
ARTICLES = """
    INSERT INTO articles (article_id, url, canonical_url, host, feed_url, title, fetched_at, processed_at, body,
        word_count, is_paywalled, page_kind, content_hash, revision, pipeline_version)
    SELECT article_id, url, canonical_url, host, feed_url, 'Storm', {now}, {now}, 'Wind.',
        1, false, 'article', '', 1, ''
    FROM urls WHERE outcome = 'article' AND landed_in IS NULL"""


def fill_ledger(engine: sa.Engine, urls: int, feeds: int, now: datetime) -> None:
    """Write URLs with all fates, their hosts, feeds, and articles for one URL in a hundred."""
    dialect = engine.dialect.name
    words = {
        "series": SERIES[dialect],
        "now": _instant(dialect, now),
        "later": _instant(dialect, now + timedelta(hours=1)),
    }
    with engine.begin() as connection:
        for statement, count in ((FEEDS, feeds), (HOSTS, max(urls // 500, feeds)), (URLS, urls)):
            connection.execute(sa.text(statement.format(**words)), {"count": count})
        connection.execute(sa.text(ARTICLES.format(**words)))
    with engine.begin() as connection:
        # PostgreSQL does this by itself within a minute
        connection.execute(sa.text("ANALYZE"))


def _instant(dialect: str, at: datetime) -> str:
    text = f"{at:%Y-%m-%d %H:%M:%S.%f}"
    return f"'{text}'" if dialect == "sqlite" else f"timestamptz '{text}+00'"

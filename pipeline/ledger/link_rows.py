"""Convert a link to columns of `urls`, and a row of `urls` to a link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipeline.tables.keys import LONGEST_FEED, LONGEST_ID, bounded_host, bounded_key, cut_text, storable
from transforms.records import ArticleLink

LONGEST_HINT = 1000
MOST_AUTHORS = 20


def link_columns(link: ArticleLink) -> dict[str, Any]:
    """Return the columns that identify a link, in a form that every database can store."""
    return {
        "canonical_url": bounded_key(link.canonical_url),
        "url": storable(link.url),
        "article_id": cut_text(storable(link.article_id), LONGEST_ID),
        "host": bounded_host(link.host),
        "feed_url": cut_text(storable(link.feed_url), LONGEST_FEED),
        "discovered_at": link.discovered_at,
    }


def hints_of(link: ArticleLink) -> dict[str, Any]:
    """Return what the feed said about the article, as the JSON column `hints`."""
    return {
        "title": storable(link.title)[:LONGEST_HINT],
        "published_at": link.published_at.isoformat() if link.published_at else None,
        "authors": [storable(author)[:LONGEST_HINT] for author in link.authors[:MOST_AUTHORS]],
        "language": storable(link.language)[:LONGEST_HINT],
    }


def link_of_row(row: Mapping[Any, Any]) -> ArticleLink:
    """Return the link of a row of `urls`."""
    hints = row["hints"] or {}
    published = hints.get("published_at")
    return ArticleLink(
        url=row["url"],
        canonical_url=row["canonical_url"],
        article_id=row["article_id"],
        host=row["host"],
        feed_url=row["feed_url"],
        discovered_at=row["discovered_at"],
        tries=row["tries"],
        title=hints.get("title", ""),
        published_at=datetime.fromisoformat(published) if published else None,
        authors=tuple(hints.get("authors", ())),
        language=hints.get("language", ""),
    )

"""Outcome -> rows of the output tables (pipeline.tables.schema); the one place where records turn into rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline import __version__
from pipeline.tables.keys import storable
from transforms.errors import MessageInvalid
from transforms.fates import LONGEST_PAYLOAD
from transforms.records import Article, ArticleLink, BadMessage, Failure, Outcome, Rejection
from transforms.urls import article_id, host_of, url_key

Row = Mapping[str, Any]
LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Landing:
    """The rows that one outcome lands, by table; what a sink writes in one transaction.

    `replaces` is the article whose rows in the child tables (entities, mentions ...) give way to these.
    """

    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    replaces: str = ""


def landing_of(outcome: Outcome | BadMessage, now: datetime) -> Landing:
    """Return the rows of an outcome that lands at `now`. Numbers of revisions are the sink's to give."""
    match outcome:
        case Article():
            return _article_landing(outcome, now)
        case Rejection():
            return Landing({"urls": [_url_row(outcome.link, "rejected", outcome, now, outcome.link.tries + 1)]})
        case Failure():
            url = _url_row(outcome.link, "failed", outcome, now, outcome.tries) | {"due_at": outcome.due_at}
            tables: dict[str, Sequence[Row]] = {"urls": [url]}
            if outcome.tries > outcome.link.tries:
                tables["dead_letters"] = [_dead_letter_row(outcome)]
            return Landing(tables)
        case BadMessage():
            return Landing({"dead_letters": [_bad_message_row(outcome)]})


def content_hash(title: str, body: str) -> str:
    """Return the SHA-256 of title and body, white space folded: equal for copies, different after an edit."""
    return hashlib.sha256(
        "\n".join((" ".join(title.split()), " ".join(body.split()))).encode("utf-8", "replace")
    ).hexdigest()


def _article_landing(article: Article, now: datetime) -> Landing:
    link, body = article.link, article.body
    key = url_key(article.url)
    identity = article_id(key)
    dated = {"article_id": identity, "published_at": article.published_at}
    row = {
        "article_id": identity,
        "url": link.url,
        "canonical_url": key,
        "host": host_of(key),
        "feed_url": link.feed_url,
        "title": article.title,
        "description": article.description,
        "authors": list(article.authors),
        "section": article.section,
        "tags": list(article.tags),
        "published_at": article.published_at,
        "modified_at": article.modified_at,
        "discovered_at": link.discovered_at,
        "fetched_at": article.fetched_at or now,
        "processed_at": now,
        "language": article.language,
        "body": body,
        "word_count": len(body.split()),
        "is_paywalled": article.is_paywalled,
        "site_name": article.site_name,
        "lead_image": article.lead_image,
        "page_kind": article.page_kind.value,
        "content_hash": content_hash(article.title, body),
        "revision": 1,
        "entity_model": article.entity_model,
        "sources": dict(article.sources),
        "pipeline_version": __version__,
    }
    revision = {
        name: row[name]
        for name in (
            "article_id",
            "revision",
            "content_hash",
            "title",
            "body",
            "published_at",
            "modified_at",
            "fetched_at",
        )
    }
    tables: dict[str, Sequence[Row]] = {
        "articles": [row],
        "revisions": [revision],
        "entities": [
            dated
            | {
                "entity_no": number,
                "name": entity.name[:LONGEST_NAME],
                "label": entity.label,
                "mentions": entity.mentions,
                "salience": entity.salience,
            }
            for number, entity in enumerate(article.entities)
        ],
        "mentions": [
            dated
            | {
                "mention_no": number,
                "entity_no": mention.entity,
                "start_offset": mention.start,
                "end_offset": mention.end,
                "text": mention.text,
                "label": mention.label,
            }
            for number, mention in enumerate(article.mentions)
        ],
        "images": [
            dated | {"image_no": number, "url": image.url, "caption": image.caption, "credit": image.credit}
            for number, image in enumerate(article.images)
        ],
        "removed_blocks": [
            dated
            | {
                "block_no": number,
                "position": block.position,
                "text": block.text,
                "reason": block.reason,
                "rule": block.rule,
            }
            for number, block in enumerate(article.removed)
        ],
        "urls": [_url_row(link, "article", None, now, link.tries + 1) | {"article_id": identity}],
    }
    return Landing(_storable(tables), replaces=identity)


def _url_row(
    link: ArticleLink, outcome: str, ending: Rejection | Failure | None, now: datetime, tries: int
) -> dict[str, Any]:
    return {
        "canonical_url": link.canonical_url,
        "url": link.url,
        "article_id": link.article_id,
        "host": link.host,
        "feed_url": link.feed_url,
        "outcome": outcome,
        "reason": ending.reason if ending else None,
        "stage": ending.stage if ending else None,
        "message": storable(ending.message) if ending else None,
        "tries": tries,
        "discovered_at": link.discovered_at,
        "settled_at": now,
        "due_at": None,
        "leased_until": None,
        "lease_owner": None,
        "claims": 0,
        "landed_in": None,
    }


def _dead_letter_row(failure: Failure) -> Row:
    return {
        "canonical_url": failure.link.canonical_url,
        "tries": failure.tries,
        "url": failure.link.url,
        "stage": failure.stage,
        "reason": failure.reason,
        "error_class": failure.error_class,
        "message": storable(failure.message),
        "traceback": storable(failure.traceback),
        "payload": storable(failure.payload),
        "failed_at": failure.at,
        "due_at": failure.due_at,
    }


def _bad_message_row(bad: BadMessage) -> Row:
    return {
        "canonical_url": bad.key,
        "tries": 1,
        "url": "",
        "stage": "read",
        "reason": MessageInvalid.reason,
        "error_class": MessageInvalid.__name__,
        "message": storable(bad.error),
        "traceback": "",
        "payload": storable(bad.data.decode("utf-8", "backslashreplace"))[:LONGEST_PAYLOAD],
        "failed_at": bad.at,
        "due_at": None,
    }


def _storable(tables: Mapping[str, Sequence[Row]]) -> dict[str, Sequence[Row]]:
    return {name: [{k: _clean_value(v) for k, v in row.items()} for row in rows] for name, rows in tables.items()}


def _clean_value(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_clean_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean_value(item) for key, item in value.items()}
    return value

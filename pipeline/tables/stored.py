"""Make articles again from their rows, for stages that run on stored bodies, and the rows that such stages fill.

    articles, images, entities, mentions -> Article -> stages -> Rewrite: columns of `articles`, tables of the stages

What is not stored cannot be made again: the blocks of the body are all paragraphs, without scores. The removed blocks,
which no stage reads, are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipeline.tables.articles import ARTICLES, IMAGES
from pipeline.tables.bounds import bounded_article
from pipeline.tables.declare import Table
from pipeline.tables.enrichments import ENTITIES, MENTIONS, Enrichment
from pipeline.tables.fit import Row
from pipeline.tables.landed import Landed
from pipeline.tables.metadata import METADATA
from pipeline.tables.rows import rows_of
from transforms.records import Article, ArticleLink, Block, BlockKind, Entity, Image, Mention, PageKind

_ARTICLES = METADATA.tables[ARTICLES.name]
# a newer version may have stored others
_PAGE_KINDS = {kind.value: kind for kind in PageKind}
SOURCES = "sources"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which articles: those in a language, fetched since a time; "" and None leave none out."""

    language: str = ""
    since: datetime | None = None

    @property
    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The conditions for rows of `articles`."""
        found = []
        if self.language:
            # rows of older versions may have a region
            language = _ARTICLES.c.language
            found.append(sa.or_(language == self.language, language.startswith(f"{self.language}-", autoescape=True)))
        if self.since is not None:
            found.append(_ARTICLES.c.fetched_at >= self.since)
        return found


@dataclass(frozen=True, slots=True)
class Stored:
    """An article made from its rows; `processed_at` tells this version of it from a later one."""

    article_id: str
    processed_at: datetime
    article: Article


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What stages made of a stored article: values of columns of `articles`, and all rows of some tables of parts."""

    of: Stored
    values: Row
    parts: Mapping[str, Sequence[Row]]


def read_stored(connection: sa.Connection, selection: Selection, after: str, most: int) -> list[Stored]:
    """Return the next articles in the order of their ids, after this one; "" is before the first."""
    query = sa.select(_ARTICLES).where(_ARTICLES.c.article_id > after, *selection.conditions)
    rows = connection.execute(query.order_by(_ARTICLES.c.article_id).limit(most)).mappings().all()
    ids = [row["article_id"] for row in rows]
    parts = {table.name: _read_parts(connection, table, ids) for table in (IMAGES, ENTITIES, MENTIONS)}
    return [_stored(dict(row), {name: of[row["article_id"]] for name, of in parts.items()}) for row in rows]


def rewrite(stored: Stored, article: Article, stages: Sequence[Enrichment], now: datetime) -> Rewrite:
    """Return what is written of an article that these stages made; raises RowInvalid for what cannot be stored."""
    landed = Landed(bounded_article(article), now)
    (row,) = rows_of(ARTICLES, landed)
    names = {name for stage in stages for name in stage.columns}
    values = {name: value for name, value in row.items() if name in names or name == SOURCES}
    # the id is the stored one: what is stored of a very long address does not give it again
    parts = {
        table.name: [{**part, "article_id": stored.article_id} for part in rows_of(table, landed)]
        for stage in stages
        for table in stage.tables
    }
    return Rewrite(stored, values, parts)


def _read_parts(connection: sa.Connection, declared: Table[Any], ids: Sequence[str]) -> Mapping[str, list[Row]]:
    table = METADATA.tables[declared.name]
    query = sa.select(table).where(table.c.article_id.in_(ids))
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in connection.execute(query.order_by(*table.primary_key.columns)).mappings():
        found[row["article_id"]].append(dict(row))
    return found


def _stored(row: Row, parts: Mapping[str, Sequence[Row]]) -> Stored:
    link = ArticleLink(
        url=row["url"],
        canonical_url=row["link_key"] or row["canonical_url"],
        article_id=row["article_id"],
        host=row["host"],
        feed_url=row["feed_url"] or "",
        discovered_at=row["discovered_at"],
    )
    sources = dict(row[SOURCES] or {})
    language, tag = row["language"] or "", row["language_tag"]
    if tag is None:
        # an older version took the page's word, and nothing but that, for the language
        tag = language
        if tag and "language" in sources:
            sources["language_tag"] = sources["language"]
    article = Article(
        link=link,
        url=row["canonical_url"],
        title=row["title"] or "",
        description=row["description"] or "",
        authors=tuple(row["authors"] or ()),
        section=row["section"] or "",
        tags=tuple(row["tags"] or ()),
        published_at=row["published_at"],
        modified_at=row["modified_at"],
        language=language,
        site_name=row["site_name"] or "",
        canonical_url=row["canonical_url"],
        lead_image=row["lead_image"] or "",
        page_kind=_PAGE_KINDS.get(row["page_kind"], PageKind.ARTICLE),
        is_paywalled=row["is_paywalled"],
        blocks=tuple(Block(BlockKind.PARAGRAPH, text, "stored") for text in row["body"].split("\n\n")),
        images=tuple(Image(part["url"], part["caption"] or "", part["credit"] or "") for part in parts[IMAGES.name]),
        sources=sources,
        fetched_at=row["fetched_at"],
        entities=tuple(
            Entity(part["name"], part["label"], part["mentions"], part["salience"]) for part in parts[ENTITIES.name]
        ),
        mentions=tuple(
            Mention(part["entity_no"], part["start_offset"], part["end_offset"], part["text"], part["label"])
            for part in parts[MENTIONS.name]
        ),
        entity_model=row["entity_model"] or "",
        language_tag=tag,
    )
    return Stored(row["article_id"], row["processed_at"], article)

"""A fetched page -> an article: metadata, images with captions, typed blocks."""

from __future__ import annotations

from typing import Any

import trafilatura

from transforms.errors import NoText
from transforms.metadata import read_metadata
from transforms.page import parse_page
from transforms.records import Article, Block, BlockKind, FetchedPage, Image


def extract(page: FetchedPage) -> Article:
    """Turn a fetched page into an article with typed blocks.

    Raises ContentTypeRejected, NoText or NotAnArticle.
    """
    parsed = parse_page(page.body, page.content_type, page.url)
    meta = read_metadata(parsed.tree, page.url)
    blocks = _read_blocks(parsed.text, meta.title)
    if not any(block.kind is BlockKind.PARAGRAPH for block in blocks):
        raise NoText("no paragraph in the page")
    return Article(
        link=page.link,
        url=page.url,
        title=meta.title or page.link.title,
        description=meta.description,
        authors=meta.authors,
        section=meta.section,
        tags=meta.tags,
        published_at=meta.published_at or page.link.published_at,
        modified_at=meta.modified_at,
        language=meta.language,
        site_name=meta.site_name,
        canonical_url=meta.canonical_url,
        lead_image=meta.lead_image,
        page_kind=meta.page_kind,
        is_paywalled=meta.is_paywalled,
        blocks=tuple(blocks),
        images=(Image(meta.lead_image),) if meta.lead_image else (),
        sources=meta.sources,
        fetched_at=page.fetched_at,
    )


def _read_blocks(text: str, title: str) -> list[Block]:
    document = trafilatura.bare_extraction(text.encode(), with_metadata=False, include_comments=False)
    if document is None or document.body is None:
        return []
    blocks = []
    for element in document.body.iter("p", "head", "item", "quote"):
        line = " ".join("".join(element.itertext()).split())
        kind = {"p": BlockKind.PARAGRAPH, "head": BlockKind.HEADING, "item": BlockKind.LIST_ITEM}.get(
            element.tag, BlockKind.QUOTE
        )
        if line and line == title:
            kind = BlockKind.HEADLINE
        if line:
            blocks.append(Block(kind, line))
    return blocks


def article_json(article: Article, id: str | None = None) -> dict[str, Any]:
    """Return an article as the plain dict that `newsbeam extract` prints."""
    out: dict[str, Any] = {} if id is None else {"id": id}
    return out | {
        "url": article.url,
        "title": article.title,
        "authors": list(article.authors),
        "published": article.published_at.isoformat() if article.published_at else None,
        "modified": article.modified_at.isoformat() if article.modified_at else None,
        "language": article.language,
        "body": article.paragraphs,
        "images": [{"url": i.url, "caption": i.caption, "credit": i.credit} for i in article.images],
        "removed": [{"text": r.text, "reason": r.reason, "rule": r.rule} for r in article.removed],
    }

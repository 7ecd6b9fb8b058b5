"""Extract an article from a fetched page: metadata, images with captions, typed blocks.

    bytes -> Page (decoded and parsed once) -> Metadata
                                            -> Walk (raw blocks) -> features -> scores -> typed blocks, images

transforms.page.boilerplate then decides which kinds of block are body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.errors import NoText
from transforms.page.describe import describe_article
from transforms.page.judge.classifier import Model, score_blocks
from transforms.page.judge.confidence import Doubts, confidence_of, measure_doubts
from transforms.page.judge.features import Matrix, PageFacts, measure_blocks
from transforms.page.judge.layout import Layout, find_layout, find_plain_text
from transforms.page.judge.opinions import FEW_WORDS, MUCH_MORE, OURS, is_like, second_opinion
from transforms.page.judge.page_kind import Shape, judge_kind, measure_shape
from transforms.page.judge.pictures import collect_images
from transforms.page.judge.rejection import reject_page
from transforms.page.judge.rules import TypedRegion, cut_region
from transforms.page.judge.walk import Walk, walk_page
from transforms.page.judge.wording import overrule_by_words
from transforms.page.kinds import REGION_KINDS, TEXT_KINDS
from transforms.page.read.metadata import Metadata, read_metadata
from transforms.page.read.parse import Page, parse_page
from transforms.page.text import count_words, normalize_text
from transforms.records import Article, Block, BlockKind, FetchedPage, Image
from transforms.words import count_words as count_text_words
from transforms.words import reading_minutes

LINKED, BROAD = "json-ld", "blocks, broad model"
_LEAST_LINKED_WORDS = 60
# below this confidence in the strict model's article, the broad model is asked
_UNSURE = 0.6
# and its article is taken only if the confidence in it is at least this share of the confidence in the strict one's;
# both figures were chosen on 823 pages whose publishers the models had not seen (docs/extraction.md)
_AS_SURE = 0.5
Scorer = Callable[[Walk, Layout, Matrix, Model], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model makes of a page; `doubts` are those about `blocks`."""

    model: Model
    blocks: list[Block]
    images: list[Image]
    shape: Shape
    doubts: Doubts


def extract(page: FetchedPage, score: Scorer = score_blocks) -> Article:
    """Turn a fetched page into an article with typed blocks; `score` judges the blocks.

    Raises ContentTypeRejected for a body that is not markup, NoText for a page without a paragraph, and NotAnArticle
    for a section front, a search result, a consent wall or a soft 404.
    """
    parsed = parse_page(page.body, page.content_type, page.url)
    meta = read_metadata(parsed.tree, page.url, page.fetched_at)
    reading = read_blocks(parsed, meta, score)
    linked = read_linked_body(meta, reading.doubts.words)
    reject_page(page.url, meta, linked or reading.blocks, reading.shape.headlines)
    if linked:
        text, reader = linked, LINKED
    else:
        text, reader = second_opinion(parsed, reading.blocks, reading.doubts, meta.is_declared_live)
    if not any(block.kind in TEXT_KINDS for block in text):
        raise NoText(f"no paragraph in {page.url}")
    is_ours = reader == OURS
    article = describe_article(page, meta, text, judge_kind(meta, reading.shape, reading.blocks, text))
    return replace(
        article,
        images=tuple(reading.images),
        sources={**article.sources, "body": BROAD if is_ours and reading.model is Model.BROAD else reader},
        confidence=round(confidence_of(reading.doubts, is_ours), 3),
    )


def read_blocks(page: Page, meta: Metadata, score: Scorer = score_blocks) -> Reading:
    """Read a page with the strict model, or with the broad one if the strict one's article is doubtful.

    The broad one's is taken if it is another text, of which that model is not much less sure. It has not learned from
    live blogs, so it is not asked about them.
    """
    walk = walk_page(page.tree)
    facts = page_facts(meta)
    layout = find_layout(walk, facts.titles)
    features = measure_blocks(walk, facts, layout)

    def judge(model: Model) -> tuple[TypedRegion, list[Block], Doubts]:
        scores = score(walk, layout, features, model)
        live = meta.is_declared_live
        region = TypedRegion(walk, features, scores, live, layout.aside)
        if not any(layout.good) or not any(block.kind in TEXT_KINDS for block in region.blocks):
            # a page unlike those that the classifier was trained on
            scores[find_plain_text(walk, layout)] = 0.51
            region = TypedRegion(walk, features, scores, live, layout.aside)
        blocks = overrule_by_words(cut_region(region.blocks, REGION_KINDS), REGION_KINDS)
        return region, blocks, measure_doubts(blocks)

    model, (region, blocks, doubts) = Model.STRICT, judge(Model.STRICT)
    confidence = confidence_of(doubts)
    if confidence < _UNSURE and not meta.is_declared_live:
        broad = judge(Model.BROAD)
        if confidence_of(broad[2]) >= _AS_SURE * confidence and not is_like(blocks, broad[1]):
            model, (region, blocks, doubts) = Model.BROAD, broad
    images = collect_images(walk, region.blocks, region.first, page.url, meta.lead_image)
    shape = measure_shape(walk, facts.titles, region.blocks, region.first)
    return Reading(model, blocks, images, shape, doubts)


def read_linked_body(meta: Metadata, found: int) -> list[Block]:
    """Return the lines of the linked data's articleBody if it has far more than the `found` words of the elements.

    The text of the elements is better where there is any: articleBody often includes captions, or only the first
    paragraph. Returns nothing for a page behind a paywall, whose articleBody is meant for search engines only.
    """
    if meta.is_paywalled or found >= FEW_WORDS:
        return []
    if count_words(meta.article_body) < max(_LEAST_LINKED_WORDS, MUCH_MORE * found):
        return []
    lines = filter(None, map(normalize_text, meta.article_body.splitlines()))
    return [Block(BlockKind.PARAGRAPH, line) for line in lines]


def page_facts(meta: Metadata) -> PageFacts:
    """Return the metadata that helps to judge blocks."""
    return PageFacts(meta.titles, meta.description, meta.authors, meta.article_body)


def article_json(article: Article, id: str | None = None) -> dict[str, Any]:
    """Return an article as the plain dict that `newsbeam extract` prints."""
    out: dict[str, Any] = {} if id is None else {"id": id}
    return out | {
        "url": article.url,
        "title": article.title,
        "authors": list(article.authors),
        "agency": article.agency,
        "published": article.published_at.isoformat() if article.published_at else None,
        "published_precision": article.published_precision or None,
        "modified": article.modified_at.isoformat() if article.modified_at else None,
        "language": article.language,
        "language_tag": article.language_tag,
        "description": article.description,
        "section": article.section,
        "tags": list(article.tags),
        "site_name": article.site_name,
        "canonical_url": article.canonical_url,
        "lead_image": article.lead_image,
        "page_kind": article.page_kind.value,
        "is_paywalled": article.is_paywalled,
        "is_opinion": article.is_opinion,
        "word_count": count_text_words(article.body),
        "reading_minutes": reading_minutes(article.body, article.language),
        "body": article.paragraphs,
        "images": [{"url": i.url, "caption": i.caption, "credit": i.credit} for i in article.images],
        "confidence": article.confidence,
        "removed": [{"text": r.text, "reason": r.reason, "rule": r.rule} for r in article.removed],
        "sources": dict(article.sources),
    }

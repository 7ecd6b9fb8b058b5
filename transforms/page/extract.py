"""Extract an article from a fetched page: metadata, images with captions, typed blocks.

    bytes -> Page (decoded and parsed once) -> Metadata
                                            -> Walk (raw blocks) -> features -> scores -> typed blocks, images

transforms.page.boilerplate then decides which kinds of block are body.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from transforms.errors import NoText
from transforms.language import read_language, read_tag
from transforms.page.judge.classifier import score_blocks
from transforms.page.judge.confidence import confidence_of, measure_doubts
from transforms.page.judge.consistency import NAMES_ALONE
from transforms.page.judge.features import PageFacts, measure_blocks
from transforms.page.judge.layout import find_layout, find_plain_text
from transforms.page.judge.opinions import FEW_WORDS, MUCH_MORE, OURS, second_opinion
from transforms.page.judge.rejection import reject_page
from transforms.page.judge.rules import TypedRegion, collect_images, cut_region
from transforms.page.judge.walk import walk_page
from transforms.page.judge.wording import overrule_by_words
from transforms.page.kinds import REGION_KINDS, TEXT_KINDS
from transforms.page.read.bylines import clean_authors, find_byline, split_byline
from transforms.page.read.dates import parse_date
from transforms.page.read.metadata import Metadata, read_metadata
from transforms.page.read.parse import Page, parse_page
from transforms.page.text import count_words, normalize_text
from transforms.records import Article, Block, BlockKind, FetchedPage, Image, PageKind

LINKED = "json-ld"
_LEAST_LINKED_WORDS = 60


def extract(page: FetchedPage) -> Article:
    """Turn a fetched page into an article with typed blocks.

    Raises ContentTypeRejected for a body that is not markup, NoText for a page without a paragraph, and NotAnArticle
    for a section front, a search result, a consent wall or a soft 404.
    """
    parsed = parse_page(page.body, page.content_type, page.url)
    meta = read_metadata(parsed.tree, page.url)
    blocks, images, headlines = read_blocks(parsed, meta)
    doubts = measure_doubts(blocks)
    linked = read_linked_body(meta, count_text(blocks))
    reject_page(page.url, meta, linked or blocks, headlines)
    blocks, reader = (linked, LINKED) if linked else second_opinion(parsed, blocks, is_live(meta))
    if not any(block.kind in TEXT_KINDS for block in blocks):
        raise NoText(f"no paragraph in {page.url}")
    link = page.link
    sources = {**meta.sources, "body": reader}
    authors = meta.authors
    if not authors or meta.has_house_byline:
        signed = read_bylines(blocks, meta)
        if signed:
            authors, sources["authors"] = signed, "byline"
    published = meta.published_at
    if published is None or sources.get("published_at") == "time":
        printed = read_dateline(blocks)
        if printed and (published is None or published.date() != printed.date()):
            published, sources["published_at"] = printed, "dateline"
    for name, ours, hint in (
        ("title", meta.title, link.title),
        ("authors", authors, link.authors),
        ("published_at", published, link.published_at),
        ("language", meta.language, read_tag(link.language)),
    ):
        if not ours and hint:
            sources[name] = "feed"
    language_tag = meta.language or read_tag(link.language)
    if language_tag:
        sources["language_tag"] = sources["language"]
    standfirst = next((b.text for b in blocks if b.kind is BlockKind.STANDFIRST), "")
    if standfirst:
        sources["description"] = "standfirst"
    return Article(
        link=link,
        url=page.url,
        title=meta.title or link.title,
        description=standfirst or meta.description,
        authors=authors or link.authors,
        section=meta.section,
        tags=meta.tags,
        published_at=published or link.published_at,
        modified_at=meta.modified_at,
        language=read_language(language_tag),
        language_tag=language_tag,
        site_name=meta.site_name,
        canonical_url=meta.canonical_url,
        lead_image=meta.lead_image,
        page_kind=meta.page_kind,
        is_paywalled=meta.is_paywalled,
        blocks=tuple(blocks),
        images=tuple(images),
        sources=sources,
        fetched_at=page.fetched_at,
        confidence=round(confidence_of(doubts, reader == OURS), 3),
    )


def read_blocks(page: Page, meta: Metadata) -> tuple[list[Block], list[Image], int]:
    """Return the typed blocks of a page's article region, its images and the number of its linked headlines."""
    walk = walk_page(page.tree)
    facts = page_facts(meta)
    layout = find_layout(walk, facts.titles)
    features = measure_blocks(walk, facts, layout)
    scores = score_blocks(walk, layout, features)
    live = is_live(meta)
    region = TypedRegion(walk, features, scores, live, layout.aside)
    if not any(layout.good) or not any(block.kind in TEXT_KINDS for block in region.blocks):
        # a page unlike those that the classifier was trained on
        scores[find_plain_text(walk, layout)] = 0.51
        region = TypedRegion(walk, features, scores, live, layout.aside)
    images = collect_images(walk, region, page.url, meta.lead_image)
    headlines = sum(b.linked > 0.9 * len(b.text) and len(b.text) > 30 for b in walk.blocks)
    return overrule_by_words(cut_region(region.blocks, REGION_KINDS), REGION_KINDS), images, headlines


def is_live(meta: Metadata) -> bool:
    """Say whether a page is a live blog."""
    return meta.page_kind is PageKind.LIVE_BLOG


def count_text(blocks: list[Block]) -> int:
    """Count the words of the blocks whose kinds are text."""
    return sum(count_words(block.text) for block in blocks if block.kind in TEXT_KINDS)


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


def read_bylines(blocks: list[Block], meta: Metadata) -> tuple[str, ...]:
    """Return the people named in the byline blocks of the page."""
    names: list[str] = []
    for block in blocks:
        if block.kind is BlockKind.BYLINE:
            names += split_byline(block.text) if block.rule == NAMES_ALONE else find_byline(block.text)
    return clean_authors(names, (meta.site_name,))


def read_dateline(blocks: list[Block]) -> datetime | None:
    """Return the date printed between the headline and the body."""
    for block in blocks:
        if block.kind in TEXT_KINDS:
            return None
        if len(block.text) < 100:
            value = parse_date(block.text)
            if value:
                return value
    return None


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
        "published": article.published_at.isoformat() if article.published_at else None,
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
        "body": article.paragraphs,
        "images": [{"url": i.url, "caption": i.caption, "credit": i.credit} for i in article.images],
        "confidence": article.confidence,
        "removed": [{"text": r.text, "reason": r.reason, "rule": r.rule} for r in article.removed],
        "sources": dict(article.sources),
    }

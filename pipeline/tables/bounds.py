"""Cut an article to what one row and its parts may hold, and say in the article what was cut.

    body       the rest goes to the removed blocks, as one block with the reason `too long`
    metadata   `sources` says ", cut" after where the field was taken from
    parts      `sources` says how many are stored of how many: {"mentions": "10000 of 235532"}

The bounds are those of the declared tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.tables.articles import ARTICLES, IMAGES, REMOVED_BLOCKS
from pipeline.tables.enrichments import ENTITIES, MENTIONS
from pipeline.tables.fit import fit_value
from pipeline.tables.keys import LONGEST_BODY, LONGEST_URL, cut_text, size_of, storable
from pipeline.tables.landed import TOO_LONG
from transforms.records import Article, Block, RemovedBlock

# between two blocks of a body: Article.body
GAP = len("\n\n")
METADATA = ("title", "description", "authors", "agency", "section", "tags", "site_name")


def bounded_article(article: Article) -> Article:
    """Return the article as its tables can hold it; a second call changes nothing."""
    metadata: dict[str, Any] = {
        name: fit_value(ARTICLES, ARTICLES.by_name[name], getattr(article, name)) for name in METADATA
    }
    cut = {name for name, value in metadata.items() if _is_shorter(value, getattr(article, name))}
    blocks, rest = cut_body(article.blocks)
    removed = article.removed
    if rest:
        removed = (*removed[: REMOVED_BLOCKS.most - 1], _block_of_rest(len(blocks), rest))
    length = sum(len(block.text) for block in blocks) + GAP * max(0, len(blocks) - 1)
    mentions = article.mentions
    if rest or len(article.entities) > ENTITIES.most:
        mentions = tuple(m for m in mentions if m.end <= length and m.entity < ENTITIES.most)
    parts: dict[str, Any] = {
        "removed": removed[: REMOVED_BLOCKS.most],
        "images": tuple(image for image in article.images if size_of(image.url) <= LONGEST_URL)[: IMAGES.most],
        "entities": article.entities[: ENTITIES.most],
        "mentions": mentions[: MENTIONS.most],
    }
    given = {name: getattr(article, name) for name in parts}
    notes = {name: f"{len(kept)} of {len(given[name])}" for name, kept in parts.items() if len(kept) < len(given[name])}
    notes |= {name: f"{article.sources.get(name, '')}, cut".removeprefix(", ") for name in cut}
    if size_of(article.lead_image) > LONGEST_URL:
        notes["lead_image"] = "left out, too long"
    if not notes and not rest:
        return article
    fields = parts | {name: tuple(value) if isinstance(value, list) else value for name, value in metadata.items()}
    lead_image = "" if "lead_image" in notes else article.lead_image
    return replace(article, **fields, lead_image=lead_image, blocks=blocks, sources={**article.sources, **notes})


def cut_body(blocks: tuple[Block, ...], most: int = LONGEST_BODY) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """Return the first blocks whose body has at most `most` bytes, the last one cut, and the texts that are left."""
    if 4 * sum(len(block.text) + GAP for block in blocks) <= most:
        return blocks, ()
    size = -GAP
    for number, block in enumerate(blocks):
        room = most - size - GAP
        size += GAP + size_of(block.text)
        if size <= most:
            continue
        beginning = cut_text(storable(block.text), max(0, room))
        kept = (*blocks[:number], replace(block, text=beginning)) if beginning else blocks[:number]
        return kept, (block.text[len(beginning) :], *(later.text for later in blocks[number + 1 :]))
    return blocks, ()


def _block_of_rest(position: int, rest: Sequence[str]) -> RemovedBlock:
    size = sum(map(size_of, rest)) + GAP * (len(rest) - 1)
    rule = f"the body holds {LONGEST_BODY:,} bytes; {size:,} more in {len(rest):,} blocks"
    text = fit_value(REMOVED_BLOCKS, REMOVED_BLOCKS.by_name["text"], "\n\n".join(rest))
    return RemovedBlock(position, text, TOO_LONG, rule)


def _is_shorter(fitted: Any, given: Any) -> bool:
    if isinstance(given, str):
        return len(fitted) < len(given)
    return len(fitted) < len(given) or any(len(a) < len(b) for a, b in zip(fitted, given, strict=False))

"""Move blocks that are not body from an article's `blocks` to `removed`, each with its reason and its rule.

The reasons are the values of BlockKind. A BodyPolicy says which kinds are body. The default, and why:

- paragraphs, subheads, list items, quotes and the posts of a live blog are body;
- tables and embedded posts are not: they accompany the story, and most users of `body` want prose;
- the standfirst goes to `description`. In an article with subheads it also opens the body, since there it is the
  text of the first section; without subheads it would only repeat the first paragraph. Where it has a quarter of the
  words of the rest, or more, it is the first paragraph of a short item and stays in the body too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from transforms.page.judge.wording import judge_wording
from transforms.page.text import count_words
from transforms.records import Article, Block, BlockKind, RemovedBlock


class Standfirst(StrEnum):
    """When a standfirst is part of the body as well as the description."""

    NEVER = "never"
    SECTIONED = "sectioned"
    ALWAYS = "always"


@dataclass(frozen=True)
class BodyPolicy:
    """Which kinds of block make up the body."""

    kinds: frozenset[BlockKind] = frozenset(
        {BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.LIST_ITEM, BlockKind.QUOTE, BlockKind.LIVE_POST}
    )
    tables: bool = False
    embeds: bool = False
    standfirst: Standfirst = Standfirst.SECTIONED

    def keeps(self, kind: BlockKind, sectioned: bool) -> bool:
        """Say whether a block of this kind is body; `sectioned` says whether the article has subheads."""
        if kind is BlockKind.TABLE:
            return self.tables or kind in self.kinds
        if kind is BlockKind.EMBED:
            return self.embeds or kind in self.kinds
        if kind is BlockKind.STANDFIRST:
            return self.standfirst is Standfirst.ALWAYS or (self.standfirst is Standfirst.SECTIONED and sectioned)
        return kind in self.kinds


DEFAULT = BodyPolicy()
_SHORT_ITEM = 0.25


def strip_boilerplate(article: Article, policy: BodyPolicy = DEFAULT) -> Article:
    """Move the blocks that are not body to `removed`; a second call changes nothing.

    Blocks with a score have been judged within their page; all others are judged by their words alone.
    """
    unscored = [i for i, block in enumerate(article.blocks) if block.score is None]
    worded = judge_wording([article.blocks[i].text for i in unscored], article.title, article.authors)
    verdicts = {unscored[i]: verdict for i, verdict in worded.items()}
    sectioned = any(b.kind is BlockKind.HEADING and i not in verdicts for i, b in enumerate(article.blocks))
    sectioned = sectioned or _is_short(article.blocks, policy)
    kept: list[Block] = []
    removed: list[RemovedBlock] = []
    for position, block in enumerate(article.blocks):
        if not policy.keeps(block.kind, sectioned):
            removed.append(RemovedBlock(position, block.text, block.kind.value, _decided_by(block)))
        elif position in verdicts and not policy.keeps(verdicts[position][0], sectioned):
            kind, rule = verdicts[position]
            removed.append(RemovedBlock(position, block.text, kind.value, rule))
        else:
            kept.append(block)
    return replace(article, blocks=tuple(kept), removed=(*article.removed, *removed))


def _is_short(blocks: Sequence[Block], policy: BodyPolicy) -> bool:
    """Say whether the standfirst is so large a part of an article that it must be the first of its paragraphs."""
    words = rest = 0
    for block in blocks:
        if block.kind is BlockKind.STANDFIRST:
            words += count_words(block.text)
        elif policy.keeps(block.kind, sectioned=False):
            rest += count_words(block.text)
    return rest > 0 and words >= _SHORT_ITEM * rest


def _decided_by(block: Block) -> str:
    if block.rule:
        return block.rule
    return f"kind:{block.kind.value}" if block.score is None else f"score:{block.score:.2f}"

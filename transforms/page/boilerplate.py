"""Move what is not body from an article's blocks to `removed`, each with its reason and what decided.

The reasons are the words of BlockKind. What counts as body is a BodyPolicy. The default, and why:

- paragraphs, subheads, list items, quotes and the posts of a live blog are body;
- tables and embedded posts are not: they are data beside the story, and most readers of `body` want prose;
- the standfirst goes to `description`. In an article that is divided by subheads it also opens the body, where it is
  the first section's text and what follows is written on top of it; without subheads it would only repeat the lead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from transforms.page.judge.wording import judge_wording
from transforms.records import Article, Block, BlockKind, RemovedBlock


class Standfirst(StrEnum):
    """When a standfirst is part of the body, besides being the description."""

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
        """Say whether a block of this kind is body in an article with (`sectioned`) or without subheads."""
        if kind is BlockKind.TABLE:
            return self.tables or kind in self.kinds
        if kind is BlockKind.EMBED:
            return self.embeds or kind in self.kinds
        if kind is BlockKind.STANDFIRST:
            return self.standfirst is Standfirst.ALWAYS or (self.standfirst is Standfirst.SECTIONED and sectioned)
        return kind in self.kinds


DEFAULT = BodyPolicy()


def strip_boilerplate(article: Article, policy: BodyPolicy = DEFAULT) -> Article:
    """Move the blocks that are not body to `removed`; doing it twice changes nothing more.

    Blocks that carry a score were judged with their page before them; all others are judged by their words alone.
    """
    unscored = [i for i, block in enumerate(article.blocks) if block.score is None]
    worded = judge_wording([article.blocks[i].text for i in unscored], article.title, article.authors)
    verdicts = {unscored[i]: verdict for i, verdict in worded.items()}
    sectioned = any(b.kind is BlockKind.HEADING and i not in verdicts for i, b in enumerate(article.blocks))
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


def _decided_by(block: Block) -> str:
    if block.rule:
        return block.rule
    return f"kind:{block.kind.value}" if block.score is None else f"score:{block.score:.2f}"

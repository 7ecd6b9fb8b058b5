"""Move what is not body from an article's blocks to `removed`, each with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from transforms.records import Article, Block, BlockKind, RemovedBlock

_PROMO = re.compile(r"^(subscribe (now|today)|sign up|support our journalism)\b", re.IGNORECASE)


@dataclass(frozen=True)
class BodyPolicy:
    """Which kinds of block make up the body."""

    kinds: frozenset[BlockKind] = frozenset(
        {BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.LIST_ITEM, BlockKind.QUOTE}
    )


DEFAULT_POLICY = BodyPolicy()


def strip_boilerplate(article: Article, policy: BodyPolicy = DEFAULT_POLICY) -> Article:
    """Move the blocks that are not body to `removed`, each with its reason and the rule that decided."""
    kept: list[Block] = []
    removed: list[RemovedBlock] = []
    for position, block in enumerate(article.blocks):
        if block.kind not in policy.kinds:
            removed.append(RemovedBlock(position, block.text, block.kind.value, "kind"))
        elif _PROMO.match(block.text) and len(block.text) < 200:
            removed.append(RemovedBlock(position, block.text, BlockKind.PROMO.value, "phrase:promo"))
        else:
            kept.append(block)
    return replace(article, blocks=tuple(kept), removed=(*article.removed, *removed))

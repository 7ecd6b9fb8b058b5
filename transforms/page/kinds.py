"""Groups of block kinds."""

from __future__ import annotations

from transforms.records import BlockKind

# at least one block of these kinds makes a page an article
TEXT_KINDS = frozenset((BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.QUOTE, BlockKind.LIVE_POST))
# what lies between these belongs to the region of an article
REGION_KINDS = TEXT_KINDS | {BlockKind.HEADING, BlockKind.TABLE}

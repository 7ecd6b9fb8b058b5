"""Extract text with trafilatura from pages on which the block classifier finds hardly any.

trafilatura costs as much as our own extraction and is worse on most pages. So it runs only where hardly anything was
found, and its result is used only where it has much more text.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import islice

from lxml import etree

from transforms.page.read.parse import Page
from transforms.page.text import count_words, normalize_text
from transforms.records import Block, BlockKind

SUSPICIOUS_WORDS = 80
MUCH_MORE = 3
# trafilatura takes 0.2 s for a page of 4,687 elements and a second for one of 9,748. It helped with
# 21 of 1,746 pages, of which the largest has 4,687.
_MAX_ELEMENTS = 5_000
_MAX_CHARS = 1_000_000
# It reads the text of an element once for each element around it; the deepest of those pages has 56 levels.
_MAX_DEPTH = 120
_is_deep = etree.XPath(f"boolean(//*[count(ancestor::*) >= {_MAX_DEPTH}])")
_KINDS = {"head": BlockKind.HEADING, "item": BlockKind.LIST_ITEM, "quote": BlockKind.QUOTE, "p": BlockKind.PARAGRAPH}


def rescue_blocks(page: Page, words: int) -> list[Block]:
    """Return trafilatura's blocks if they have far more than the `words` words already found, else none.

    It is not asked about a page that is large or deep.

    Scripts and frames are removed first: linked data may contain a body that the page does not show, and no browser
    shows what is between the tags of an iframe.
    """
    if words >= SUSPICIOUS_WORDS:
        return []
    if next(islice(page.tree.iter(), _MAX_ELEMENTS, None), None) is not None or _is_deep(page.tree):
        return []
    # imported here, since the import takes a third of a second and most processes never need it
    import trafilatura

    tree = deepcopy(page.tree)
    etree.strip_elements(tree, "script", "iframe", with_tail=False)
    markup = etree.tostring(tree, encoding="unicode", method="html")
    if len(markup) > _MAX_CHARS:
        return []
    document = trafilatura.bare_extraction(markup, with_metadata=False, include_comments=False, include_tables=False)
    if document is None or document.body is None:
        return []
    blocks = []
    for element in document.body.iter(*_KINDS):
        if any(child.tag in _KINDS for child in element):
            continue
        line = normalize_text("".join(element.itertext()))
        if line:
            blocks.append(Block(_KINDS[element.tag], line))
    found = sum(count_words(block.text) for block in blocks)
    return blocks if found >= max(SUSPICIOUS_WORDS, MUCH_MORE * words) else []

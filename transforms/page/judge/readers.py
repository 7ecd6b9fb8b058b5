"""Two other readers of a page, independent of ours and of each other: trafilatura and readability.

Each costs as much as our own extraction or more and is worse on most pages, so they are asked only where ours is
doubtful (transforms.page.judge.opinions).
"""

from __future__ import annotations

from copy import deepcopy
from itertools import islice

from lxml import etree

from transforms.page.read.parse import Page
from transforms.page.text import normalize_text
from transforms.records import Block, BlockKind

# trafilatura takes 0.2 s for a page of 4,687 elements and a second for one of 9,748; of 1,746 pages, the largest with
# which it helped has 4,687
_MAX_ELEMENTS = 5_000
_MAX_CHARS = 1_000_000
# both read the text of an element once for each element around it; the deepest of those pages has 56 levels
_MAX_DEPTH = 120
_is_deep = etree.XPath(f"boolean(//*[count(ancestor::*) >= {_MAX_DEPTH}])")
# trafilatura's elements
_KINDS = {"head": BlockKind.HEADING, "item": BlockKind.LIST_ITEM, "quote": BlockKind.QUOTE, "p": BlockKind.PARAGRAPH}
_HTML_KINDS = {
    **dict.fromkeys(("p", "pre", "td", "th", "dd", "dt"), BlockKind.PARAGRAPH),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), BlockKind.HEADING),
    "li": BlockKind.LIST_ITEM,
    "blockquote": BlockKind.QUOTE,
}


def simple_markup(page: Page) -> str:
    """Return the page's markup for other readers; "" for a page that is too large or too deep for them.

    Scripts and frames are removed: linked data may contain a body that the page does not show, and no browser shows
    what is between the tags of an iframe.
    """
    if next(islice(page.tree.iter(), _MAX_ELEMENTS, None), None) is not None or _is_deep(page.tree):
        return ""
    tree = deepcopy(page.tree)
    etree.strip_elements(tree, "script", "style", "iframe", with_tail=False)
    markup = etree.tostring(tree, encoding="unicode", method="html")
    return markup if len(markup) <= _MAX_CHARS else ""


def read_with_trafilatura(markup: str) -> list[Block]:
    """Return trafilatura's blocks."""
    # imported here, since the import takes a third of a second and some processes never need it
    import trafilatura

    document = trafilatura.bare_extraction(markup, with_metadata=False, include_comments=False, include_tables=False)
    return [] if document is None or document.body is None else _leaves(document.body, _KINDS)


def read_with_readability(markup: str) -> list[Block]:
    """Return the blocks of what readability takes for the article; none where it finds nothing."""
    import lxml.html
    from readability import Document
    from readability.readability import Unparseable

    try:
        summary = Document(markup).summary(html_partial=True)
        return _leaves(lxml.html.fromstring(summary), _HTML_KINDS)
    except (Unparseable, etree.LxmlError, ValueError):
        return []


def _leaves(root: etree._Element, kinds: dict[str, BlockKind]) -> list[Block]:
    """Return the text of the innermost elements of these kinds, in order."""
    blocks = []
    for element in root.iter(*kinds):
        if next(element.iterdescendants(*kinds), None) is not None:
            continue
        line = normalize_text("".join(element.itertext()))
        if line:
            blocks.append(Block(kinds[element.tag], line))
    return blocks

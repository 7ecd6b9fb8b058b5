"""Ask other readers about a page of which ours is not sure, and let them overrule it where they agree.

trafilatura alone is a bad judge: switching wherever it differs loses more than it gains. But where it and readability,
which know nothing of each other, agree on a text that is not ours, they were right on nearly every page
(docs/extraction.md has the figures).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from transforms.page.judge.confidence import Doubts, measure_doubts
from transforms.page.judge.readers import read_with_readability, read_with_trafilatura, simple_markup
from transforms.page.kinds import TEXT_KINDS
from transforms.page.read.parse import Page
from transforms.page.text import UNSPACED
from transforms.records import Block

OURS, TRAFILATURA = "blocks", "trafilatura"
# fewer words of text than this are hardly an article
FEW_WORDS = 80
MUCH_MORE = 3
# asked above this doubt; chosen with the two bounds below, on pages whose publishers the classifier had not seen
DOUBTFUL = 0.07
# a text of theirs that is shorter is not worth losing the paragraphs, which both run together at line breaks
_SHORT = 100
_AGREE = 0.85
_DIFFER = 0.85
# two of our own readings with more in common differ by a line or two; the strict model is the better judge of those
_ALIKE = 0.95
_SHINGLE = 4
_WORD = re.compile(rf"{UNSPACED.pattern}|\w+")


def second_opinion(page: Page, blocks: list[Block], doubts: Doubts, live: bool = False) -> tuple[list[Block], str]:
    """Return the blocks to use, and the reader that they come from; `doubts` are those about our `blocks`.

    The others win where we found hardly any text, or little of which we are not sure, and trafilatura MUCH_MORE times
    as much; or where we are not sure and both agree with each other but not with us. Of a `live` blog both often return
    the introduction only: there they must have more than we.
    """
    words, is_sure = doubts.words, doubts.doubt <= DOUBTFUL
    if is_sure and words >= FEW_WORDS / 2:
        return blocks, OURS
    markup = simple_markup(page)
    if not markup:
        return blocks, OURS
    theirs = read_with_trafilatura(markup)
    found = measure_doubts(theirs).words
    if words < FEW_WORDS and found >= max(FEW_WORDS, MUCH_MORE * words):
        return theirs, TRAFILATURA
    if is_sure or found < _SHORT or (live and found < words):
        return blocks, OURS
    their_text, our_text = _shingles(theirs), _shingles(block for block in blocks if block.kind in TEXT_KINDS)
    if overlap(their_text, our_text) >= _DIFFER:
        return blocks, OURS
    third = _shingles(read_with_readability(markup))
    if overlap(their_text, third) > _AGREE and overlap(our_text, third) < _DIFFER:
        return theirs, TRAFILATURA
    return blocks, OURS


def overlap(one: Counter[tuple[str, ...]], other: Counter[tuple[str, ...]]) -> float:
    """Return which share of two texts is common to both: twice what they share over what they have, from 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def is_like(blocks: list[Block], others: list[Block]) -> bool:
    """Say whether two readings of a page have nearly the same text."""
    one, other = (_shingles(block for block in each if block.kind in TEXT_KINDS) for each in (blocks, others))
    return overlap(one, other) >= _ALIKE


def _shingles(blocks: Iterable[Block]) -> Counter[tuple[str, ...]]:
    """Return every _SHINGLE successive words of a text; of scripts without spaces, every _SHINGLE characters."""
    words = [word for block in blocks for word in _WORD.findall(block.text)]
    return Counter(zip(*(words[start:] for start in range(_SHINGLE)), strict=False))

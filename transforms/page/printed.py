"""Read what a page prints around its article, once its blocks are judged: byline, dateline and agency."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from transforms.page.judge.consistency import NAMES_ALONE
from transforms.page.kinds import REGION_KINDS, TEXT_KINDS
from transforms.page.read.agencies import find_agencies, find_dateline, find_ending, join_agencies
from transforms.page.read.authors import Authors, Houses, Rank
from transforms.page.read.bylines import find_byline, is_by_word, is_labelled, is_person, split_byline
from transforms.page.read.published import Dated, DateReader
from transforms.page.text import text_key
from transforms.records import Block, BlockKind

_LONGEST_LINE = 150
# the byline may follow a paragraph that sums up the article
_PARAGRAPHS_ABOVE = 2
# how many blocks after the body may sign it: with a word such as "by"; with "Author:"; with no more than a name
_SIGNED, _LABELLED, _NAMED = 3, 12, 2
_AFTER = 30
_NOT_BYLINES = frozenset(
    (BlockKind.CAPTION, BlockKind.RELATED, BlockKind.PROMO, BlockKind.AD, BlockKind.TAGS, BlockKind.HEADLINE)
)
_NOT_BYLINES_BELOW = _NOT_BYLINES | {BlockKind.COMMENT}
_CREDITS = frozenset((BlockKind.BYLINE, BlockKind.CREDIT, BlockKind.LEGAL, BlockKind.OTHER))
# a credit in a figure is that of the picture
_OF_PICTURES = "credit words in a caption"
# what says of a block that it is a name, though it has no word such as "by"
_NAMED_BY = frozenset(("byline by name", "same text as an author", "author named in a short block"))
_DATES = re.compile(r"[|•·,]\s*\d.*$")
_DATED = re.compile(r"^[^|•·,\d]{4,40}\s*[|•·,]\s*\d")


def choose_authors(given: Authors, page: Surroundings, houses: Houses) -> Authors:
    """Return the authors: those that the metadata names, or those that the page prints where it names no people.

    The printed byline also counts where it names the same people and more.
    """
    signed = read_byline(page, houses, given.rank)
    keys, others = set(map(text_key, given.names)), set(map(text_key, signed.names))
    if signed.rank >= given.rank > Rank.PEOPLE or not others:
        return given
    if given.rank > Rank.PEOPLE or keys < others:
        return signed
    # of the elements that are marked as the author's, the first may be that of another text
    if given.source == "byline" and not any(other.startswith(key) for key in keys for other in others):
        return signed
    return given


def read_byline(page: Surroundings, houses: Houses, given: Rank = Rank.NOBODY) -> Authors:
    """Return the authors whom the page prints: between headline and body, or else after the body.

    Names without a word such as "by" that nothing marks as an author's count only where the metadata names a house.
    """
    above = [(block, line) for block, line in _lines(page.above) if block.kind not in _NOT_BYLINES]
    early = [line for block, line in _lines(page.early) if block.kind not in _NOT_BYLINES]
    below = [(block, line) for block, line in _lines(page.below) if block.kind not in _NOT_BYLINES_BELOW]
    plain = [line for block, line in above if block.rule in _NAMED_BY]
    if any(map(find_agencies, plain)):
        plain = []  # after an agency comes a place
    edge = [*page.above, *page.early] if given is Rank.HOUSE else []
    alone = [block.text for block in edge if block.rule == NAMES_ALONE]
    places = (
        (find_byline, [line for _, line in above]),
        (_names_alone, plain),
        (find_byline, early),
        (find_byline, [line for _, line in below[:_SIGNED]]),
        (find_byline, [line for _, line in below[:_LABELLED] if is_labelled(line)]),
        (_names_alone, [line for block, line in below[:_NAMED] if block.rule == "byline by name"]),
        (_names_alone, alone + [line for _, line in above if _DATED.match(line)]),
    )
    house = Authors()
    for read, lines in places:
        found = houses.clean_printed(name for line in lines for name in read(line))
        rank = houses.rank(found)
        if rank is Rank.PEOPLE:
            return Authors(found, "byline", rank)
        if rank is Rank.HOUSE and not house.names:
            house = Authors(found, "byline", rank)
    return house


def _names_alone(line: str) -> list[str]:
    """Return the people in a line that is nothing but their names and a date."""
    names = split_byline(line)
    rest = text_key(_DATES.sub("", line))
    return names if all(map(is_person, names)) and len(rest) <= sum(len(text_key(name)) for name in names) + 6 else []


def read_bylines(page: Surroundings) -> list[str]:
    """Return the lines between headline and body that may be a byline."""
    return [line for block, line in _lines(page.above) if block.kind not in _NOT_BYLINES]


def read_dateline(blocks: Sequence[Block], dates: DateReader) -> Dated | None:
    """Return the date printed between the headline and the body."""
    for block in blocks:
        if block.kind in TEXT_KINDS:
            return None
        found = dates.read("dateline", block.text) if len(block.text) < 100 else None
        if found:
            return found
    return None


def read_agency(page: Surroundings, authors: Sequence[str]) -> str:
    """Return the agencies that an article is credited to, joined by "/"; "" if there are none.

    They stand among the authors, in the byline, in the dateline that opens the body, in brackets at its end, or in a
    credit after it.
    """
    found = [agency for name in authors for agency in find_agencies(name)]
    if found:
        return join_agencies(found)
    # above the text, what "©" stands before is the credit of a picture
    above = [line for block, line in _lines(page.above) if block.kind in _CREDITS and not line.startswith("©")]
    below = [line for block, line in _lines(page.below) if block.kind in _CREDITS]
    found = [agency for line in above for agency in find_agencies(line)]
    found = found or [agency for text in page.texts[:2] for agency in find_dateline(text)]
    found = found or [agency for text in page.texts[-2:] for agency in find_ending(text)]
    found = found or [agency for line in below[:_SIGNED] for agency in find_agencies(line)]
    return join_agencies(found)


class Surroundings:
    """The blocks around the text of an article that may sign or credit it, and the texts of its paragraphs.

    `above` stand before the first paragraph, `early` between the first ones, `below` after the last one.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        at = [i for i, block in enumerate(blocks) if block.kind in TEXT_KINDS]
        first, last = (at[0], at[-1]) if at else (0, len(blocks))
        third = at[min(_PARAGRAPHS_ABOVE, len(at) - 1)] if at else 0
        self.above = list(filter(self._may_sign, blocks[:first]))
        self.early = list(filter(self._may_sign, blocks[first:third]))
        self.below = list(filter(self._may_sign, blocks[last + 1 : last + 1 + _AFTER]))
        self.texts = [blocks[i].text for i in at]

    def _may_sign(self, block: Block) -> bool:
        return block.kind not in REGION_KINDS and block.rule != _OF_PICTURES and len(block.text) < _LONGEST_LINE


def _lines(blocks: Sequence[Block]) -> Iterator[tuple[Block, str]]:
    """Yield blocks with their texts; a word such as "by" that is a block of its own is joined with the next one."""
    waiting = ""
    for block in blocks:
        if is_by_word(block.text):
            waiting = block.text
            continue
        yield block, f"{waiting} {block.text}".strip()
        waiting = ""

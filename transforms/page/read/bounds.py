"""How much markup a page may hold, so that any page is read within about a second of CPU, or refused at once.

The bounds are at least five times what the largest of 1,746 real pages has, unless their comment says why not. What
has to be refused before it is parsed is found by scanning the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from transforms.errors import TooComplex

# `<` in the source, scripts included, and so of elements; the largest page has 19,437, and 9,748 elements
MAX_MARKS = 100_000
# The largest page has 10,689. Counted before parsing only where there may be far too many, else by the walk
# (transforms.page.judge.walk), as counting them all takes more than a hundredth of the time of extraction.
MAX_ATTRIBUTES = 60_000
# the largest has 73. libxml2 adds an attribute by walking along those before it, and lxml reads them in the same way:
# 20,000 take a second, 2,000 a hundredth of it
MAX_ATTRIBUTES_OF_ONE = 2_000
# libxml2 stops reading at this depth; the deepest page has 56
MAX_DEPTH = 256

# A tag as the parser (and HTML's standard) splits it, without its `>`: quotes have a meaning only after `=`.
_TAG = re.compile(rb"""<[a-zA-Z][^>=]*+(?:=\s*+(?:"[^"]*+"|'[^']*+')?+[^>=]*+)*+""")
_VALUE = re.compile(rb"""=\s*+(?:"[^"]*+"|'[^']*+')""")
# what MAX_ATTRIBUTES_OF_ONE different names take at least: few names have one byte, few more have two
_TAG_BYTES = 3 * MAX_ATTRIBUTES_OF_ONE
# In smaller pages all attributes together take libxml2 about a second, if there are not too many in one tag.
_LARGE_BYTES = 1_200_000
# tags of this many bytes can hold that many
_ALL_TAG_BYTES = 1_000_000


def check_markup(data: bytes) -> None:
    """Raise TooComplex for markup in UTF-8 that must not be parsed into a tree."""
    marks = data.count(b"<")
    if marks > MAX_MARKS:
        raise TooComplex(f"{marks:,} tags, more than {MAX_MARKS:,}")
    if len(data) > _LARGE_BYTES:
        tags = _TAG.findall(data)
        suspicious = sum(map(len, tags)) > _ALL_TAG_BYTES or any(map(_may_be_crowded, tags))
    else:
        suspicious = any(map(_may_be_crowded, _find_long_tags(data)))
    if suspicious:
        _count_attributes(data)


def _find_long_tags(data: bytes) -> Iterator[bytes]:
    """Yield the tags before all stretches of _TAG_BYTES or more without a `<`, and some before shorter ones.

    A tag that holds `<` in its attributes is not found. Then the guard's limit of CPU holds (transforms.guard).
    """
    half = _TAG_BYTES // 2
    was_free = False
    for place in range(0, len(data), half):
        is_free = data.find(b"<", place, place + half) < 0
        if is_free and not was_free:
            tag = _TAG.match(data, max(0, data.rfind(b"<", 0, place)))
            if tag:
                yield tag[0]
        was_free = is_free


def _may_be_crowded(tag: bytes) -> bool:
    """Say whether what looks like a tag has too many attributes; it may be part of a script, or of a comment."""
    try:
        if len(tag) > _TAG_BYTES and len(_VALUE.sub(b"", tag)) > _TAG_BYTES:
            _count_attributes(tag + b">")
    except TooComplex:
        return True
    return False


def _count_attributes(data: bytes) -> None:
    """Raise TooComplex if there are too many: the same parser, but without a tree, in which it takes linear time."""
    etree.fromstring(data, etree.HTMLParser(target=_Counter(), encoding="utf-8", remove_comments=True))


def check_parser(parser: etree.HTMLParser) -> None:
    """Raise TooComplex if a parser stopped in the middle of a page, because elements were nested too deep."""
    error = parser.error_log.last_error
    if error is not None and error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        raise TooComplex(f"elements nested {MAX_DEPTH} deep or more")


class _Counter:
    """Counts the attributes that a parser meets."""

    def __init__(self) -> None:
        self.attributes = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        count = len(attributes)
        self.attributes += count
        if count > MAX_ATTRIBUTES_OF_ONE:
            raise TooComplex(f"<{tag[:20]}> has {count:,} attributes, more than {MAX_ATTRIBUTES_OF_ONE:,}")
        if self.attributes > MAX_ATTRIBUTES:
            raise TooComplex(f"more than {MAX_ATTRIBUTES:,} attributes")

    def close(self) -> None:
        """Called at the end of the markup."""

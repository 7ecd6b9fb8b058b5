"""How much markup a page may hold, so that any page is read within about a second of CPU, or refused at once.

The bounds are at least five times what the largest of 1,746 real pages has, unless their comment says why not. What
has to be refused before it is parsed is found by scanning the bytes.
"""

from __future__ import annotations

import re

from lxml import etree

from transforms.errors import TooComplex

# `<` in the source, scripts included; the largest page has 19,437
MAX_MARKS = 100_000
# the largest page has 9,748
MAX_ELEMENTS = 50_000
# the largest page has 10,689
MAX_ATTRIBUTES = 60_000
# the largest has 73. libxml2 adds an attribute by walking along those before it, and lxml reads them in the same way:
# 20,000 take a second, 2,000 a hundredth of it
MAX_ATTRIBUTES_OF_ONE = 2_000
# libxml2 stops reading at this depth; the deepest page has 56
MAX_DEPTH = 256

# A tag as the parser (and HTML's standard) splits it, without its `>`: quotes have a meaning only after `=`. It is
# tried without regard to comments and scripts, so markup made for it can hide a tag. Then the guard's limit of CPU
# holds (transforms.guard).
_TAG = re.compile(rb"""<[a-zA-Z][^>=]*+(?:=\s*+(?:"[^"]*+"|'[^']*+')?+[^>=]*+)*+""")
_VALUE = re.compile(rb"""=\s*+(?:"[^"]*+"|'[^']*+')""")
# what MAX_ATTRIBUTES_OF_ONE different names take at least: few names have one byte, few more have two
_TAG_BYTES = 3 * MAX_ATTRIBUTES_OF_ONE
# tags of this many bytes can hold so many attributes that building the tree takes half a second
_ALL_TAG_BYTES = 500_000
# In a smaller page a tag has room for 30,000 attributes, which take libxml2 0.8 s. It is parsed without a scan and
# refused afterwards, as scanning takes a hundredth of the time of extraction.
_SMALL_BYTES = 120_000

_count_elements = etree.XPath("count(//*)")
_count_attributes = etree.XPath("count(//@*)")
_has_crowded = etree.XPath(f"boolean(//*[count(@*) > {MAX_ATTRIBUTES_OF_ONE}])")


def check_markup(data: bytes) -> None:
    """Raise TooComplex for markup in UTF-8 that must not be parsed into a tree."""
    marks = data.count(b"<")
    if marks > MAX_MARKS:
        raise TooComplex(f"{marks:,} tags, more than {MAX_MARKS:,}")
    if len(data) < _SMALL_BYTES:
        return
    tags = _TAG.findall(data)
    if sum(map(len, tags)) > _ALL_TAG_BYTES or any(
        len(_VALUE.sub(b"", tag)) > _TAG_BYTES for tag in tags if len(tag) > _TAG_BYTES
    ):
        # the same parser, but without a tree, in which it takes linear time
        etree.fromstring(data, etree.HTMLParser(target=_Counter(), encoding="utf-8", remove_comments=True))


def check_tree(tree: etree._Element, parser: etree.HTMLParser) -> None:
    """Raise TooComplex for a tree that is too large to be worked on, or that `parser` gave up building."""
    elements, attributes = int(_count_elements(tree)), int(_count_attributes(tree))
    if elements > MAX_ELEMENTS:
        raise TooComplex(f"{elements:,} elements, more than {MAX_ELEMENTS:,}")
    if attributes > MAX_ATTRIBUTES:
        raise TooComplex(f"{attributes:,} attributes, more than {MAX_ATTRIBUTES:,}")
    if _has_crowded(tree):
        raise TooComplex(f"an element has more than {MAX_ATTRIBUTES_OF_ONE:,} attributes")
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

"""Walk over a parsed page and collect its blocks of text in reading order, each with its surroundings.

A block is the text between two boundaries of block-level elements (or two `<br>` in a row). Nothing is judged here:
navigation and footers are blocks too. The walk is not recursive and visits each element once.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass

from lxml import etree

from transforms.errors import TooComplex
from transforms.page.judge.cues import CUE_COUNT, element_cues
from transforms.page.read.bounds import MAX_ATTRIBUTES
from transforms.page.text import normalize_text

_INLINE_WORDS = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rb rp rt "
    "ruby s samp small span strike strong sub sup time tt u var wbr math o:p"
)
INLINE = frozenset(_INLINE_WORDS.split())
_SKIPPED_WORDS = (
    "script style noscript template svg iframe object embed select option textarea input button title "
    "canvas audio video map rp datalist progress meter"
)
SKIPPED = frozenset(_SKIPPED_WORDS.split())
# what the walk does with an element; any other than these opens a block
_BLOCK, _INLINE, _SKIP, _BREAK, _IMAGE, _LINK, _BOLD, _ITALIC = range(8)
_ROLES = {
    **dict.fromkeys(INLINE, _INLINE),
    **dict.fromkeys(SKIPPED, _SKIP),
    "br": _BREAK,
    "img": _IMAGE,
    "a": _LINK,
    "b": _BOLD,
    "strong": _BOLD,
    "i": _ITALIC,
    "em": _ITALIC,
    "cite": _ITALIC,
}
# ancestors whose distance from a block is measured
_TAGS_WORDS = (
    "article main aside nav footer header section figure form ul ol table blockquote figcaption body dl details"
)
TAGS = _TAGS_WORDS.split()
TAG_INDEX = {tag: CUE_COUNT + n for n, tag in enumerate(TAGS)}
NEVER = -100
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
# The page with the most of 1,746 has 2,734. Judging this many takes about a second.
MAX_BLOCKS = 6_000
# of all blocks together; the longest text of 1,746 pages has 95,203
MAX_TEXT_CHARS = 2_000_000
# of class, id and style; what comes later is not read
_NAME_CHARS = 400
# of all different names on a page, which are read once each; the most of 1,746 pages are 49,143 of class and id alone
MAX_NAME_CHARS = 500_000


class Frame:
    """A block-level element: its depth, and the depth of the nearest element with each cue or tag, itself or above.

    `dialog` is the nearest dialog, itself or above, if there is one.
    """

    __slots__ = ("depth", "dialog", "key", "nearest", "number", "parent", "signature", "tag", "words")

    def __init__(
        self, parent: Frame | None, tag: str, key: str, number: int, nearest: array[int], is_dialog: bool = False
    ) -> None:
        self.parent = parent
        self.tag = tag
        self.key = key
        self.number = number
        self.depth: int = parent.depth + 1 if parent else 0
        self.nearest = nearest
        self.dialog: Frame | None = self if is_dialog else parent.dialog if parent else None
        self.words = 0
        # what the element is made of: its tag and classes, and those of its parent
        self.signature = f"{key}<{parent.key}" if parent else key


@dataclass(slots=True)
class RawBlock:
    """A block of the page before it is judged; `linked`, `bold` and `italic` count characters, `links` elements."""

    text: str
    frame: Frame
    linked: int
    links: int
    bold: int
    italic: int


@dataclass(slots=True)
class Picture:
    """An `<img>` of the page; `position` is the number of blocks before it."""

    url: str
    alt: str
    position: int
    frame: Frame


@dataclass(slots=True)
class Walk:
    """The blocks and pictures of a page, and the block-level elements that hold them."""

    blocks: list[RawBlock]
    pictures: list[Picture]
    frames: list[Frame]


def walk_page(tree: etree._Element) -> Walk:
    """Split a page into blocks; raises TooComplex past one of the bounds above, or MAX_ATTRIBUTES."""
    return _Walker().walk(tree)


class _Walker:
    def __init__(self) -> None:
        self.blocks: list[RawBlock] = []
        self.pictures: list[Picture] = []
        self.frames: list[Frame] = []
        self.pieces: list[str] = []
        # elements that are open and have no frame yet; a quarter of all never hold a text or a picture
        self.pending: list[tuple[etree._Element, str]] = []
        self.linked = self.links = self.bold = self.italic = 0
        self.in_link = self.in_bold = self.in_italic = 0
        self.breaks = 0
        self.frame = self._open(None, "html", "html", array("i", [NEVER] * (CUE_COUNT + len(TAGS))))
        self.cache: dict[tuple[str, str | None, str | None], tuple[tuple[int, ...], str, bool]] = {}
        self.cues: dict[tuple[str | None, str | None], tuple[int, ...]] = {}
        self.text_chars = self.name_chars = self.attributes = 0

    def _open(self, parent: Frame | None, tag: str, key: str, nearest: array[int], is_dialog: bool = False) -> Frame:
        frame = Frame(parent, tag, key, len(self.frames), nearest, is_dialog)
        self.frames.append(frame)
        return frame

    def walk(self, tree: etree._Element) -> Walk:
        context = etree.iterwalk(tree, events=("start", "end"))
        for event, element in context:
            tag = element.tag
            role = _ROLES.get(tag, _BLOCK)
            if event == "start":
                if role == _BLOCK:
                    if not isinstance(tag, str):
                        continue
                    self._close_block()
                    self.pending.append((element, tag))
                elif role == _SKIP:
                    context.skip_subtree()
                    continue
                elif role == _BREAK:
                    self.breaks += 1
                    if self.breaks == 2:
                        self._flush()
                    else:
                        self.pieces.append("\n")
                    continue
                elif role == _IMAGE:
                    self._add_picture(element)
                    continue
                elif role == _LINK:
                    self.in_link += 1
                    self.links += 1
                elif role == _BOLD:
                    self.in_bold += 1
                elif role == _ITALIC:
                    self.in_italic += 1
                text = element.text
            else:
                if role == _BLOCK:
                    if isinstance(tag, str):
                        self._close_block()
                        if self.pending:
                            self.pending.pop()
                        elif self.frame.parent is not None:
                            self.frame = self.frame.parent
                elif role == _LINK:
                    self.in_link -= 1
                elif role == _BOLD:
                    self.in_bold -= 1
                elif role == _ITALIC:
                    self.in_italic -= 1
                text = element.tail if element is not tree else None
            if text:
                self.pieces.append(text)
                if self.in_link or self.in_bold or self.in_italic:
                    self._count(text)
                elif self.breaks and not text.isspace():
                    self.breaks = 0
        self._flush()
        return Walk(self.blocks, self.pictures, self.frames)

    def _enter_pending(self) -> None:
        for element, tag in self.pending:
            self._enter(element, tag)
        self.pending.clear()

    def _enter(self, element: etree._Element, tag: str) -> None:
        parent = self.frame
        css = id_ = None
        extra: list[int] = []
        is_dialog = tag == "dialog"
        items = element.items()
        self.attributes += len(items)
        if self.attributes > MAX_ATTRIBUTES:
            raise TooComplex(f"more than {MAX_ATTRIBUTES:,} attributes")
        for name, value in items:
            if name == "class":
                css = value
            elif name == "id":
                id_ = value
            elif name in _NAMING or (name.startswith("data-") and len(value) < 60 and name.endswith(_NAMING_ENDS)):
                extra.extend(self._read_cues(value, None))
                is_dialog |= name == "role" and value in _DIALOG_ROLES
            elif name == "aria-modal":
                is_dialog |= value == "true"
            elif name in _CAN_HIDE and (
                name == "hidden"
                or (name == "aria-hidden" and value == "true")
                or (name == "style" and _HIDING.search(value, 0, _NAME_CHARS))
            ):
                extra.extend(_HIDDEN)
        known = self.cache.get((tag, css, id_))
        if known is None:
            key = f"{tag}.{'.'.join(css[:_NAME_CHARS].split(None, 3)[:3])}" if css else f"{tag}."
            named = not _DIALOG_NAMES.isdisjoint((css or "")[:_NAME_CHARS].lower().split())
            known = self.cache[tag, css, id_] = (self._read_cues(css, id_), key, named)
        cues, key, named = known
        tag_number = TAG_INDEX.get(tag)
        nearest = parent.nearest
        if cues or extra or tag_number is not None:
            nearest = nearest[:]
            depth = parent.depth + 1
            for cue in cues:
                nearest[cue] = depth
            for cue in extra:
                nearest[cue] = depth
            if tag_number is not None:
                nearest[tag_number] = depth
        self.frame = self._open(parent, tag, key, nearest, is_dialog or named)

    def _read_cues(self, css: str | None, id_: str | None) -> tuple[int, ...]:
        found = self.cues.get((css, id_))
        if found is None:
            self.name_chars += min(len(css or "") + len(id_ or ""), _NAME_CHARS)
            if self.name_chars > MAX_NAME_CHARS:
                raise TooComplex(f"more than {MAX_NAME_CHARS:,} characters in the names of elements")
            found = self.cues[css, id_] = element_cues(css, id_)
        return found

    def _count(self, text: str) -> None:
        """Count a text that is in a link, bold or italic."""
        stripped = len(text.strip())
        if stripped:
            self.breaks = 0
            if self.in_link > 0:
                self.linked += stripped
            if self.in_bold > 0:
                self.bold += stripped
            if self.in_italic > 0:
                self.italic += stripped

    def _add_picture(self, element: etree._Element) -> None:
        url = element.get("src") or ""
        if not url or url.startswith("data:"):
            url = element.get("data-src") or element.get("data-lazy-src") or element.get("data-original") or ""
            if not url:
                srcset = element.get("srcset") or element.get("data-srcset") or ""
                # the last candidate is the largest on most pages; a comma may follow it
                url = next((words[0] for words in map(str.split, reversed(srcset.split(","))) if words), "")
        alt = " ".join((element.get("alt") or "").split())
        if url or alt:
            self._enter_pending()
            self.pictures.append(Picture(url, alt, len(self.blocks), self.frame))

    def _close_block(self) -> None:
        if self.pieces:
            self._flush()
        else:
            # no text, so nothing else to set back
            self.breaks = 0
            self.links = 1 if self.in_link > 0 else 0

    def _flush(self) -> None:
        raw = "".join(self.pieces)
        self.pieces.clear()
        text = "" if not raw or raw.isspace() else normalize_text(raw)
        if text:
            if len(self.blocks) >= MAX_BLOCKS:
                raise TooComplex(f"more than {MAX_BLOCKS:,} blocks of text")
            self.text_chars += len(text)
            if self.text_chars > MAX_TEXT_CHARS:
                raise TooComplex(f"more than {MAX_TEXT_CHARS:,} characters of text")
            self._enter_pending()
            self.blocks.append(RawBlock(text, self.frame, self.linked, self.links, self.bold, self.italic))
        self.breaks = self.linked = self.bold = self.italic = 0
        self.links = 1 if self.in_link > 0 else 0


# attributes whose values say what an element is
_NAMING = frozenset(("role", "itemprop", "aria-label", "property", "rel", "itemtype"))
_CAN_HIDE = frozenset(("hidden", "aria-hidden", "style"))
_NAMING_ENDS = ("testid", "component", "type", "qa", "name", "module", "block", "area", "element", "role", "position")
_HIDDEN = element_cues("hidden", None)
# whole class names: names that only contain these are given to the whole page on many sites ("dialog-off-canvas")
_DIALOG_NAMES = frozenset(("dialog", "modal", "popup", "lightbox"))
_DIALOG_ROLES = frozenset(("dialog", "alertdialog"))

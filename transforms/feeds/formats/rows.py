"""Read the rows of a feed (items, entries, urls) one by one, from the events of an XML parser.

No tree of the document is built: a row is handed over when it ends and then forgotten, so a feed takes little more
memory than its text, and the time is linear in its length. Two parsers give the events: expat for well-formed
documents (`read_well_formed`), and transforms.feeds.formats.loose for the others.

Limits on what one feed may hold: a feed that has more is read up to the limit, and `Harvest.truncated` says so; one
that has no row before the limit is too complex.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any
from xml.parsers import expat

from transforms.errors import FeedTooComplex, FeedUnreadable

# ten times what Google allows in a news sitemap
MAX_ENTRIES = 10_000
# a plain sitemap of 50,000 pages, the most that the protocol allows, has 250,000; half a million take .3 s of CPU
MAX_ELEMENTS = 500_000
# libxml2's limit
MAX_DEPTH = 256
# far more than the namespaces of any root element
MAX_ATTRIBUTES = 500
# elements within a row that are kept
_MAX_FIELDS = 2_000
_MAX_HEAD = 200
_FIELD_DEPTH = 4

_SPACES = {
    "http://purl.org/dc/elements/1.0/": "dc",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://search.yahoo.com/mrss/": "media",
    "http://search.yahoo.com/mrss": "media",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://purl.org/rss/1.0/modules/syndication/": "sy",
    "http://www.w3.org/2005/atom": "atom",
    "http://purl.org/atom/ns#": "atom",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://www.google.com/schemas/sitemap-news/0.9": "news",
    "http://www.google.com/schemas/sitemap-image/1.1": "image",
    "http://www.google.com/schemas/sitemap-video/1.1": "video",
}
MODULES = frozenset(_SPACES.values())
_CORE = ("http://purl.org/rss/1.0", "http://my.netscape.com/rdf/simple", "http://channel.netscape.com/rdf/simple")
# elements whose content is text, in which tags are markup and not fields
# fmt: off
_TEXTS = frozenset({
    "title", "summary", "description", "content", "encoded", "subtitle", "tagline", "abstract", "rights", "copyright",
    "body", "div", "info", "keywords",
})
# fmt: on
_NO_ATTRIBUTES: Mapping[str, str] = {}


class Enough(Exception):
    """Raised in an event handler: no more of the document is needed."""


class Node:
    """An element of a row or of the feed's head.

    `name` is its local name and the keys of `attributes` are local names, all in lower case. `space` is a short word
    for its namespace ("" for that of the format itself). `parts` is its text, in which nested markup of a title or a
    summary is kept as tags without attributes.
    """

    __slots__ = ("attributes", "children", "name", "parts", "space")

    def __init__(self, space: str, name: str, attributes: Mapping[str, str]) -> None:
        self.space = space
        self.name = name
        self.attributes = attributes
        self.parts: list[str] = []
        self.children: list[Node] = []

    @property
    def text(self) -> str:
        """The text of the element, without that of its child elements."""
        parts = self.parts
        return parts[0] if len(parts) == 1 else "".join(parts)

    def child(self, name: str) -> Node | None:
        """Return the first child with a name, one of the format's own namespace before others."""
        found = None
        for child in self.children:
            if child.name == name:
                if not child.space:
                    return child
                found = found or child
        return found

    def child_text(self, name: str) -> str:
        """Return the text of the first child with a name (see `child`), without surrounding space, or ""."""
        child = self.child(name)
        return child.text.strip() if child is not None else ""


class Harvest:
    """Takes the events of a parser and hands each row to `take`.

    `head` holds the fields of the feed itself: children of the root and of its channel that are not rows. `scope` is
    the attributes of the root and the channel. A row may lie at any depth but not within another row. Names are the
    parser's: "namespace local" or "local".
    """

    def __init__(self, row_names: Collection[str], take: Callable[[Node], None]) -> None:
        self.head: list[Node] = []
        self.scope: dict[str, str] = {}
        self.truncated = False
        self.rows = 0
        self._row_names = row_names
        self._take = take
        self._names: dict[str, tuple[str, str]] = {}
        self._root_space = ""
        self._elements = 0
        self._depth = 0
        self._top: Node | None = None
        self._open: list[Node] = []
        self._inner = 0
        self._fields = 0
        self._in_channel = False
        self._in_row = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Note the start of an element; raises Enough, FeedTooComplex or FeedUnreadable at a limit."""
        self._elements += 1
        self._depth += 1
        if self._elements > MAX_ELEMENTS or self._depth > MAX_DEPTH or len(attributes) > MAX_ATTRIBUTES:
            self._refuse()
        space, name = self._names.get(tag) or self._split(tag)
        top = self._top
        if name in self._row_names and not self._in_row and self._depth > 1:
            self._start_row()
        elif top is not None:
            if self._inner:
                self._inner += 1
                if top.name in _TEXTS:
                    top.parts.append(f"<{name}>")
                return
            if top.name in _TEXTS and (top.space != "media" or name not in _TEXTS):
                self._inner = 1
                top.parts.append(f"<{name}>")
                return
            self._fields += 1
            if len(self._open) >= _FIELD_DEPTH or self._fields > _MAX_FIELDS:
                self._inner = 1
                return
        elif self._depth == 1:
            self.scope.update(_local_names(attributes))
            return
        elif self._depth == 2 and name == "channel":
            self._in_channel = True
            for key, value in _local_names(attributes).items():
                self.scope.setdefault(key, value)
            return
        elif self._depth > 3 or (self._depth == 3 and not self._in_channel) or len(self.head) >= _MAX_HEAD:
            return
        node = self._top = Node(space, name, _local_names(attributes) if attributes else _NO_ATTRIBUTES)
        self._open.append(node)

    def end(self, tag: str, unclosed: bool = False) -> None:
        """Note the end of an element; raises Enough after the last row that is wanted.

        For an `unclosed` element, one that has no end tag, its children may have been meant to follow it and are taken
        so.
        """
        self._depth -= 1
        node = self._top
        if node is None:
            if self._depth == 1:
                self._in_channel = False
            return
        if self._inner:
            self._inner -= 1
            if node.name in _TEXTS:
                node.parts.append(f"</{self._names[tag][1]}>")
            return
        self._open.pop()
        if self._open:
            parent = self._top = self._open[-1]
            parent.children.append(node)
            if unclosed:
                parent.children += node.children
                node.children = []
            return
        self._top = None
        if not self._in_row:
            self.head.append(node)
            return
        self._in_row = False
        self.rows += 1
        self._take(node)

    def _start_row(self) -> None:
        self._in_row = True
        self._fields = self._inner = 0
        if self._open:
            # an element around rows, or a field of the feed without an end tag
            self.head.append(self._open[0])
            self._open = []

    def data(self, text: str) -> None:
        """Note a piece of text."""
        top = self._top
        if top is not None and (not self._inner or top.name in _TEXTS):
            top.parts.append(text)

    def full(self) -> None:
        """Stop reading since there are rows enough."""
        self.truncated = True
        raise Enough

    def stop(self, reason: str) -> None:
        """Stop reading at a limit; raises FeedTooComplex if there is no row yet, else Enough."""
        if not self.rows:
            raise FeedTooComplex(f"{reason}, and there is no entry before that")
        self.full()

    def _refuse(self) -> None:
        if self._depth > MAX_DEPTH:
            # mostly HTML without end tags, which the loose reading understands
            raise FeedUnreadable(f"elements nested more than {MAX_DEPTH} deep")
        if self._elements <= MAX_ELEMENTS:
            raise FeedTooComplex(f"an element with more than {MAX_ATTRIBUTES} attributes")
        self.stop(f"more than {MAX_ELEMENTS} elements")

    def _split(self, tag: str) -> tuple[str, str]:
        uri, _, local = tag.rpartition(" ")
        space = ""
        if uri:
            known = uri.strip().lower()
            space = _SPACES.get(known, "")
            if not self._names:
                self._root_space = uri
                space = ""
            elif uri == self._root_space and space != "rdf":
                space = ""
            elif not space and not known.startswith(_CORE):
                space = known
        names = self._names[tag] = (space, local.lower())
        return names


def read_well_formed(text: str, harvest: Harvest, cut: bool = False) -> None:
    """Read an XML text from its root element on, or the first part of one if it is `cut`.

    Raises FeedUnreadable if it is not well-formed, FeedTooComplex if it has no row within the limits.
    """
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = harvest.start
    parser.EndElementHandler = harvest.end
    parser.CharacterDataHandler = harvest.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(text, not cut)
        if cut:
            harvest.stop("the text is too long")
    except Enough:
        return
    except expat.ExpatError as exc:
        raise FeedUnreadable(f"not well-formed: {exc}") from exc


def _refuse_doctype(*_: Any) -> None:
    raise FeedUnreadable("document type inside the document")


def _local_names(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name.rpartition(" ")[2].lower(): value for name, value in attributes.items()}

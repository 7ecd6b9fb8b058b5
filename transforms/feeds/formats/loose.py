"""Read the events of a document that is not well-formed, as lenient readers of feeds do.

Bare ampersands and bare `<` are text, HTML's named characters are known, attributes may stand without quotes, an end
tag closes whatever was left open inside its element, and one without a start tag is ignored. Every step moves on in the
text and looks no further than the next `<`, or for a mark that is then known to be there, so the time is linear.
"""

from __future__ import annotations

import re
from html.entities import html5

from transforms.feeds.formats.rows import MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, Enough, Harvest

_TAG = re.compile(
    r"""<(/?)([A-Za-z_][^\s<>/"'=&]{0,200})((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""",
)
_BAD_TAG = re.compile(r"""<(/?)([A-Za-z_][^\s<>/"'=&]{0,200})([^<>]*+)>""")
# a name begins only after what cannot be part of one, or a long name would be tried from each of its characters
_ATTRIBUTE = re.compile(r"""(?<![^\s/"'=])([^\s=/>"'<]{1,200}+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,30}));")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAMESPACE = re.compile(r"""\sxmlns(?::([\w.-]{1,40}))?\s*=\s*["']([^"'<>]{1,200})["']""")
# the prefixes of namespaces that are used without being declared
_PREFIXES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "atom": "http://www.w3.org/2005/Atom",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "news": "http://www.google.com/schemas/sitemap-news/0.9",
    "image": "http://www.google.com/schemas/sitemap-image/1.1",
    "video": "http://www.google.com/schemas/sitemap-video/1.1",
}
_DECLARED_WITHIN = 16_384
# a start and an end tag for each element; a million bare `<` take .8 s of CPU
_MAX_STEPS = 2 * MAX_ELEMENTS
_MARKS = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"))
# fields that hold only text: the start of a field within one of them means that its end tag is missing
_SHORT = frozenset(("link", "guid", "pubdate", "id", "updated", "published", "loc", "lastmod", "title"))
# fields that hold HTML, and the fields whose names no element of HTML has
_LONG = frozenset(("description", "summary", "encoded", "content"))
_NOT_HTML = frozenset(("guid", "pubdate", "updated", "published", "item", "entry", "category", "id"))
_ROWS = frozenset(("item", "entry"))
# how far up an open text field is looked for
_TEXT_DEPTH = 20
# HTML's elements without an end tag
_VOID = frozenset(("br", "img", "hr", "wbr", "input"))
_FIELDS = _SHORT | {"item", "entry", "description", "summary", "category", "author", "url"}


def read_loosely(text: str, harvest: Harvest, cut: bool = False) -> None:
    """Read a text from its root element on, or the first part of one if it is `cut`.

    Elements nested deeper than MAX_DEPTH are left out.

    Raises FeedTooComplex at the other limits of transforms.feeds.formats.rows.
    """
    try:
        reader = _Reader(text, harvest)
        reader.read()
        if cut:
            harvest.stop("the text is too long")
        reader.close()
    except Enough:
        return


def unescape(text: str) -> str:
    """Replace character references that end with a semicolon, named ones as in HTML; anything else is text."""
    return _REFERENCE.sub(_character, text) if "&" in text else text


class _Reader:
    def __init__(self, text: str, harvest: Harvest) -> None:
        self._text = text
        self._harvest = harvest
        self._open: list[str] = []
        self._times_open: dict[str, int] = {}
        self._missing: set[str] = set()
        declared = {found[1] or "": found[2] for found in _NAMESPACE.finditer(text[:_DECLARED_WITHIN])}
        self._spaces = _PREFIXES | declared
        self._names: dict[str, str] = {}

    def read(self) -> None:
        """Read the whole text."""
        text, at, steps = self._text, 0, 0
        while at < len(text):
            steps += 1
            if steps > _MAX_STEPS:
                self._harvest.stop(f"more than {_MAX_STEPS} tags")
            start = text.find("<", at)
            if start == -1:
                start = len(text)
            if start > at:
                self._harvest.data(unescape(text[at:start]))
            if start == len(text):
                break
            at = self._read_markup(start)

    def close(self) -> None:
        """End the elements that are still open."""
        if self._open:
            self._end(self._open[0])

    def _read_markup(self, at: int) -> int:
        """Read what starts with the `<` at an index; return the index after it."""
        text = self._text
        if text.startswith(("<!", "<?"), at):
            return self._read_mark(at)
        found = _TAG.match(text, at) or _BAD_TAG.match(text, at)
        if found is None:
            self._harvest.data("<")
            return at + 1
        closing, name, attributes = found.groups()
        if closing:
            self._end(self._full_name(name))
        else:
            self._start(name, attributes)
        return found.end()

    def _read_mark(self, at: int) -> int:
        text = self._text
        for opening, closing in _MARKS:
            if not text.startswith(opening, at):
                continue
            start = at + len(opening)
            end = -1 if opening in self._missing else text.find(closing, start)
            if end == -1:
                self._missing.add(opening)
                return start
            if opening == "<![CDATA[":
                self._harvest.data(text[start:end])
            return end + len(closing)
        raise AssertionError(text[at : at + 2])

    def _start(self, name: str, attributes: str) -> None:
        tag = self._full_name(name)
        local = tag.rpartition(" ")[2]
        if self._open and local in _FIELDS:
            if local in _ROWS and self._times_open.get(tag):
                self._end(tag)
            elif self._open[-1].rpartition(" ")[2] in _SHORT:
                self._end(self._open[-1])
            elif local in _NOT_HTML:
                self._end_text()
        if len(self._open) >= MAX_DEPTH:
            return
        self._harvest.start(tag, _attributes(attributes) if "=" in attributes else {})
        if attributes.endswith("/") or local in _VOID:
            self._harvest.end(tag)
        else:
            self._open.append(tag)
            self._times_open[tag] = self._times_open.get(tag, 0) + 1

    def _end_text(self) -> None:
        """End the text field that is open, if any."""
        for tag in reversed(self._open[-_TEXT_DEPTH:]):
            local = tag.rpartition(" ")[2]
            if local in _LONG:
                self._end(tag)
            if local in _LONG or local in _ROWS:
                return

    def _end(self, tag: str) -> None:
        if not self._times_open.get(tag):
            return
        while True:
            inner = self._open.pop()
            self._times_open[inner] -= 1
            self._harvest.end(inner, inner != tag)
            if inner == tag:
                return

    def _full_name(self, name: str) -> str:
        full = self._names.get(name)
        if full is None:
            prefix, _, local = name.rpartition(":")
            space = self._spaces.get(prefix, prefix)
            full = self._names[name] = f"{space} {local.lower()}" if space else local.lower()
        return full


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in _ATTRIBUTE.finditer(text.removesuffix("/") if text.endswith(("'/", '"/', " /")) else text):
        value = pair[2] if pair[2] is not None else pair[3] if pair[3] is not None else pair[4]
        found.setdefault(pair[1].rpartition(":")[2], unescape(value))
        if len(found) > MAX_ATTRIBUTES:
            break
    return found


def _character(found: re.Match[str]) -> str:
    if found[3]:
        # "amp" and "nbsp" are in the table with a semicolon too
        return html5.get(found[3] + ";", found[0])
    code = int(found[1]) if found[1] else int(found[2], 16)
    return "\ufffd" if code > 0x10FFFF or _NOT_XML.match(chr(code)) else chr(code)

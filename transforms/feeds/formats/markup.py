"""Prepare the bytes of a feed for parsing: inflate up to a limit, decode, remove the document type.

A document type can declare entities that expand to gigabytes or read local files. Feeds need none, so it is removed
before any parser sees the text; as a second defence, the parsers resolve no entities, load no DTD and have no network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html.entities import html5
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from transforms.charsets import decode_marked, find_charset, find_wide, header_label
from transforms.errors import FeedTooComplex, FeedUnreadable, ProtocolFailed, TooLarge
from transforms.feeds.formats.dates import read_date
from transforms.feeds.formats.loose import unescape
from transforms.feeds.formats.rows import MAX_ATTRIBUTES
from transforms.inflate import Inflater

# The sitemap protocol allows 50 MB, for which the text alone can take 200 MB. Of a longer body the first part is read.
MAX_INFLATED = 20_000_000

_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
# "<?xm" (https://www.w3.org/TR/xml/#sec-guessing)
_EBCDIC = b"\x4c\x6f\xa7\x94"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DOCTYPE_TOKEN = re.compile(r"""<!--|<\?|["'\[\]>]""")
_CLOSED_BY = {"<!--": "-->", "<?": "?>", '"': '"', "'": "'"}
# 500 attributes take at least this many characters; a long text after a tag looks the same
_LONG_TAG = re.compile(r"<[A-Za-z_][^<]{3000,}")
_ATTRIBUTE = re.compile(r"""(?<![^\s/"'=])[^\s=<>"']{1,200}+\s*=\s*(?:"[^"<]*"|'[^'<]*'|[^\s<>"']++)""")
# RFC 9110, 4.1, asks servers to accept 8,000 bytes; most refuse more
_LONGEST_LINK = 8_000
_CONTROL_BYTES = bytes((*range(9), 11, 12, *range(14, 32)))
_TAG = re.compile(r"<[/!]?[A-Za-z-][^<>]*>")
# tags that stand within words and between words without parting them
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|acronym|b|bdi|bdo|big|cite|code|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|tt"
    r"|u|var|wbr)(?:\s[^<>]*)?/?>",
    re.I,
)
_HIDDEN = re.compile(r"<(script|style)[\s>]|<!--", re.I)
_HIDDEN_ENDS = {
    "": re.compile("-->"),
    "script": re.compile(r"</script[^<>]*>?", re.I),
    "style": re.compile(r"</style[^<>]*>?", re.I),
}
# the characters that Windows-1252 has where Unicode has control characters
_C1 = {code: bytes((code,)).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AMPERSAND = re.compile(r"&(#[0-9]{1,7};|#x[0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,30};)?")


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a feed from its root element on.

    `root` is the local name of the root element in lower case, "{" for JSON, "" if neither is found. `url` is the
    address of the feed; the age of entries is counted from `now`. `cut` says that it is only the first part of a body
    that is too long.
    """

    text: str
    root: str
    url: str
    now: datetime | None
    cut: bool = False


def inflate_body(body: bytes) -> tuple[bytes, bool]:
    """Return the content of a .gz file, or any other body unchanged, and whether it is cut at MAX_INFLATED bytes.

    Raises FeedUnreadable if it is damaged.
    """
    inflater = Inflater("gzip", MAX_INFLATED)
    try:
        inflater.feed(body)
        return inflater.finish(), False
    except TooLarge:
        return inflater.take(), True
    except ProtocolFailed as exc:
        raise FeedUnreadable(str(exc)) from exc


def decode_body(body: bytes, content_type: str = "") -> str:
    """Return the text of a body.

    The charset comes from the first of these: a byte order mark, valid UTF-8, the HTTP header, the XML declaration.
    Failing these it is UTF-8 with some bad bytes, or Windows-1252. UTF-16 and UTF-32 without a mark, EBCDIC, and ISO
    2022 with a label are recognised before UTF-8.
    """
    marked = decode_marked(body)
    if marked is not None:
        return marked[0]
    if wide := find_wide(body):
        return body.decode(wide, "replace")
    if body.startswith(_EBCDIC):
        # the declaration is readable in any code page of EBCDIC and names the right one
        head = body[:400].decode("cp037").encode("latin-1", "replace")
        declared = _DECLARATION.match(head)
        return body.decode(find_charset(declared[1].decode() if declared else "", body) or "cp037", "replace")
    labels = list(_charset_labels(body, content_type))
    if b"\x1b" in body:
        # ISO 2022 is seven-bit, so its bytes are always valid UTF-8
        labels.sort(key=lambda label: not label.startswith("iso2022"))
        if labels and labels[0].startswith("iso2022"):
            return body.decode(labels[0], "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    for label in labels:
        if label != "utf-8":
            return body.decode(label, "replace")
    text = body.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    whole = sum(1 for char in text if char > "\x7f") - damaged
    return text if whole > damaged else body.decode("cp1252", "replace")


def open_document(body: bytes, url: str, content_type: str, now: datetime | None) -> Document:
    """Decode a feed and remove everything before its root element, in particular a document type.

    Raises FeedUnreadable for an empty body.
    """
    content, cut = inflate_body(body)
    text = _strip_controls(decode_body(content, content_type)).lstrip("\ufeff").strip()
    if not text:
        raise FeedUnreadable("empty body")
    if text.startswith("{"):
        return Document(text, "{", url, now, cut)
    text = text[root_start(text) :]
    root = root_name(text)
    if root not in ("html", "head", "body"):
        # some servers print warnings before the feed
        found = re.search(r"<(?:[\w-]{1,20}:)?(?:rss|feed|rdf|urlset|sitemapindex)[\s>]", text[:16384], re.I)
        if found and root not in ("rss", "feed", "rdf", "urlset", "sitemapindex", "opml"):
            text = text[found.start() :]
            root = root_name(text)
    return Document(text, root, url, now, cut)


def root_start(text: str) -> int:
    """Return the index of the root element in an XML text, after declaration, comments and document type."""
    at = 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if text.startswith("<!--", at):
            end = text.find("-->", at + 4)
            at = end + 3
        elif text.startswith("<?", at):
            end = text.find("?>", at + 2)
            at = end + 2
        elif text.startswith("<!", at):
            end = _doctype_end(text, at + 2)
            at = end
        else:
            return at
        if end == -1:
            return len(text)


def root_name(text: str) -> str:
    """Return the local name, in lower case, of the element that a text starts with, or ""."""
    found = re.match(r"<(?:[\w.-]{1,80}:)?([\w.-]{1,80})", text)
    return found[1].lower() if found else ""


def parse_xml(text: str, recover: bool = False) -> Any:
    """Parse XML text (from its root element on) into an lxml element.

    Raises FeedUnreadable if it is not well-formed; with `recover`, only if no element can be recovered. Raises
    FeedTooComplex for a tag with more attributes than lxml can read in a short time.
    """
    check_tags(text)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=recover
    )
    if recover:
        # libxml2 recovers from a bare & in an address by cutting out the & and the word after it
        text = mend_ampersands(text)
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise FeedUnreadable(f"not well-formed: {exc}") from exc
    if root is None:
        raise FeedUnreadable("no XML element")
    if root.getroottree().docinfo.internalDTD is not None:
        raise FeedUnreadable("document type inside the document")
    return root


def check_tags(text: str) -> None:
    """Check that no tag has more than MAX_ATTRIBUTES attributes, for which libxml2 takes quadratic time.

    Raises FeedTooComplex.
    """
    for found in _LONG_TAG.finditer(text):
        if found[0].count("=") > MAX_ATTRIBUTES and len(_ATTRIBUTE.findall(found[0])) > MAX_ATTRIBUTES:
            raise FeedTooComplex(f"a tag with more than {MAX_ATTRIBUTES} attributes")


def mend_ampersands(text: str) -> str:
    """Escape bare ampersands and replace HTML's named characters by numeric ones, except in CDATA sections.

    These are the usual errors in feeds that are not well-formed.
    """
    parts: list[str] = []
    at = 0
    while at < len(text):
        start = text.find("<![CDATA[", at)
        end = text.find("]]>", start) if start != -1 else -1
        if end == -1:
            start = end = len(text)
        parts += (_AMPERSAND.sub(_mend_reference, text[at:start]), text[start:end])
        at = end
    return "".join(parts)


def local_name(element: Any) -> str:
    """Return an element's name without its namespace in lower case; "" for comments and instructions."""
    tag = element.tag
    return _local_part(tag) if isinstance(tag, str) else ""


def plain_text(value: object, limit: int = 1000) -> str:
    """Return text without tags, entities and extra space, cut to `limit` characters."""
    if not isinstance(value, str):
        return ""
    # a feed may carry whole articles here; process no more than `limit` is likely to need
    if len(value) > 4 * limit:
        text = _without_markup(value[: 4 * limit].rpartition("<")[0])
        if len(text) > limit:
            return text[:limit].rsplit(" ", 1)[0] + "…"
    text = _without_markup(value[: 10 * limit])
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + "…"


def absolute_url(value: object, base: str) -> str:
    """Return a link as an absolute address without surrounding space, or "" if there is none or it is too long for one.

    A link that cannot be joined is returned unchanged, so that the ledger records it and why it was rejected.
    """
    if not isinstance(value, str):
        return ""
    link = value.strip()
    if len(link) > _LONGEST_LINK:
        return ""
    if not link.isprintable():
        link = re.sub(r"[\t\r\n]", "", _NOT_XML.sub("", link)).strip()
    if not link:
        return ""
    if _SCHEME.match(link):
        # urljoin would drop an empty `;` or `?` at the end
        return link
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def parse_time(value: object) -> datetime | None:
    """Return the time that a feed gives, in UTC; None if it is not a time (transforms.feeds.formats.dates)."""
    return read_date(value) if isinstance(value, str) else None


def _without_markup(value: str) -> str:
    if "<" in value:
        value = _strip_markup(value)
    if "&" in value:
        value = unescape(value)
        if "<" in value:
            value = _strip_markup(value)
    value = " ".join(value.split())
    if not value.isprintable():
        value = " ".join(_NOT_XML.sub("", value.translate(_C1)).split())
    return value


def _strip_markup(value: str) -> str:
    """Remove scripts, styles, comments and tags; one that is not closed hides the rest."""
    if (found := _HIDDEN.search(value)) is not None:
        kept, at = [], 0
        while found is not None:
            kept.append(value[at : found.start()])
            end = _end_of_hidden(value, found)
            if end == -1:
                at = len(value)
                break
            at = end
            found = _HIDDEN.search(value, at)
        value = "".join((*kept, value[at:]))
    return _TAG.sub(" ", _INLINE_TAG.sub("", value))


def _end_of_hidden(value: str, start: re.Match[str]) -> int:
    end = _HIDDEN_ENDS[start[1].lower() if start[1] else ""].search(value, start.end())
    return end.end() if end else -1


def _strip_controls(text: str) -> str:
    """Remove the characters that XML does not allow."""
    try:
        # the pattern alone takes three times as long on 50,000 characters with nothing to remove
        raw = text.encode()
    except UnicodeEncodeError:
        return _NOT_XML.sub("", text)
    if len(raw.translate(None, _CONTROL_BYTES)) == len(raw) and "\ufffe" not in text and "\uffff" not in text:
        return text
    return _NOT_XML.sub("", text)


@lru_cache(maxsize=512)
def _local_part(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def _charset_labels(body: bytes, content_type: str) -> Iterator[str]:
    declared = _DECLARATION.match(body[:400])
    for label in (header_label(content_type), declared[1].decode() if declared else ""):
        if charset := find_charset(label, body):
            yield charset


def _mend_reference(found: re.Match[str]) -> str:
    name = found[1]
    if name is None:
        return "&amp;"
    if name in ("amp;", "lt;", "gt;", "quot;", "apos;"):
        return found[0]
    if name.startswith("#"):
        # libxml2 in recovery mode accepts half of a surrogate pair, on which lxml fails later
        code = int(name[2:-1], 16) if name[1] == "x" else int(name[1:-1])
        return "&#65533;" if code > 0x10FFFF or _NOT_XML.match(chr(code)) else found[0]
    chars = html5.get(name)
    return "".join(f"&#{ord(char)};" for char in chars) if chars else f"&amp;{name}"


def _doctype_end(text: str, at: int) -> int:
    depth = 0
    while token := _DOCTYPE_TOKEN.search(text, at):
        at = token.end()
        if token[0] in _CLOSED_BY:
            closing = _CLOSED_BY[token[0]]
            end = text.find(closing, at)
            if end == -1:
                return -1
            at = end + len(closing)
        elif token[0] == "[":
            depth += 1
        elif token[0] == "]":
            depth -= 1
        elif depth <= 0:
            return at
    return -1

"""Decode the body of a response and parse it into one tree.

The charset comes from the first of these: a byte order mark, the zero bytes of UTF-16 and UTF-32, valid UTF-8 (which no
other charset produces by accident), the Content-Type header, the page's own `<meta charset>`, detection. WHATWG's
encoding sniffing trusts labels before bytes, but news pages with a wrong label are far more common than Latin-1 pages
that happen to be valid UTF-8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from charset_normalizer import from_bytes
from lxml import etree

from transforms.charsets import decode_marked, find_charset, find_wide, header_label
from transforms.errors import ContentTypeRejected, NoText
from transforms.page.read.bounds import check_markup, check_parser
from transforms.sniff import name_foreign

# Larger pages lose their scripts, and are then cut: the longest real article page of the corpus has 3 MB, nearly all of
# it scripts.
MAX_CHARS = 6_000_000

_HTML_TYPES = frozenset(
    {"", "text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain", "application/octet-stream"}
)
_META_CHARSET = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,30})""", re.IGNORECASE)
_READINGS = ("rt", "rtc", "rp")
# lone surrogates, and characters that XML 1.0 forbids: lxml would refuse the text or cut it there
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff￾￿]")
_SCRIPT = re.compile(r"<(script|style)\b(?![^>]{0,100}ld\+json)", re.IGNORECASE)
_SCRIPT_END = {name: re.compile(f"</{name}[^>]{{0,20}}>", re.IGNORECASE) for name in ("script", "style")}
_NOT_CONTROLS = bytes(code for code in range(256) if code >= 0x20 or code in b"\t\n\r")


@dataclass(frozen=True)
class Page:
    """A parsed page: `tree` is its `<html>` element, `text` the decoded markup, `charset` the charset used."""

    url: str
    text: str
    charset: str
    tree: etree._Element


def parse_page(body: bytes, content_type: str = "", url: str = "") -> Page:
    """Decode and parse a body.

    Raises ContentTypeRejected for a body that is not markup, TooComplex for more markup than
    transforms.page.read.bounds allows, and NoText for a body without an element.
    """
    reject_content_type(content_type, body)
    if not body.strip():
        raise NoText("empty body")
    text, charset = decode_page(body, content_type)
    return Page(url=url, text=text, charset=charset, tree=_parse(text))


def reject_content_type(content_type: str, body: bytes) -> None:
    """Raise ContentTypeRejected if the label or the body cannot be that of a web page."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in _HTML_TYPES and not kind.endswith("+xml"):
        raise ContentTypeRejected(f"content type {kind!r}")
    foreign = name_foreign(body)
    if foreign:
        raise ContentTypeRejected(f"the body is {foreign}, not a web page")


def decode_page(body: bytes, content_type: str = "") -> tuple[str, str]:
    """Return the text of a page and the charset it was read with; never raises."""
    marked = decode_marked(body)
    if marked is not None:
        text, charset = marked
        return _clean(text), charset
    wide = find_wide(body)
    if wide:
        return _clean(body.decode(wide, "replace")), wide
    try:
        text = body.decode("utf-8")
        # looking for control characters in bytes, and for two others in text, costs a quarter of a search for all
        is_clean = not body.translate(None, _NOT_CONTROLS) and "\ufffe" not in text and "\uffff" not in text
        return _shorten(text) if is_clean else _clean(text), "utf-8"
    except UnicodeDecodeError as error:
        # one broken byte in a long UTF-8 page does not make it Latin-1
        if _is_nearly_utf8(body, error):
            return _clean(body.decode("utf-8", "replace")), "utf-8"
    meta = _META_CHARSET.search(body[:4096])
    for label in (header_label(content_type), meta[1].decode("ascii", "replace") if meta else ""):
        charset = find_charset(label, body)
        if charset and charset != "utf-8":
            return _clean(body.decode(charset, "replace")), charset
    best = from_bytes(body[:60_000]).best()
    charset = (find_charset(best.encoding, body) if best else "") or "cp1252"
    return _clean(body.decode(charset, "replace")), charset


def _is_nearly_utf8(body: bytes, error: UnicodeDecodeError) -> bool:
    sample = body[:200_000]
    broken = sample.decode("utf-8", "replace").count("�")
    multibyte = sum(1 for byte in sample if byte >= 0xC2)
    return error.start > 0 and broken * 20 < multibyte


def _clean(text: str) -> str:
    return _FORBIDDEN.sub(" ", _shorten(text))


def _shorten(text: str) -> str:
    """Return the text of a page without what goes past MAX_CHARS: scripts and styles first, but not linked data."""
    if len(text) <= MAX_CHARS:
        return text
    parts, at = [], 0
    while start := _SCRIPT.search(text, at):
        end = _SCRIPT_END[start[1].lower()].search(text, start.end())
        if end is None:
            break
        parts.append(text[at : start.start()])
        at = end.end()
    return "".join([*parts, text[at:]])[:MAX_CHARS]


def _parse(text: str) -> etree._Element:
    data = text.encode("utf-8")
    check_markup(data)
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, collect_ids=False
    )
    try:
        tree = etree.fromstring(data, parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as exc:
        raise NoText(f"unreadable markup: {exc}") from exc
    if tree is None:
        raise NoText("no element in the page")
    check_parser(parser)
    if b"<ruby" in data or b"<RUBY" in data:
        _drop_readings(tree)
    return tree


def _drop_readings(tree: etree._Element) -> None:
    """Remove how words in ruby are read, which repeats them in another script, and the brackets around it."""
    for base in list(tree.iter("rb")):
        # libxml2 does not know where an <rt> without end tag ends (https://html.spec.whatwg.org/#the-rt-element)
        while (parent := base.getparent()) is not None and parent.tag in _READINGS:
            parent.addnext(base)
    etree.strip_elements(tree, *_READINGS, with_tail=False)

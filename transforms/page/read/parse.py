"""Bytes of an answer -> text -> one parsed tree.

Charset order: a byte order mark, then valid UTF-8 (which no other charset produces by accident), then the charset of
the Content-Type header, then the page's own `<meta charset>`, then detection. WHATWG's encoding sniffing trusts labels
before bytes; news pages that carry a wrong label are far more common than Latin-1 pages that happen to be valid UTF-8.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes
from lxml import etree

from transforms.errors import ContentTypeRejected, NoText

# Larger pages are cut: the longest real article page of the corpus has 3 MB, nearly all of it scripts.
MAX_CHARS = 6_000_000

_HTML_TYPES = frozenset(
    {"", "text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain", "application/octet-stream"}
)
_META_CHARSET = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,30})""", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{2,30})""", re.IGNORECASE)
# The labels that the WHATWG encoding standard maps to a superset (https://encoding.spec.whatwg.org/#names-and-labels)
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "tis-620": "cp874",
}
_BINARY_STARTS = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"\x00\x00\x00")
# what XML 1.0 forbids, which lxml would refuse or cut the text at, and lone surrogates
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff￾￿]")


@dataclass(frozen=True)
class Page:
    """A parsed page: `tree` is its `<html>` element, `text` the markup as decoded, `charset` how."""

    url: str
    text: str
    charset: str
    tree: etree._Element


def parse_page(body: bytes, content_type: str = "", url: str = "") -> Page:
    """Decode and parse an answer's body once.

    Raises ContentTypeRejected for what is no markup and NoText for what holds no element.
    """
    reject_content_type(content_type, body)
    if not body.strip():
        raise NoText("empty body")
    text, charset = decode_page(body, content_type)
    return Page(url=url, text=text, charset=charset, tree=_parse(text))


def reject_content_type(content_type: str, body: bytes) -> None:
    """Raise ContentTypeRejected if neither the label nor the first bytes can be a web page."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in _HTML_TYPES and not kind.endswith("+xml"):
        raise ContentTypeRejected(f"content type {kind!r}")
    if body.startswith(_BINARY_STARTS):
        raise ContentTypeRejected(f"binary body {body[:8]!r}")


def decode_page(body: bytes, content_type: str = "") -> tuple[str, str]:
    """Return the text of a page and the charset it was read with; never raises."""
    for mark, charset in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return _clean(body.decode(charset, "replace")), charset
    try:
        return _clean(body.decode("utf-8")), "utf-8"
    except UnicodeDecodeError as error:
        # one broken byte in a long UTF-8 page does not make it Latin-1
        if _is_nearly_utf8(body, error):
            return _clean(body.decode("utf-8", "replace")), "utf-8"
    header = _HEADER_CHARSET.search(content_type)
    meta = _META_CHARSET.search(body[:4096])
    for label in (header and header[1], meta and meta[1].decode("ascii", "replace")):
        charset_name = _known_charset(label or "")
        if charset_name and charset_name != "utf-8":
            return _clean(body.decode(charset_name, "replace")), charset_name
    best = from_bytes(body[:60_000]).best()
    charset_name = _known_charset(best.encoding if best else "") or "cp1252"
    return _clean(body.decode(charset_name, "replace")), charset_name


def _is_nearly_utf8(body: bytes, error: UnicodeDecodeError) -> bool:
    sample = body[:200_000]
    broken = sample.decode("utf-8", "replace").count("�")
    multibyte = sum(1 for byte in sample if byte >= 0xC2)
    return error.start > 0 and broken * 20 < multibyte


def _known_charset(label: str) -> str:
    try:
        name = codecs.lookup(label.strip()).name
        "".encode(name)  # codecs such as "zlib" are no text encodings
    except (LookupError, TypeError, ValueError):
        return ""
    return _SUPERSETS.get(name, name)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub(" ", text[:MAX_CHARS])


def _parse(text: str) -> etree._Element:
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        tree = etree.fromstring(text.encode("utf-8"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as exc:
        raise NoText(f"unreadable markup: {exc}") from exc
    if tree is None:
        raise NoText("no element in the page")
    return tree

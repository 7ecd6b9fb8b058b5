"""Tell web pages from other files by their bytes, when a label is missing or wrong.

Browsers look for markup at the very start
(https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type). These rules are more lenient with
what comes before it, since pages are saved with headers, warnings of scripts and comments above them, and stricter with
what is not HTML: a feed has tags as well.
"""

from __future__ import annotations

import re

from transforms.charsets import decode_marked, find_wide, is_binary

FEED, SITEMAP, OPML = "a feed", "a sitemap", "an OPML list"
JSON, TEXT, XML, GZIP, BINARY = "JSON", "plain text", "XML", "gzip data", "binary data"
_STARTS: dict[bytes, str] = {
    b"%PDF-": "a PDF document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"PK\x03\x04": "a ZIP archive",
    b"PK\x05\x06": "a ZIP archive",
    b"\x1f\x8b": GZIP,
    b"Rar!\x1a": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\xd0\xcf\x11\xe0": "an office document",
    b"{\\rtf": "an RTF document",
    b"%!PS": "a PostScript document",
    b"WARC/": "a WARC archive",
    b"RIFF": "a media file",
    b"OggS": "a media file",
    b"ID3": "a media file",
    # what begins with three zero bytes may be a film
    b"\x00\x00\x00": BINARY,
}
_ROOTS = {
    b"rss": FEED,
    b"feed": FEED,
    b"rdf:rdf": FEED,
    b"urlset": SITEMAP,
    b"sitemapindex": SITEMAP,
    b"opml": OPML,
    b"svg": "an SVG image",
}
_SNIFFED_BYTES = 4_096
# where markup is looked for in a body that does not start with it
_SEARCHED_BYTES = 400_000
# declarations, comments and spaces before the first element
_PROLOG = re.compile(rb"(?:\s++|<\?.*?>|<!--.*?-->|<![a-z][^>]*+>)*+", re.IGNORECASE | re.DOTALL)
_ELEMENT = re.compile(rb"<([a-z][\w:.-]*+)", re.IGNORECASE)
_HTML_DOCTYPE = re.compile(rb"<!doctype\s+html", re.IGNORECASE)
_JSON = re.compile(rb"""\s*(?:\{\s*["}]|\[\s*["{]|\[\s*\]\s*$)""")
_TAGS = (
    rb"!doctype\s+html|html|head|body|title|meta|link|base|style|script|noscript|template|h[1-6]|p|div|span|a|b|i|em"
    rb"|strong|font|center|br|hr|img|figure|picture|article|section|main|aside|header|footer|nav|ul|ol|dl|li|table"
    rb"|thead|tbody|tr|td|th|blockquote|pre|form|iframe|dialog|details|amp-[\w-]+"
)
_HTML_ELEMENT = re.compile(rb"<(?:" + _TAGS + rb")(?=[\s/>])", re.IGNORECASE)
_ARCHIVE = re.compile(rb"^content-type:\s*multipart/", re.IGNORECASE | re.MULTILINE)


def name_foreign(body: bytes) -> str:
    """Return what a body is that cannot be a web page, such as "a PDF document"; "" for one that may be a page.

    An empty body is "".
    """
    for start, name in _STARTS.items():
        if body.startswith(start):
            return name
    if is_binary(body):
        return BINARY
    if not body.strip():
        return ""
    return _name_text(_as_ascii(body[:_SEARCHED_BYTES]))


def starts_as_page(body: bytes) -> bool:
    """Say whether a body starts with HTML: plain text may have tags in it."""
    text = _as_ascii(body[:_SNIFFED_BYTES])
    prolog = _PROLOG.match(text)
    start = prolog.end() if prolog else 0
    return bool(_HTML_DOCTYPE.search(text, 0, start) or _HTML_ELEMENT.match(text, start))


def _as_ascii(body: bytes) -> bytes:
    """Return a body in a charset in which markup is ASCII."""
    marked = decode_marked(body)
    if marked is not None:
        return marked[0].lstrip("\ufeff").encode("utf-8", "replace")
    wide = find_wide(body)
    return body.decode(wide, "replace").encode("utf-8", "replace") if wide else body


def _name_text(body: bytes) -> str:
    start = body[:_SNIFFED_BYTES]
    if _JSON.match(start):
        return JSON
    if _HTML_DOCTYPE.search(start):
        return ""
    prolog = _PROLOG.match(body)
    first = _ELEMENT.match(body, prolog.end() if prolog else 0)
    if first is None:
        if _ARCHIVE.search(start):
            return "an archive of a page or a mail"
        return "" if _HTML_ELEMENT.search(body) else TEXT
    named = _ROOTS.get(first[1].lower())
    if named or _HTML_ELEMENT.match(body, first.start()):
        return named or ""
    return XML if start.lstrip().startswith(b"<?xml") or not _HTML_ELEMENT.search(body) else ""

"""Read byte order marks and charset labels, and tell text from other bytes.

The readers of pages and feeds decide which of them to trust (transforms.page.read.parse and
transforms.feeds.formats.markup).
"""

from __future__ import annotations

import codecs
import encodings
import pkgutil
import re
from encodings import normalize_encoding
from encodings.aliases import aliases

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # before UTF-16, whose mark is the start of this one
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Python's other codecs (punycode, unicode_escape, idna ...) are not charsets and must not be chosen by a server: some
# take quadratic time, and some raise errors whatever error handler they are given.
_CHARSETS = re.compile(
    r"(?:utf_?(?:8|16|32)|ascii|latin|iso(?:8859|2022)|cp\d|koi8|gb|hz|big5|euc|shift|mac|tis|johab|kz1048|ptcp154|hp_)\w*"
)
# labels that browsers know and Python does not (https://encoding.spec.whatwg.org/#names-and-labels), and some of feeds
_MORE_LABELS = {
    "dos_874": "cp874",
    "iso_8859_8_i": "iso8859_8",
    "koi": "koi8_r",
    "mac": "mac_roman",
    "ms_cyrl": "cp1251",
    "windows_31j": "cp932",
    "windows_874": "cp874",
}


def _text_codecs() -> dict[str, str]:
    modules = {module.name: module.name for module in pkgutil.iter_modules(encodings.__path__)}
    codecs_of = modules | {name: name for name in aliases.values()} | aliases | _MORE_LABELS
    return {label: codec for label, codec in codecs_of.items() if _CHARSETS.fullmatch(codec)}


# codecs by the labels that Python knows; a label that is not here is never looked up, since Python remembers each one
_CODECS = _text_codecs()
_HEADER_LABEL = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
# The labels that browsers read as a superset (https://encoding.spec.whatwg.org/#names-and-labels)
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
# any markup in a wide charset has zero bytes within this many bytes
_SAMPLE = 400
# name, bytes of a unit, which of them holds an ASCII character
_WIDE = (("utf-32-le", 4, 0), ("utf-32-be", 4, 3), ("utf-16-le", 2, 0), ("utf-16-be", 2, 1))
_ASCII_SHARE = 0.3
# bytes that no text in any charset of one or more bytes contains, except now and then by mistake
# (https://mimesniff.spec.whatwg.org/#binary-data-byte)
_BINARY = bytes({*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)})
# Every ninth byte of noise is one of them. Of 1,746 real pages one has a single one at the places that are looked at.
_BINARY_SHARE = 0.02
_BINARY_SAMPLE = 2_000


def decode_marked(body: bytes) -> tuple[str, str] | None:
    """Decode a body that starts with a byte order mark; returns the text without the mark and the charset, or None."""
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace"), charset
    return None


def header_label(content_type: str) -> str:
    """Return the charset label of a Content-Type header, or ""."""
    found = _HEADER_LABEL.search(content_type)
    return found[1] if found else ""


def find_charset(label: str, body: bytes) -> str:
    """Return Python's name for the charset of a label, or "" if it is unknown or `body` cannot be in it.

    As in browsers, some labels stand for a superset: Latin-1 is read as Windows-1252.
    """
    plain = normalize_encoding(label.strip().lower())
    codec = _CODECS.get(plain) or _CODECS.get(plain.removeprefix("x_")) or _CODECS.get(plain.removeprefix("cs"))
    if not codec:
        return ""
    name = codecs.lookup(codec).name
    if name.startswith(("utf-16", "utf-32")) and b"\x00" not in body[:_SAMPLE]:
        return ""  # a label left over from before the body was converted
    return _SUPERSETS.get(name, name)


def find_wide(body: bytes) -> str:
    """Return the charset of markup in UTF-16 or UTF-32 without a byte order mark, or "" if it is in another one.

    Many characters at the start of markup are ASCII, of whose bytes all but one are zero; few leave that one zero.
    """
    sample = body[:_SAMPLE]
    if b"\x00" not in sample:
        return ""
    for charset, size, letter in _WIDE:
        places = len(sample) // size
        filled = [sample[place : places * size : size] for place in range(size)]
        others = [any(unit) for unit in zip(*filled[:letter], *filled[letter + 1 :], strict=True)]
        ascii_ = sum(0 < byte < 128 and not other for byte, other in zip(filled[letter], others, strict=True))
        if ascii_ > _ASCII_SHARE * places and filled[letter].count(0) <= 0.05 * places:
            return charset
    return ""


def is_binary(body: bytes) -> bool:
    """Say whether a body is not text: its start, middle and end are looked at."""
    half = len(body) // 2
    for sample in (body[:_BINARY_SAMPLE], body[half : half + _BINARY_SAMPLE], body[-_BINARY_SAMPLE:]):
        binary = len(sample) - len(sample.translate(None, _BINARY))
        if binary > _BINARY_SHARE * len(sample):
            return decode_marked(body[:_SAMPLE]) is None and not find_wide(body)
    return False

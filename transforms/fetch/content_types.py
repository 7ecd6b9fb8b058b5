"""Decide from its Content-Type and its first bytes whether a response can be an article."""

from __future__ import annotations

import re

from transforms.charsets import is_binary
from transforms.errors import ContentTypeRejected

PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
# labels that say too little, so the bytes decide (https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type)
VAGUE_TYPES = frozenset(
    {"", "text/plain", "application/octet-stream", "text/xml", "application/xml", "unknown/unknown"}
)
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|article|title|meta|!--|h1|div|p|table|script|style)[\s>!-]", re.I
)
_FOREIGN = (
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"OggS",
    b"ID3",
    b"\x00\x00\x00",
)
_SNIFFED_BYTES = 1_445


def media_type(content_type: str) -> str:
    """Return the first media type of a Content-Type header in lower case, without parameters."""
    return re.split(r"[;,]", content_type, maxsplit=1)[0].strip().lower()


def check_type(content_type: str) -> None:
    """Raise ContentTypeRejected for a type that cannot be an article."""
    kind = media_type(content_type)
    if kind not in PAGE_TYPES and kind not in VAGUE_TYPES:
        raise ContentTypeRejected(f"content type {kind[:80]!r}")


def check_bytes(content_type: str, body: bytes) -> None:
    """Raise ContentTypeRejected for a body that is not HTML; an empty body passes and is rejected by extraction."""
    start = body[:_SNIFFED_BYTES]
    if start.startswith(_FOREIGN) or is_binary(body):
        raise ContentTypeRejected(f"content type {media_type(content_type)[:80]!r}, bytes {start[:8]!r}")
    if body and media_type(content_type) in VAGUE_TYPES and not _MARKUP.search(start):
        raise ContentTypeRejected(f"content type {media_type(content_type)[:80]!r}, no HTML in its first bytes")

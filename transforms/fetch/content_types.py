"""Decide from its Content-Type and its first bytes whether a response can be an article."""

from __future__ import annotations

import re

from transforms.errors import ContentTypeRejected
from transforms.sniff import TEXT, XML, name_foreign

PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
# labels that say too little, so the bytes decide (https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type)
VAGUE_TYPES = frozenset(
    {"", "text/plain", "application/octet-stream", "text/xml", "application/xml", "unknown/unknown"}
)


def media_type(content_type: str) -> str:
    """Return the first media type of a Content-Type header in lower case, without parameters."""
    return re.split(r"[;,]", content_type, maxsplit=1)[0].strip().lower()


def check_type(content_type: str) -> None:
    """Raise ContentTypeRejected for a type that cannot be an article."""
    kind = media_type(content_type)
    if kind not in PAGE_TYPES and kind not in VAGUE_TYPES:
        raise ContentTypeRejected(f"content type {kind[:80]!r}")


def check_bytes(content_type: str, body: bytes) -> None:
    """Raise ContentTypeRejected for a body that is not HTML.

    Extraction is left to reject an empty body, and one that is labelled a page and has no tag of HTML.
    """
    foreign = name_foreign(body)
    if foreign and (foreign not in (TEXT, XML) or media_type(content_type) not in PAGE_TYPES):
        raise ContentTypeRejected(f"content type {media_type(content_type)[:80]!r}, but the body is {foreign}")

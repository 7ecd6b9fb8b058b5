"""Bounds of keys and texts, and how they are cut: what every database and every index can store.

Lengths of texts are bytes of UTF-8, in which PostgreSQL, BigQuery and Pub/Sub state their limits.
"""

from __future__ import annotations

from transforms.urls import article_id

# PostgreSQL limits a btree entry to 2,704 bytes (https://www.postgresql.org/docs/current/btree.html); declarations
# whose indexed texts could be longer together are refused, with some room for what comes with each entry
LONGEST_INDEXED = 2_600
# one entry of `sightings` holds a key and a feed's address
LONGEST_KEY = 1_500
LONGEST_FEED = 1_000
# RFC 1035, 2.3.4, without the dot of the root
LONGEST_HOST = 253
# servers accept addresses of 8 to 32 kB: Apache's LimitRequestLine, nginx's large_client_header_buffers
LONGEST_URL = 65_536
# four times the longest book chapter; a page may have 10 MB (NEWSBEAM_MAX_BODY_BYTES)
LONGEST_BODY = 2_000_000
LONGEST_TITLE = 4_000  # 1,000 characters or more
LONGEST_NAME = 2_000  # 500 characters or more
LONGEST_TEXT = 10_000  # of columns that declare nothing else
LONGEST_ID = 64
LONGEST_REASON = 200
MOST_ITEMS = 200  # texts of a list, such as authors and tags
MOST_PARTS = 10_000  # rows of a table of parts for one article


def bounded_key(key: str) -> str:
    """Shorten a key that no index can hold; it then ends in the article id, so that it stays unique."""
    return cut_key(storable(key), LONGEST_KEY)


def bounded_host(host: str) -> str:
    """Return a host as all tables store it; what is cut is longer than any name in the DNS."""
    return cut_text(storable(host), LONGEST_HOST)


def cut_key(key: str, most: int) -> str:
    """Return a key of at most `most` bytes; one that is cut ends in its hash, so that it stays unique."""
    raw = key.encode("utf-8", "replace")
    if len(raw) <= most:
        return raw.decode()
    return f"{raw[: most - 33].decode('utf-8', 'ignore')}#{article_id(key)}"


def cut_text(text: str, most: int) -> str:
    """Return the beginning of a storable text: at most `most` bytes, whole characters."""
    if len(text) * 4 <= most or (len(text) <= most and text.isascii()):
        return text
    raw = text[:most].encode("utf-8", "replace")
    return text if len(text) <= most and len(raw) <= most else raw[:most].decode("utf-8", "ignore")


def size_of(text: str) -> int:
    """Return the bytes of a text as a database stores it (see `storable`)."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return size + 2 * text.count("\x00")


def storable(text: str) -> str:
    """Return a text with replacements for what PostgreSQL cannot store: U+FFFD for NUL, "?" for a lone surrogate.

    Its length in characters stays the same, and so do the offsets of mentions.
    """
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()

"""Keys and texts that every database can store."""

from __future__ import annotations

from transforms.urls import article_id

# PostgreSQL limits a btree entry to 2,704 bytes, and one of `sightings` holds a key and a feed's address
LONGEST_KEY = 1500
LONGEST_FEED = 1000
LONGEST_HOST = 253


def bounded_key(key: str) -> str:
    """Shorten a key that no index can hold; it then ends in the article id, so that it stays unique."""
    raw = key.encode("utf-8", "replace")
    if len(raw) <= LONGEST_KEY:
        return raw.decode()
    return f"{raw[: LONGEST_KEY - 33].decode('utf-8', 'ignore')}#{article_id(key)}"


def storable(text: str) -> str:
    """Return a text without what PostgreSQL cannot store: NUL is dropped, a lone surrogate becomes a question mark."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode()

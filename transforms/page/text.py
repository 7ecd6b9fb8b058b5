"""Measure and compare texts: word counts, comparison keys, one-line form."""

from __future__ import annotations

import re

# scripts that are written without spaces between words: kana, Chinese characters, Hangul, Thai
UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_UNSPACED_RUN = re.compile(f"{UNSPACED.pattern}+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\u202a-\u202e]")


def count_words(text: str) -> int:
    """Count words; in scripts without spaces two characters count as one word."""
    words = len(text.split())
    if not text.isascii():
        unspaced = sum(map(len, _UNSPACED_RUN.findall(text)))
        if unspaced:
            words += unspaced // 2
    return words


def text_key(text: str) -> str:
    """Return the letters and digits of a text without case: two texts with the same key say the same."""
    return "".join(filter(str.isalnum, text.casefold()))


def normalize_text(text: str) -> str:
    """Return a text as one line, without invisible characters."""
    return " ".join((text if text.isascii() else _INVISIBLE.sub("", text)).split())

"""Measure and compare texts: word counts, comparison keys, one-line form."""

from __future__ import annotations

import re

# scripts that are written without spaces between words: kana, Chinese characters, Hangul, Thai
UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_UNSPACED_RUN = re.compile(f"{UNSPACED.pattern}+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\u202a-\u202e]")
_NOT_ALNUM = re.compile(r"[\W_]+")
# what ASCII becomes in a comparison key; bytes of other characters are left alone
_LOWERED = bytes(range(256)).lower()
_ASCII = bytes(range(128))
_ASCII_MARKS = bytes(code for code in range(128) if not chr(code).isalnum())
# a paragraph in ASCII letters has no more kinds of other quotes and dashes than this
_FEW = 8


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
    if text.isascii():
        return text.encode().translate(_LOWERED, _ASCII_MARKS).decode()
    # most of any text is ASCII, and deleting bytes is many times faster than asking each character
    data = text.encode("utf-8", "surrogatepass").translate(_LOWERED, _ASCII_MARKS)
    bare = data.decode("utf-8", "surrogatepass")
    others = set(data.translate(None, _ASCII).decode("utf-8", "surrogatepass"))
    if len(others) <= _FEW:
        for char in others:
            if not any(map(str.isalnum, char.casefold())):
                bare = bare.replace(char, "")
    if bare.isascii():
        return bare
    folded = bare.casefold()
    return folded if folded.isalnum() else _NOT_ALNUM.sub("", folded)


def normalize_text(text: str) -> str:
    """Return a text as one line, without invisible characters."""
    return " ".join((text if text.isascii() else _INVISIBLE.sub("", text)).split())

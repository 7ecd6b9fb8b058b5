"""Measure and compare texts: word counts, comparison keys, one-line form."""

from __future__ import annotations

import re

# scripts that are written without spaces between words, or with few: kana, Chinese characters, Hangul, Thai, Lao,
# Burmese, Khmer
UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
# those of them in which the names of people have no capitals and few characters: kana, Chinese characters, Hangul
EASTERN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
# a block of this many words reads like a paragraph; an article has at least so many words of running text
PROSE_WORDS, STORY_WORDS = 12, 60
# what ends a sentence
STOPS = frozenset(".!?…。！？।؟۔။።")
_UNSPACED_RUN = re.compile(f"{UNSPACED.pattern}+")
# soft hyphens, spaces without width, direction marks, byte order marks
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_NON_JOINER, _JOINER = "\u200c", "\u200d"
_JOINERS = re.compile(f"[{_NON_JOINER}{_JOINER}]+")
# Scripts whose letters change shape with joiners: Arabic and its neighbours, those of India, Burma, Cambodia, Mongolia,
# Java and Bali (https://www.unicode.org/reports/tr31/#Layout_and_Format_Control_Characters)
_SHAPED = re.compile(
    "[\u0600-\u0dff\u1000-\u109f\u1780-\u18af\u1b00-\u1bff\u1cd0-\u1cff\ua840-\ua87f\ua8e0-\ua9ff\uaae0-\uaaff"
    "\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
# what stands before and after the joiner of an emoji (https://www.unicode.org/reports/tr51/#def_emoji_zwj_sequence)
_EMOJI_BEFORE = re.compile("[\ufe0f\u2300-\u23ff\u2600-\u27bf\U0001f000-\U0001faff]")
_EMOJI_AFTER = re.compile("[\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_NOT_ALNUM = re.compile(r"[\W_]+")
# what ASCII becomes in a comparison key; bytes of other characters are left alone
_LOWERED = bytes(range(256)).lower()
_ASCII = bytes(range(128))
_ASCII_MARKS = bytes(code for code in range(128) if not chr(code).isalnum())
# a paragraph in ASCII letters has no more kinds of other quotes and dashes than this
_FEW = 8


def count_words(text: str) -> int:
    """Count words roughly and fast, to judge blocks; in scripts without spaces two characters count as one word.

    The classifier was trained on these counts. What readers see is counted by transforms.words.
    """
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
    """Return a text as one line, without invisible characters; joiners stay where they change letters or emoji."""
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
        if _JOINER in text or _NON_JOINER in text:
            text = _JOINERS.sub(_keep_joiner, text)
    return " ".join(text.split())


def _keep_joiner(found: re.Match[str]) -> str:
    """Return the first of the joiners between two characters if they give it a meaning."""
    text, first = found.string, found[0][0]
    before, after = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 1]
    if _SHAPED.match(before) or _SHAPED.match(after):
        # what separates nothing from a space says nothing
        return first if first == _JOINER or (before.strip() and after.strip()) else ""
    return _JOINER if _JOINER in found[0] and _EMOJI_BEFORE.match(before) and _EMOJI_AFTER.match(after) else ""

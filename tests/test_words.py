"""Counting words in scripts with and without spaces, and the minutes that it takes to read them."""

from __future__ import annotations

import pytest

from transforms.words import count_words, reading_minutes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0), ("The quay is closed", 4), ("Der Kai – er ist zu", 6), ("부두가 문을 닫았다", 3),
        # 24 characters at 1.61, two numbers and a word
        ("习近平主席向论坛致贺信，在会场内外引发热烈反响。GDP 增长 5%", 17),
        # 16 characters, and the kana among them, at 1.76
        ("政府は今日、新しい対策を発表した。", 9),
        # 20 characters at 4.4
        ("นายกรัฐมนตรีกล่าวว่า", 5),
        # a name in kana does not make a text Japanese
        ("他们在ソニー的新店里见到了很多来自各地的顾客和记者", 16),
    ],
)  # fmt: skip
def test_words(text: str, words: int) -> None:
    assert count_words(text) == words


def test_a_text_without_spaces_has_as_many_words_as_with() -> None:
    # of 100 pages in Chinese or Japanese, each was one word
    assert 550 < count_words("港口的码头已经关闭了十八个月。" * 70) < 700


@pytest.mark.parametrize(
    ("text", "language", "minutes"),
    [
        ("word " * 476, "en", 2.0), ("Wort " * 374, "de", 2.0), ("字" * 532, "zh", 2.0), ("mot " * 384, "xx", 2.0),
        ("字" * 266 + " word" * 238, "en", 2.0), ("slovo " * 346, "cs", 2.0), ("", "en", 0.0),
    ],
)  # fmt: skip
def test_reading_minutes(text: str, language: str, minutes: float) -> None:
    assert reading_minutes(text, language) == minutes

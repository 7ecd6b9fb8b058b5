"""What becomes of single characters: joiners, soft hyphens, readings of Chinese characters."""

from __future__ import annotations

import pytest
from test_extract import extract_body

from transforms.page.plaintext import clean_text
from transforms.page.text import normalize_text, text_key

# joiners that change how the text looks, and often what it says
MEANINGFUL = {
    "Persian": "نمی‌خواهم کتاب‌های ایران‌شناسی را",
    "Persian after Latin": "فایل PDF‌ها",
    "Persian after a digit": "جوان ۲۰‌ساله",
    "an abbreviation in Arabic": "سنة ١٤٤٧ ه‍ (2026)",
    "Hindi": "क्‍या यह श्री‌मान है",
    "Bengali": "র‍্যাব ও উদ্‌যোগ",
    "Marathi": "दर्‍या",
    "Malayalam": "അവന്‍ പറഞ്ഞു",
    "Sinhala": "ශ්‍රී ලංකාව",
    "Kannada": "ಎಸ್‌ಪಿ",
    "a family": "x 👨‍👩‍👧‍👦 y",
    "a scientist": "👩🏽‍🔬 and ❤️‍🔥 and 🏳️‍🌈 and 🐈‍⬛ and 🧑‍✈️",
}  # fmt: skip


@pytest.mark.parametrize("name", MEANINGFUL)
def test_joiners_stay_where_they_mean_something(name: str) -> None:
    text = MEANINGFUL[name]
    assert normalize_text(text) == text
    assert extract_body(f"<article><p>{f'{text} ' * 12}").paragraphs == [" ".join([text] * 12)]
    assert clean_text(f"{text} " * 12).paragraphs == [" ".join([text] * 12)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bundes\u00adkanzler\u200b und\ufeff Rat\u2060", "Bundeskanzler und Rat"),
        ("Auf\u200clage und \u200dBuch\u200d", "Auflage und Buch"),
        ("新\u200d计\u200c划", "新计划"),
        ("می\u200c\u200cروم", "می\u200cروم"),
        ("می\u200c روم\u200c", "می روم"),
        ("\u200bمی\u200c\u00adروم\u200f", "می\u200cروم"),
        ("क्\u200d\u200dया", "क्\u200dया"),
        ("👨\u200d x\u200d👩", "👨 x👩"),
        ("ไทย\u200bไทย", "ไทยไทย"),
    ],
)
def test_other_invisible_characters_are_dropped(text: str, expected: str) -> None:
    assert normalize_text(text) == expected
    assert text_key(text) == text_key(expected)


STORY = "市議会は火曜日の夜に会合を開き、住民が二年間議論してきた新しい港湾計画を採決した。"


@pytest.mark.parametrize(
    "ruby",
    [
        "<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>",
        "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby>",
        "<ruby>漢<rt>かん<rb>字<rt>じ</ruby>",
        "<ruby>漢字<rp>(<rt>かんじ<rp>)</ruby>",
        "<ruby><rb>漢<rb>字<rt>かん<rt>じ</ruby>",
        "<RUBY><RB>漢字</RB><RTC><RT>かんじ</RT></RTC></RUBY>",
        "<ruby><ruby>漢<rt>かん</rt></ruby>字<rt>かんじ</rt></ruby>",
    ],
)
def test_readings_are_not_glued_into_the_text(ruby: str) -> None:
    article = extract_body(f"<title>港</title><h1>港の{ruby}</h1><article><p>{STORY}</p><p>この{ruby}は、{STORY}</p>")
    assert article.paragraphs == [STORY, f"この漢字は、{STORY}"]
    assert "かん" not in "".join(block.text for block in article.removed)

"""Articles that come as plain text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.errors import NoText
from transforms.page.plaintext import clean_text
from transforms.page.text import normalize_text

SEED = Path(__file__).parent.parent.parent / "shared" / "corpus" / "seed-article.txt"
STORY = [
    "The harbour board of Port Ellery voted on Tuesday to close the eastern quay for eighteen months.",
    "Engineers had warned in March that the piles under the quay were weaker than drawings from 1962 suggested.",
    "“Nobody wants to see the market move,” said Ana Duarte, who chairs the board, after the vote.",
    "Fishermen will land their catch at the western basin instead, where the town has promised new cold stores.",
]
TITLE = "Harbour board votes to close eastern quay"


@pytest.mark.skipif(not SEED.exists(), reason="needs the corpus")
def test_the_seed_article_is_cleaned_exactly() -> None:
    lines = [line.strip() for line in SEED.read_text().splitlines() if line.strip()]
    end = next(i for i, line in enumerate(lines) if "live blog" in line)
    article = clean_text(SEED.read_text())
    assert article.title == lines[0]
    assert article.paragraphs == lines[1:end]
    reasons = [(r.position, r.reason) for r in article.removed]
    assert reasons == [
        (0, "headline"),
        (end, "live_pointer"),
        (end + 1, "caption"),
        (end + 2, "caption"),
        (end + 3, "related"),
    ] + [(i, "promo") for i in range(end + 4, len(lines))]


def test_a_caption_in_the_middle_is_removed_in_both_forms() -> None:
    caption = ["The eastern quay", "The eastern quay at low tide on Monday. The market is behind it. JON VANCE/Getty"]
    article = clean_text("\n\n".join([TITLE, *STORY[:2], *caption, *STORY[2:]]))
    assert article.title == TITLE
    assert article.paragraphs == STORY
    assert [(r.text, r.reason) for r in article.removed[1:]] == [(caption[0], "caption"), (caption[1], "caption")]


def test_promos_at_the_top_are_removed() -> None:
    promo = [
        "Courier cover",
        "• Unlimited access to",
        "• Ad free experience",
        "• All newsletters + podcasts",
        "Subscribe now and save 50 percent",
    ]
    article = clean_text("\n".join([*promo, TITLE, *STORY]))
    assert article.title == TITLE
    assert article.paragraphs == STORY
    assert {r.text for r in article.removed if r.reason == "promo"} == set(promo)


def test_a_text_without_a_title_gets_none() -> None:
    article = clean_text("\n".join(STORY))
    assert article.title == ""
    assert article.paragraphs == STORY


def test_a_given_title_is_removed_from_the_text() -> None:
    article = clean_text("\n".join([TITLE, *STORY]), title=TITLE)
    assert article.title == TITLE
    assert article.paragraphs == STORY


def test_a_list_in_the_story_is_kept() -> None:
    items = ["• The quay closes on 1 April.", "• The basin gets two cold stores.", "• The auction moves indoors."]
    article = clean_text("\n".join([TITLE, *STORY[:2], *items, *STORY[2:]]))
    assert article.paragraphs == [*STORY[:2], *items, *STORY[2:]]


@pytest.mark.parametrize("text", ["", " \n\t\n", "***\n---", "\u200b\n\u00ad"])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(NoText):
        clean_text(text)


@given(st.text())
def test_every_line_is_kept_or_removed_with_a_reason(text: str) -> None:
    lines = [line for line in map(normalize_text, text.splitlines()) if line]
    try:
        article = clean_text(text)
    except NoText:
        assert not any(map(str.isalnum, text))
        return
    rest = iter(article.paragraphs)
    gone = {r.position: r.text for r in article.removed}
    assert [gone[i] if i in gone else next(rest) for i in range(len(lines))] == lines


@pytest.mark.parametrize(
    "text",
    ["A/A " * 200_000, "Photo: " * 100_000, "\n".join(["• x"] * 30_000), "By " * 300_000, "subscribe " * 100_000],
)
def test_hostile_texts_take_bounded_time(text: str) -> None:
    start = time.process_time()
    clean_text(text)
    assert time.process_time() - start < 5

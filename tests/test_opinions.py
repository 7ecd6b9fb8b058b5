"""Other readers overrule ours where it is not sure and they agree; every article says how sure we are."""

from __future__ import annotations

import pytest
from test_extract import STORY, extract_body, tell_story

from transforms.page.judge.confidence import Doubts, confidence_of, measure_doubts
from transforms.page.judge.opinions import OURS, TRAFILATURA, overlap, second_opinion
from transforms.page.read.parse import Page, parse_page
from transforms.records import Block, BlockKind

WORDS = "The harbour board of Port Ellery met again on {day} to hear what the {who} of the town had to say about it."
LINES = [
    WORDS.format(day=day, who=who)
    for day in ("Monday", "Tuesday", "Friday")
    for who in ("bakers", "fishers", "pilots", "teachers")
]


def page_with(lines: list[str]) -> Page:
    body = "".join(f"<p>{line}</p>" for line in lines)
    return parse_page(f"<html><body><div><article><h1>Harbour</h1>{body}</article></div></body></html>".encode())


def blocks_of(lines: list[str], score: float) -> list[Block]:
    return [Block(BlockKind.PARAGRAPH, line, "", score) for line in lines]


def ask(page: Page, ours: list[Block], live: bool = False) -> tuple[list[Block], str]:
    return second_opinion(page, ours, measure_doubts(ours), live)


def test_where_we_are_sure_nobody_is_asked() -> None:
    ours = blocks_of(LINES[:6], 0.99)
    assert ask(page_with(LINES), ours) == (ours, OURS)


def test_where_we_are_not_sure_two_that_agree_win() -> None:
    blocks, reader = ask(page_with(LINES), blocks_of(LINES[:6], 0.7))
    assert reader == TRAFILATURA and [block.text for block in blocks if block.kind is BlockKind.PARAGRAPH] == LINES


def test_where_they_agree_with_us_ours_stays() -> None:
    ours = blocks_of(LINES, 0.7)
    assert ask(page_with(LINES), ours) == (ours, OURS)


def test_of_a_live_blog_they_must_have_more() -> None:
    ours = blocks_of([*LINES, *(line.replace("board", "council") for line in LINES)], 0.4)
    assert ask(page_with(LINES), ours, live=True) == (ours, OURS)
    assert ask(page_with(LINES), ours)[1] == TRAFILATURA


def test_a_page_that_is_too_large_for_them_stays_as_it_is() -> None:
    ours = blocks_of(LINES[:6], 0.7)
    assert ask(page_with([*LINES, *["x"] * 6_000]), ours) == (ours, OURS)


def test_overlap_is_twice_what_is_common_over_all() -> None:
    from collections import Counter

    one, other = Counter({("a",): 2, ("b",): 1}), Counter({("a",): 1})
    assert overlap(one, other) == 0.5 and overlap(one, one) == 1.0 and overlap(Counter(), one) == 0.0


def test_an_article_says_which_reader_and_how_sure() -> None:
    article = extract_body(tell_story())
    assert article.sources["body"] == OURS
    assert article.confidence is not None and 0 < article.confidence < 1


@pytest.mark.parametrize("field", ["doubt", "missed"])
def test_doubts_lower_the_confidence(field: str) -> None:
    sure = {"words": 500, "doubt": 0.01, "missed": 0.01}
    assert confidence_of(Doubts(**sure)) > 0.85 > 0.6 > confidence_of(Doubts(**sure | {field: 0.9}))


def test_doubts_are_weighted_by_words() -> None:
    blocks = [*blocks_of([STORY[0]], 0.9), Block(BlockKind.PROMO, " ".join(STORY[0].split()[:10]), "", 0.2)]
    doubts = measure_doubts(blocks)
    words = len(STORY[0].split())
    assert doubts.words == words and doubts.doubt == pytest.approx(0.1)
    assert doubts.missed == pytest.approx(2 / words)
    assert measure_doubts([Block(BlockKind.PARAGRAPH, "From linked data.")]).doubt == 1.0

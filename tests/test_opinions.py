"""Other readers overrule ours where it is not sure and they agree; every article says how sure we are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from test_extract import STORY, extract_body, make_page, tell_story

from transforms.page.extract import BROAD, extract
from transforms.page.judge.classifier import Model
from transforms.page.judge.confidence import Doubts, confidence_of, measure_doubts
from transforms.page.judge.features import Matrix
from transforms.page.judge.layout import Layout
from transforms.page.judge.opinions import OURS, TRAFILATURA, overlap, second_opinion
from transforms.page.judge.walk import Walk
from transforms.page.read.parse import Page, parse_page
from transforms.records import Block, BlockKind

WORDS = "The harbour board of Port Ellery met again on {day} to hear what the {who} of the town had to say about it."
LINES = [
    WORDS.format(day=day, who=who)
    for day in ("Monday", "Tuesday", "Friday")
    for who in ("bakers", "fishers", "pilots", "teachers")
]

NOTE = "A short note below, of which nobody can say, on any page, whether it really belongs to the story."


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


@pytest.mark.parametrize(("score", "asked"), [(0.999, [Model.STRICT]), (0.6, [Model.STRICT, Model.BROAD])])
def test_the_broad_model_is_asked_where_the_strict_one_is_not_sure(score: float, asked: list[Model]) -> None:
    seen = []

    def judge(walk: Walk, layout: Layout, features: Matrix, model: Model) -> NDArray[np.float32]:
        seen.append(model)
        sure = score if model is Model.STRICT else 0.9
        left = LINES[-2:] if model is Model.STRICT else ()
        scores = {line: 1 - sure if line in left else sure for line in LINES}
        return np.array([scores.get(block.text, 0.001) for block in walk.blocks], dtype=np.float32)

    body = "".join(f"<p>{line}</p>" for line in LINES)
    article = extract(make_page(f"<html><body><article><h1>Harbour</h1>{body}</article></body></html>"), judge)
    assert seen == asked
    assert article.sources["body"] == (BROAD if Model.BROAD in asked else OURS)
    told = [block.score for block in article.blocks if block.text in LINES[:-2]]
    assert told == pytest.approx([0.9 if Model.BROAD in asked else score] * (len(LINES) - 2))


def test_of_two_readings_alike_the_strict_one_is_taken() -> None:
    asked = []

    def judge(walk: Walk, layout: Layout, features: Matrix, model: Model) -> NDArray[np.float32]:
        sure = {Model.STRICT: 0.932, Model.BROAD: 0.99}[model]
        scores = dict.fromkeys(LINES, sure) | {NOTE: 0.49 if model is Model.STRICT else 0.9}
        asked.append(model)
        return np.array([scores.get(block.text, 0.001) for block in walk.blocks], dtype=np.float32)

    body = "".join(f"<p>{line}</p>" for line in (*LINES, NOTE))
    article = extract(make_page(f"<html><body><article><h1>Harbour</h1>{body}</article></body></html>"), judge)
    assert asked == [Model.STRICT, Model.BROAD] and article.sources["body"] == OURS


def test_a_broad_reading_of_which_it_is_not_sure_itself_is_not_taken() -> None:
    def judge(walk: Walk, layout: Layout, features: Matrix, model: Model) -> NDArray[np.float32]:
        strict = dict.fromkeys(LINES[:8], 0.94) | dict.fromkeys(LINES[8:], 0.3)
        broad = dict.fromkeys(LINES[:8], 0.3) | dict.fromkeys(LINES[8:], 0.6)
        scores = strict if model is Model.STRICT else broad
        return np.array([scores.get(block.text, 0.001) for block in walk.blocks], dtype=np.float32)

    body = "".join(f"<p>{line}</p>" for line in LINES)
    article = extract(make_page(f"<html><body><article><h1>Harbour</h1>{body}</article></body></html>"), judge)
    assert article.sources["body"] != BROAD


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

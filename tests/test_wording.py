"""The quick tests before the patterns of transforms.page.judge.wording: they never hide a match."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.page.judge import wording

SENTENCE_END = re.compile(r"[.!?…。！？।][\"'”’»“)\]]*$")
NOTICES = {name: re.compile("|".join(patterns), re.IGNORECASE) for _, name, patterns in wording._NOTICE_WORDS}
BEFORE = st.sampled_from(["", "The harbour. ", "x", "Ann: ", "É ", "1/2 of it was done. "])
AFTER = st.sampled_from(["", " ", "\n", ".", " and more", "\u3000", ")"])


@settings(max_examples=400, deadline=None)
@given(st.from_regex(wording._CREDIT_TAIL), BEFORE, AFTER)
def test_whatever_ends_with_a_credit_passes(credit: str, before: str, after: str) -> None:
    text = before + credit + after
    assert wording._may_end_with_credit(text) or not wording._CREDIT_TAIL.search(text)


@pytest.mark.parametrize(
    "text",
    ["Ships. Jane Doe / AFP via Getty Images", "A SHIP/GETTY, the port", "(Foto: Jan Kos)", "写真：共同", "AP PHOTO"],
)
def test_credits(text: str) -> None:
    assert wording._CREDIT_TAIL.search(text)
    assert wording._may_end_with_credit(text)


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from(sorted(NOTICES)), BEFORE, AFTER)
def test_a_notice_is_what_its_patterns_find(data: st.DataObject, name: str, before: str, after: str) -> None:
    text = before + data.draw(st.from_regex(NOTICES[name])) + after
    for notice in wording._NOTICES:
        assert notice.is_in(text) == bool(NOTICES[notice.name].search(text))


@given(st.text(st.sampled_from(list('a.!?…)]"”\n ')), max_size=8))
def test_ends_of_sentences(text: str) -> None:
    assert wording._ends_sentence(text) == bool(SENTENCE_END.search(text))

"""Triggers of phrases: gating a pattern does not change what it finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.page.judge.phrases import INNER, PHRASE_KINDS, START, find_phrases, fold_text
from transforms.page.judge.triggers import WIDTH, find_openings, find_triggers, needs_unspaced

PATTERNS = [(kind, pattern) for kind, patterns in INNER.items() for pattern in patterns]
COMPILED = {
    kind: [re.compile(pattern).search for pattern in INNER.get(kind, ())]
    + [re.compile(pattern).match for pattern in START.get(kind, ())]
    for kind in PHRASE_KINDS
}
STARTS = [(kind, pattern) for kind, patterns in START.items() for pattern in patterns]
AROUND = st.sampled_from(["", " ", "x", "Enjoy an ", "«", "新", "é", "… ", "7", "_", "Read more, "])


def find_ungated(text: str) -> tuple[str, ...]:
    """Return what find_phrases would return if it tried every pattern."""
    lower = fold_text(text)
    return tuple(kind for kind, searches in COMPILED.items() if any(search(lower) for search in searches))


@pytest.mark.parametrize(
    ("text", "kind"), [("Enjoy an ad-free experience", "promo"), ("Get the latest updates here", "live")]
)
def test_phrases_that_the_triggers_once_missed_are_found(text: str, kind: str) -> None:
    assert kind in find_ungated(text)
    assert find_phrases(text) == find_ungated(text)


@pytest.mark.parametrize(("kind", "pattern"), PATTERNS)
def test_every_pattern_has_triggers_or_a_script(kind: str, pattern: str) -> None:
    assert find_triggers(pattern) or needs_unspaced(pattern), "it would have to be tried on every block of every page"


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from(PATTERNS), AROUND, AROUND)
def test_the_gate_changes_nothing(data: st.DataObject, pattern: tuple[str, str], before: str, after: str) -> None:
    text = before + data.draw(st.from_regex(re.compile(pattern[1]), fullmatch=True)) + after
    assert find_phrases(text) == find_ungated(text)


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from(STARTS), st.sampled_from(["", "", "x", " ", "é", "([", "7"]), AROUND)
def test_the_gate_changes_nothing_at_the_start(
    data: st.DataObject, pattern: tuple[str, str], before: str, after: str
) -> None:
    text = before + data.draw(st.from_regex(re.compile(pattern[1]), fullmatch=True)) + after
    assert find_phrases(text) == find_ungated(text)


@given(st.text(st.sampled_from("abo newsltrgup-f+/().:é新\n"), max_size=60))
def test_the_gate_changes_nothing_for_any_text(text: str) -> None:
    assert find_phrases(text) == find_ungated(text)


@pytest.mark.parametrize(
    ("pattern", "triggers"),
    [
        (r"\bsubscrib(?:e|ing)\b", {"subs"}),
        (r"\bapp\b", {"app"}),
        (r"\bmin(?:ute)?s?\s+read\b", {"read"}),
        (r"\bmin(?:ute)?s?\b", {"min", "mins", "minu"}),
        (r"\blog\s*in\b", {"log", "logi"}),
        (r"\b(?:abo|f\+|plus-artikel)\b", {"abo", "f", "plus"}),
        (r"delivered\s+to\s+your\s+door", {"your"}),
        (r"\brecib[ea]\b", {"reci"}),
        (r"\bf[a-c]x\b", {"fax", "fbx", "fcx"}),
        (r"/\s*(?:ap|afp)\s*\)?$", {"ap", "afp"}),
        (r"\b.{0,40}\bapp\b", {"app"}),
        (r"\b(?:im|zum)\s+live-?ticker\b", {"live"}),
        # no literal, none at the start of a word, or a word that may go on
        (r"\bab", set()),
        (r"redelivered", set()),
        (r"\b\w+\b", set()),
        (r"\b(?:app|\w+)\b", set()),
        (r"\bx{0,2}", set()),
        (r"", set()),
    ],
)  # fmt: skip
def test_triggers(pattern: str, triggers: set[str]) -> None:
    assert find_triggers(pattern) == triggers
    assert all(len(trigger) <= WIDTH for trigger in triggers)


@pytest.mark.parametrize("pattern", [r"(?=x)", r"(x)", r"\Bx", r"a|^b", r"(?:x", r"[x", r"x)", "*", "\\"])
def test_unsupported_syntax_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="cannot find triggers"):
        find_triggers(pattern)


@pytest.mark.parametrize(
    ("pattern", "openings"),
    [
        (r"(?:for|to\s+read)\s+more\b", {"for", "to"}),
        (r"\[?(?:video|photos?)\]?$", {"vide", "phot"}),
        (r"le\S", set()),
        (r"listen\s*:", {"list"}),
        # any word first, none at all, or more to come
        (r".{3,60}\bis\s+editor", set()),
        (r"©", set()),
        (r"(?:\d+\s+)?comments?", set()),
        (r"ab", set()),
    ],
)
def test_openings(pattern: str, openings: set[str]) -> None:
    assert find_openings(pattern) == openings

"""Judge blocks by their page as a whole, after each has been judged on its own.

A rule either drops kept blocks, with a kind and the rule's name, or restores dropped ones. Each was measured with
scores of models that had not seen the publisher (tools/train_blocks.py); docs/extraction.md has the figures.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transforms.page.judge.cues import CUE_INDEX
from transforms.page.judge.features import COLUMN, Matrix
from transforms.page.judge.layout import number_groups
from transforms.page.judge.phrases import PHRASE_KINDS
from transforms.page.judge.walk import NEVER, Frame, Walk
from transforms.page.read.dates import parse_date
from transforms.page.text import PROSE_WORDS, STOPS, STORY_WORDS
from transforms.records import BlockKind

NAMES_ALONE = "names alone at an edge"
UNDER_DATES = "below the article, under dates"
_SUBHEADS = frozenset(("h2", "h3", "h4", "h5", "h6"))
# two to four capitalised words, alone or joined: "Ann Lee", "Ann Lee/Bob O'Hara", "MDR (Ann Lee, Bob Day)"
NAMES = re.compile(
    r"(?:[A-Z][\w-]+ )?\(?(?:[^\W\d_a-z][\w.'’-]+)(?: (?:[^\W\d_a-z][\w.'’-]*|de|van|von|der|da|di|el|al|bin)){1,3}"
    r"(?:\s?[/,&]\s?(?:[^\W\d_a-z][\w.'’-]+)(?: [^\W\d_a-z][\w.'’-]*){1,3}){0,3}\)?"
)
# a thread has this many lines with a date, each of at most so many words
_FEW_DATED, _DATED_WORDS = 3, 10
# the full text of another article has this many words
_NEIGHBOUR_WORDS = 150
_RELATED = CUE_INDEX["related"]
_CLOCK = re.compile(r"\b\d{1,2}:\d\d\b")
_PHRASES = [COLUMN[f"phrase:{kind}"] for kind in PHRASE_KINDS]


def is_names(text: str) -> bool:
    """Say whether a text is nothing but names of people, as far as its letters tell.

    Scripts without capitals do not tell: there, what ends a sentence is none.
    """
    if not NAMES.fullmatch(text):
        return False
    if text.isascii():
        return True
    if not any(map(str.isupper, text)):
        return text[-1] not in STOPS
    return not any(word[0].islower() and not word.isascii() for word in text.split())


@dataclass(slots=True)
class Verdicts:
    """Which blocks are kept, and which rule dropped or restored a block."""

    kept: NDArray[np.bool_]
    dropped: dict[int, tuple[BlockKind, str]] = field(default_factory=dict)
    restored: dict[int, str] = field(default_factory=dict)

    def drop(self, index: int, kind: BlockKind, rule: str) -> None:
        """Drop a kept block."""
        if self.kept[index]:
            self.kept[index] = False
            self.dropped[index] = (kind, rule)
            self.restored.pop(index, None)

    def restore(self, index: int, rule: str) -> None:
        """Keep a dropped block."""
        if not self.kept[index]:
            self.kept[index] = True
            self.restored[index] = rule


def settle_page(
    walk: Walk, features: Matrix, scores: NDArray[np.float32], verdicts: Verdicts, fixed: set[int], live: bool = False
) -> Verdicts:
    """Apply the page rules in order; blocks in `fixed` are never restored."""
    page = _Page(walk, features, scores, verdicts, fixed)
    if live:
        page.restore_posts()
    page.settle()
    return verdicts


def _holders(frame: Frame) -> set[int]:
    """Return the numbers of the frames around a frame."""
    found = set()
    while frame.parent is not None:
        frame = frame.parent
        found.add(frame.number)
    return found


def _holder(frame: Frame, cue: int) -> int | None:
    """Return the number of the nearest frame, this one or around it, that has a cue in its name."""
    depth = frame.nearest[cue]
    if depth == NEVER:
        return None
    while frame.depth > depth and frame.parent is not None:
        frame = frame.parent
    return frame.number


class _Page:
    def __init__(
        self, walk: Walk, features: Matrix, scores: NDArray[np.float32], verdicts: Verdicts, fixed: set[int]
    ) -> None:
        self.walk, self.features, self.scores, self.verdicts, self.fixed = walk, features, scores, verdicts, fixed
        self.words = self.column("words")
        self.linked = self.column("linked")
        self.tags = [b.frame.tag for b in walk.blocks]

    def column(self, name: str) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self.features[:, COLUMN[name]]
        return found

    def kept_words(self, mask: NDArray[np.bool_] | None = None) -> float:
        kept = self.verdicts.kept if mask is None else self.verdicts.kept & mask
        return float(self.words[kept].sum())

    def settle(self) -> None:
        if not self.verdicts.kept.any():
            return
        self.drop_thread()
        self.drop_second_copy()
        self.drop_neighbours()
        self.restore_alike()
        self.restore_subheads()
        self.drop_other_articles()
        self.drop_appended_page()
        self.level_lists()
        self.drop_linked_paragraphs()
        self.drop_repeated_quotes()
        self.trim_ends()

    def restore_posts(self) -> None:
        """Keep the prose of the posts of a live blog."""
        posts = (self.column("inside:live") > 0) & (self.words >= 4) & (self.linked < 0.3)
        prose = np.isin(self.column("tag"), (1, 3, 4, 5, 8)) & ~self.features[:, _PHRASES].any(axis=1)
        for i in map(int, np.nonzero(posts & prose)[0]):
            if i not in self.fixed and self.scores[i] > 0.02:
                self.verdicts.restore(i, "post of a live blog")

    def drop_thread(self) -> None:
        """Drop what follows the body under lines that each have a date: comments, answers, teasers of other articles.

        Nothing below the first of these lines may be built like the text above it, and none of them may be inside the
        element that holds that text: the parts of a chronicle or of a live blog are.
        """
        dated = self.list_dated()
        if len(dated) < _FEW_DATED or not self.verdicts.kept[dated[0] :].any():
            return
        prose = self.verdicts.kept & (self.words >= PROSE_WORDS)
        above = prose & (np.arange(len(prose)) < dated[0])
        below = [int(i) for i in np.nonzero(prose)[0] if i > dated[0]]
        made_of = {self.walk.blocks[i].frame.signature for i in np.nonzero(above)[0].tolist()}
        if self.kept_words(above) < STORY_WORDS or len(below) < _FEW_DATED:
            return
        if any(self.walk.blocks[i].frame.signature in made_of for i in below):
            return
        holders = [_holders(self.walk.blocks[i].frame) for i in np.nonzero(above)[0].tolist()]
        held_by = set.intersection(*holders) - {0}
        if any(_holders(self.walk.blocks[i].frame) >= held_by for i in dated):
            return
        # the first of the posts may have its headline above its date
        start = next((i for i in range(dated[0], 0, -1) if above[i]), dated[0]) + 1
        timed = sum(1 for i in dated if _CLOCK.search(self.walk.blocks[i].text))
        kind = BlockKind.COMMENT if 2 * timed > len(dated) else BlockKind.RELATED
        for i in range(start, len(prose)):
            self.verdicts.drop(i, kind, UNDER_DATES)

    def list_dated(self) -> list[int]:
        """Return the short lines with a date below the first kept block: the largest group of those built alike."""
        first = int(np.argmax(self.verdicts.kept))
        short = (self.words <= _DATED_WORDS) & (self.column("digits") > 0.1)
        found: dict[str, list[int]] = defaultdict(list)
        for i in np.nonzero(short)[0].tolist():
            if i > first and parse_date(self.walk.blocks[i].text):
                found[self.walk.blocks[i].frame.signature].append(i)
        return max(found.values(), key=len, default=[])

    def drop_second_copy(self) -> None:
        """Drop the second copy of a body that the page has twice; single repeated lines are left to their scores."""
        first: dict[str, int] = {}
        copies: list[tuple[int, int]] = []
        for i in map(int, np.nonzero(self.verdicts.kept)[0]):
            text = self.walk.blocks[i].text
            if text in first and self.words[i] >= 8:
                copies.append((first[text], i))
            first.setdefault(text, i)
        if len(copies) < 3:
            return
        hidden = self.column("inside:hidden")
        drop_first = sum(hidden[a] for a, _ in copies) > sum(hidden[b] for _, b in copies)
        for a, b in copies:
            self.verdicts.drop(a if drop_first else b, BlockKind.DUPLICATE, "second copy of the body")

    def drop_neighbours(self) -> None:
        """Drop the full texts of other articles below this one, in two or more elements named as related ones.

        A single such element may hold the rest of the article, behind a "read more".
        """
        prose = np.nonzero(self.verdicts.kept & (self.words >= PROSE_WORDS))[0].tolist()
        holders = {i: _holder(self.walk.blocks[i].frame, _RELATED) for i in prose}
        first = next((i for i in prose if holders[i] is not None), None)
        if first is None or any(holders[i] is None for i in prose if i > first):
            return
        held: dict[int | None, float] = defaultdict(float)
        for i in prose:
            held[holders[i]] += float(self.words[i])
        texts = [words for number, words in held.items() if number is not None and words >= _NEIGHBOUR_WORDS]
        if len(texts) < 2 or held[None] < _NEIGHBOUR_WORDS:
            return
        for i in range(first, len(self.words)):
            self.verdicts.drop(i, BlockKind.RELATED, "another article below the first")

    def restore_alike(self) -> None:
        """Restore doubtful blocks between kept ones that have the tags and classes of most of the kept text."""
        kept = [int(i) for i in np.nonzero(self.verdicts.kept)[0]]
        total = self.kept_words()
        made_of: dict[str, float] = defaultdict(float)
        for i in kept:
            made_of[self.walk.blocks[i].frame.signature] += float(self.words[i])
        for i in range(kept[0], kept[-1] + 1):
            if (
                0.15 < self.scores[i] <= 0.5
                and i not in self.fixed
                and self.words[i] >= 5
                and self.linked[i] < 0.5
                and not self.features[i, _PHRASES].any()
                and made_of.get(self.walk.blocks[i].frame.signature, 0) > 0.6 * total
            ):
                self.verdicts.restore(i, "made like most of the body")

    def restore_subheads(self) -> None:
        """Restore a doubtful heading between two kept blocks, the second of which it heads."""
        kept = self.verdicts.kept
        for i, tag in enumerate(self.tags[:-1]):
            if (
                tag in _SUBHEADS
                and not kept[i]
                and self.scores[i] > 0.15
                and i not in self.fixed
                and i > 1
                and kept[i + 1]
                and self.tags[i + 1] not in _SUBHEADS
                and (kept[i - 1] or kept[i - 2])
                and self.linked[i] < 0.3
                and self.words[i] <= 20
                and not self.features[i, _PHRASES].any()
                and self.column("dup_before")[i] == 0
            ):
                self.verdicts.restore(i, "heading between kept blocks")

    def drop_other_articles(self) -> None:
        """Drop blocks in another <article> than that of the headline or the body."""
        other = self.column("article_same") == 0
        if self.verdicts.kept[self.column("inside:live") > 0].any():
            return
        if self.kept_words(~other) > 0.5 * self.kept_words():
            for i in np.nonzero(other)[0]:
                self.verdicts.drop(int(i), BlockKind.RELATED, "in another article element")

    def drop_appended_page(self) -> None:
        """Where another article is appended to the page, drop everything from its headline on."""
        since = self.column("h1_since")
        if since.max(initial=0) != 1:
            return
        start = int(np.argmax(since == 1))
        if self.column("title_overlap")[start] > 0.4 or self.column("title_equal")[start] > 0:
            return
        after = since >= 1
        if self.linked[start] > 0.5 or (self.verdicts.kept & after & (self.words >= 12)).sum() < 3:
            return
        if self.kept_words(~after) > 0.3 * self.kept_words():
            for i in np.nonzero(after)[0]:
                self.verdicts.drop(int(i), BlockKind.RELATED, "after a second headline")

    def level_lists(self) -> None:
        """Keep all items of a list if half of them are kept or they score well on average."""
        items = np.array([i for i, tag in enumerate(self.tags) if tag == "li"], dtype=np.intp)
        frames = [self.walk.blocks[i].frame for i in items.tolist()]
        group = number_groups([(frame.parent or frame).number for frame in frames])
        sizes = np.bincount(group)

        def mean(values: NDArray[np.generic]) -> NDArray[np.float64]:
            return np.bincount(group, weights=values[items].astype(np.float64)) / sizes

        half = mean(self.verdicts.kept) >= 0.5
        likely = (mean(self.scores) > 0.4) & (mean(self.linked) < 0.3)
        for i in items[(half | likely)[group]].tolist():
            if self.linked[i] < 0.8 and i not in self.fixed:
                self.verdicts.restore(i, "list kept as a whole")

    def drop_linked_paragraphs(self) -> None:
        """Drop paragraphs that are one link."""
        for i in np.nonzero((self.linked > 0.97) & (self.column("tag") == 1) & (self.words > 3))[0]:
            self.verdicts.drop(int(i), BlockKind.RELATED, "paragraph that is one link")

    def drop_repeated_quotes(self) -> None:
        """Drop quotes that repeat the words of a paragraph."""
        quoted = (self.column("inside:quote") > 0) | (self.column("inside:<blockquote>") > 0)
        for i in np.nonzero((self.column("contained") > 0) & quoted)[0]:
            self.verdicts.drop(int(i), BlockKind.PULL_QUOTE, "quote of a paragraph of the page")

    def trim_ends(self) -> None:
        """Drop share calls, pointers and agency lines among the last blocks, bylines and credits among the first."""
        for kind, phrase, last, longest in (
            (BlockKind.SOCIAL, "social", 3, 60),
            (BlockKind.RELATED, "related", 3, 60),
            (BlockKind.BYLINE, "byline", 3, 40),
            (BlockKind.CREDIT, "credit", 2, 15),
        ):
            for i in np.nonzero(self.verdicts.kept)[0][-last:]:
                if self.words[i] <= longest and self.column(f"phrase:{phrase}")[i] > 0:
                    self.verdicts.drop(int(i), kind, f"{phrase} words at the end")
        at = [int(i) for i in np.nonzero(self.verdicts.kept)[0]]
        opening = next((n for n, i in enumerate(at[:4]) if self.words[i] >= 12), 1)
        for i in (*at[: max(1, opening)], *at[-1:]):
            if self.words[i] <= 7 and self.tags[i] not in _SUBHEADS and is_names(self.walk.blocks[i].text):
                self.verdicts.drop(i, BlockKind.BYLINE, NAMES_ALONE)
        for kind, phrase in (
            (BlockKind.BYLINE, "byline"),
            (BlockKind.CREDIT, "credit"),
            (BlockKind.AD, "ad"),
        ):
            for i in np.nonzero(self.verdicts.kept)[0][:2]:
                if self.words[i] <= 25 and self.column(f"phrase:{phrase}")[i] > 0:
                    self.verdicts.drop(int(i), kind, f"{phrase} words at the start")

"""Turn raw blocks and their scores into typed blocks.

The classifier says whether a block is body; the rules here say what it is. Some structures are never body, however
much they read like prose (a figcaption, a comment thread, a byline). Their rules overrule the score: each was measured
on labelled pages and kept only if it was right at least nine times in ten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.page.judge.consistency import NAMES_ALONE, Verdicts, is_names, settle_page
from transforms.page.judge.cues import CUES
from transforms.page.judge.features import COLUMN, Matrix
from transforms.page.judge.phrases import PHRASE_KINDS
from transforms.page.judge.pictures import BEFORE
from transforms.page.judge.walk import TAGS, Frame, RawBlock, Walk
from transforms.page.judge.wording import opens_with_promo
from transforms.page.read.dates import parse_date
from transforms.page.text import PROSE_WORDS, STORY_WORDS
from transforms.records import Block, BlockKind

_INSIDE = {name: COLUMN[f"inside:{name}"] for name in (*CUES, *(f"<{tag}>" for tag in TAGS))}
_PHRASE = {kind: COLUMN[f"phrase:{kind}"] for kind in PHRASE_KINDS}
_KEEP = 0.5
# blocks that score less are never restored by the rules of transforms.page.judge.consistency
_DOUBTFUL = 0.1
_MAYBE_STANDFIRST = 0.15
# how many blocks before the first and after the last kept one are part of the article's region
_BEFORE, _AFTER = 60, 12
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_EMBED = re.compile(r"twitter-tweet|instagram-media|tiktok-embed|fb-post|bluesky-embed|telegram-post|reddit-embed")


class Row:
    """One block's features by name."""

    __slots__ = ("values",)

    def __init__(self, values: NDArray[np.float32]) -> None:
        self.values: list[float] = values.tolist()

    def __getitem__(self, name: str) -> float:
        return self.values[COLUMN[name]]

    def inside(self, name: str) -> bool:
        """Say whether an element between the block and the main container has a cue in its name, or is a <tag>."""
        return self.values[_INSIDE[name]] > 0

    def says(self, kind: str) -> bool:
        """Say whether the block's words are those of a kind of phrase."""
        return self.values[_PHRASE[kind]] > 0


@dataclass(frozen=True, slots=True)
class Rule:
    """The kind of a block for which `test` holds; a rule that `overrules` applies whatever the score."""

    name: str
    kind: BlockKind
    overrules: bool
    test: Callable[[Row], bool]


_COMMENTS = "inside the comments"
# the rules that look at tags and names of elements, and what they look for; where most of the text is in such elements,
# the names are wrong
_BY_NAME = {
    "inside a figure": ("<figure>", "<figcaption>"),
    "caption by name": ("caption",),
    "biography by name": ("bio",),
    "byline by name": ("byline",),
    "menu": ("<nav>",),
    "form": ("<form>",),
}

RULES: tuple[Rule, ...] = (
    Rule("same text as the title", BlockKind.HEADLINE, True, lambda r: r["title_equal"] >= 0.97),
    Rule("words of an advertisement mark", BlockKind.AD, True, lambda r: r.says("ad") and r["words"] < 12),
    Rule(
        "credit words in a caption",
        BlockKind.CREDIT,
        True,
        lambda r: (
            (r.inside("<figure>") or r.inside("<figcaption>"))
            and r["words"] < 10
            and (r.says("credit") or r.inside("credit"))
        ),
    ),
    Rule(
        "inside a figure",
        BlockKind.CAPTION,
        True,
        lambda r: (
            (r.inside("<figcaption>") or (r.inside("<figure>") and not r.inside("<blockquote>"))) and r["words"] < 150
        ),
    ),
    Rule("caption by name", BlockKind.CAPTION, True, lambda r: r.inside("caption") and r["words"] < 100),
    Rule(_COMMENTS, BlockKind.COMMENT, True, lambda r: r.inside("comment")),
    Rule("same text as an author", BlockKind.BYLINE, True, lambda r: r["author_equal"] > 0),
    Rule("biography by name", BlockKind.BIO, True, lambda r: r.inside("bio") and r["words"] >= 10),
    Rule("byline by name", BlockKind.BYLINE, True, lambda r: r.inside("byline") and r["words"] < 40),
    Rule("byline words", BlockKind.BYLINE, False, lambda r: r.says("byline") and r["words"] < 40),
    Rule(
        "author named in a short block",
        BlockKind.BYLINE,
        False,
        lambda r: r["author"] > 0 and r["words"] < 12,
    ),
    Rule(
        "link in capitals",
        BlockKind.RELATED,
        True,
        lambda r: r["linked"] > 0.9 and r["upper"] > 0.8 and r["words"] > 3,
    ),
    Rule(
        "linked, and words of a pointer",
        BlockKind.RELATED,
        True,
        lambda r: r.says("related") and r["linked"] > 0.5 and r["words"] < 50,
    ),
    Rule("live coverage pointer", BlockKind.LIVE_POINTER, True, lambda r: r.says("live") and r["words"] < 40),
    Rule("menu", BlockKind.RELATED, True, lambda r: r.inside("<nav>")),
    Rule("form", BlockKind.PROMO, True, lambda r: r.inside("<form>")),
    Rule("in a biography", BlockKind.BIO, False, lambda r: r.inside("bio")),
    Rule("tag list by name", BlockKind.TAGS, False, lambda r: r.inside("tags")),
    Rule("pull quote by name", BlockKind.PULL_QUOTE, False, lambda r: r.inside("quote")),
    Rule("promo words", BlockKind.PROMO, False, lambda r: r.says("promo")),
    Rule("promo by name", BlockKind.PROMO, False, lambda r: r.inside("promo") or r.inside("paywall")),
    Rule("share or contact words", BlockKind.SOCIAL, False, lambda r: r.says("social")),
    Rule("share by name", BlockKind.SOCIAL, False, lambda r: r.inside("social") and r["words"] < 20),
    Rule("related words", BlockKind.RELATED, False, lambda r: r.says("related")),
    Rule("related by name", BlockKind.RELATED, False, lambda r: r.inside("related")),
    Rule("advertisement by name", BlockKind.AD, False, lambda r: r.inside("ad")),
    Rule("comment words", BlockKind.COMMENT, False, lambda r: r.says("comment")),
    Rule("legal words", BlockKind.LEGAL, False, lambda r: r.says("legal")),
    Rule("credit words", BlockKind.CREDIT, False, lambda r: r.says("credit") and r["words"] < 30),
    Rule("legal by name", BlockKind.LEGAL, False, lambda r: r.inside("legal")),
    Rule("biography words", BlockKind.BIO, False, lambda r: r.says("bio") and r["position"] > 0.4),
    Rule("date by name", BlockKind.BYLINE, False, lambda r: (r.inside("date") or r.inside("meta")) and r["words"] < 20),
    Rule("nearly all linked", BlockKind.RELATED, False, lambda r: r["linked"] > 0.8),
    Rule("same text before", BlockKind.DUPLICATE, False, lambda r: r["dup_before"] > 0 and r["words"] > 3),
    Rule("text of a kept block", BlockKind.PULL_QUOTE, False, lambda r: r["contained"] > 0),
    Rule("embedded by name", BlockKind.EMBED, False, lambda r: r.inside("embed") or r.inside("video")),
)
_OVERRULING = tuple(rule for rule in RULES if rule.overrules)


def is_standfirst(row: Row) -> bool:
    """Say whether a block is between headline and body and is named, placed or worded like a standfirst."""
    return (
        row["h1_dist"] >= 0
        and row["main_position"] <= 0
        and row["up_dist"] > 0
        and 4 <= row["words"] <= 120
        and row["linked"] < 0.5
        and not row.inside("caption")
        and row["title_equal"] < 0.9
        and (row.inside("lead") or row["dist:lead"] <= 2 or row["desc_equal"] > 0.85 or row["tag"] in (3, 4))
    )


class TypedRegion:
    """The blocks around an article, in order, each with its kind and with the rule and the score that decided it.

    `first` is the index of the first of them on the page; `blocks` is empty if no block is kept.
    """

    def __init__(
        self,
        walk: Walk,
        features: Matrix,
        scores: NDArray[np.float32],
        live: bool,
        aside: Collection[int] = (),
    ) -> None:
        self.rows: dict[int, Row] = {}
        self.features = features
        fixed: dict[int, tuple[BlockKind, str]] = {}
        tested = scores > _DOUBTFUL
        for i in map(int, np.nonzero(tested)[0]):
            verdict = _find_rule(walk.blocks[i], self.row(i))
            if verdict:
                fixed[i] = verdict
        self.release_swallowed(scores, fixed)
        for i in aside:
            kind = next((rule.kind for rule in RULES if rule.test(self.row(i))), BlockKind.OTHER)
            fixed[i] = kind, "in a dialog, or behind one"
        kept = scores > _KEEP
        kept[list(fixed)] = False
        verdicts = settle_page(walk, features, scores, Verdicts(kept), set(fixed), live)
        at = np.nonzero(kept)[0]
        self.first = self.find_start(int(at[0])) if len(at) else 0
        last = min(len(scores), int(at[-1]) + 1 + _AFTER) if len(at) else 0
        in_layout, told = _is_layout(walk, features, kept), 0.0
        self.blocks: list[Block] = []
        for i in range(self.first, last):
            raw, row = walk.blocks[i], self.row(i)
            if kept[i]:
                kind, rule = _name_kept(raw.frame.tag, row, live, in_layout, told), verdicts.restored.get(i, "")
                if kind is BlockKind.STANDFIRST:
                    rule = "between headline and body"
                else:
                    told += row["words"]
            else:
                kind, rule = (
                    verdicts.dropped.get(i)
                    or fixed.get(i)
                    or (None if tested[i] else _find_rule(raw, row))
                    or _name_dropped(
                        raw, row, float(scores[i]), int(at[0]) < i < int(at[-1]), i in (at[0] - 1, at[-1] + 1)
                    )
                )
            self.blocks.append(Block(kind, raw.text, rule, float(scores[i])))

    def release_swallowed(self, scores: NDArray[np.float32], fixed: dict[int, tuple[BlockKind, str]]) -> None:
        """Take back the verdicts of rules by name that would take most of the text that scores like an article.

        Comments are often longer than the article: they stay comments if an article is left, or if they read like it.
        """
        taken = [i for i, (_, rule) in fixed.items() if scores[i] > _KEEP and (rule in _BY_NAME or rule == _COMMENTS)]
        if not taken:
            return
        words = np.where(scores > _KEEP, self.features[:, COLUMN["words"]], 0)
        words[(words < PROSE_WORDS) | (self.features[:, COLUMN["linked"]] > 0.4)] = 0
        comments = self.features[:, _INSIDE["comment"]] > 0
        asks = self.features[:, _PHRASE["comment"]] > 0
        wrong = set()
        if words[~comments].sum() < min(STORY_WORDS, words.sum() / 2) and not (comments & asks).any():
            wrong.add(_COMMENTS)
            comments[:] = False
        words[comments] = 0
        for rule, names in _BY_NAME.items():
            named = (self.features[:, [_INSIDE[name] for name in names]] > 0).any(axis=1)
            if words[named].sum() > words.sum() / 2:
                wrong.add(rule)
        for i in taken:
            if fixed[i][1] in wrong and not comments[i]:
                del fixed[i]

    def find_start(self, kept: int) -> int:
        """Return the index of the headline above the first kept block, or else leave room for pictures above it."""
        low, near = max(0, kept - _BEFORE), max(0, kept - BEFORE)
        window = self.features[low:near]
        heads = (window[:, COLUMN["title_equal"]] >= 0.97) | (window[:, COLUMN["h1_dist"]] >= 0)
        return low + int(np.argmax(heads)) if heads.any() else near

    def row(self, index: int) -> Row:
        """Return a block's features; the same object each time."""
        row = self.rows.get(index)
        if row is None:
            row = self.rows[index] = Row(self.features[index])
        return row


def _find_rule(raw: RawBlock, row: Row) -> tuple[BlockKind, str] | None:
    """Return the kind and the rule of a block that is not body on any page, or None."""
    if not any(map(str.isalnum, raw.text)) and "___" not in raw.text:
        return BlockKind.OTHER, "no letter or digit"
    if _is_embedded(raw.frame):
        return BlockKind.EMBED, "post from another site"
    if row["words"] < 40 and opens_with_promo(raw.text):
        return BlockKind.PROMO, "opens with a call to subscribe"
    # the rules that do not overrule come later, since the page may still restore a doubtful block
    return next(((rule.kind, rule.name) for rule in _OVERRULING if rule.test(row)), None)


def _is_layout(walk: Walk, features: Matrix, kept: NDArray[np.bool_]) -> bool:
    """Say whether most of the kept text is prose in cells: such a table has the page's layout, not data."""
    words, ends = features[:, COLUMN["words"]], features[:, COLUMN["ends_sentence"]] > 0
    cells = [i for i in map(int, np.nonzero(kept & (ends | (words >= PROSE_WORDS)))[0]) if _is_cell(walk.blocks[i])]
    return float(words[cells].sum()) > float(words[kept].sum()) / 2


def _is_cell(raw: RawBlock) -> bool:
    return raw.frame.tag in ("td", "th")


def _name_kept(tag: str, row: Row, live: bool, in_layout: bool, told: float) -> BlockKind:
    """Return the kind of a kept block, before which there are `told` words of the body."""
    if told < STORY_WORDS and is_standfirst(row):
        return BlockKind.STANDFIRST
    if tag in _HEADINGS:
        return BlockKind.HEADING
    if tag in ("td", "th") and row["words"] < 25 and not in_layout:
        return BlockKind.TABLE
    if tag in ("li", "dt", "dd") or row["dist:<ul>"] <= 1 or row["dist:<ol>"] <= 1:
        return BlockKind.LIST_ITEM
    if row["dist:<blockquote>"] <= 2:
        return BlockKind.QUOTE
    if live and row.inside("live"):
        return BlockKind.LIVE_POST
    return BlockKind.PARAGRAPH


def _name_dropped(raw: RawBlock, row: Row, score: float, between: bool, beside: bool) -> tuple[BlockKind, str]:
    """Return the likeliest kind of a block that scored too low, and the rule that says so, "" if no rule does.

    `between` says whether kept blocks surround it, `beside` whether it is next to the first or the last of them.
    """
    if beside and row["words"] <= 7 and row["linked"] < 0.5 and is_names(raw.text):
        return BlockKind.BYLINE, NAMES_ALONE
    if between and _is_cell(raw) and row.inside("<table>"):
        return BlockKind.TABLE, "cell of a table"
    if row["words"] <= 10 and row["digits"] > 0.15 and parse_date(raw.text):
        return BlockKind.BYLINE, "a date"
    if is_standfirst(row) and row["desc_equal"] > 0.85:
        return BlockKind.STANDFIRST, "same text as the description"
    if is_standfirst(row) and score > _MAYBE_STANDFIRST:
        return BlockKind.STANDFIRST, "between headline and body"
    return next(((rule.kind, rule.name) for rule in RULES if rule.test(row)), (BlockKind.OTHER, ""))


def _is_embedded(frame: Frame | None) -> bool:
    for _ in range(3):
        if frame is None:
            return False
        if _EMBED.search(frame.key):
            return True
        frame = frame.parent
    return False


def cut_region(blocks: list[Block], keep: frozenset[BlockKind]) -> list[Block]:
    """Return the blocks from the headline on, or from the first kept one, leaving out the menus above."""
    kept = [i for i, block in enumerate(blocks) if block.kind in keep]
    if not kept:
        return []
    heads = [i for i, b in enumerate(blocks[: kept[0]]) if b.kind in (BlockKind.HEADLINE, BlockKind.STANDFIRST)]
    first = heads[0] if heads and kept[0] - heads[0] < 60 else kept[0]
    return blocks[first:]

"""Measure the blocks of a page: one row of numbers per block, for the classifier.

No feature names a publisher or a language: phrases (transforms.page.judge.phrases) and names of elements
(transforms.page.judge.cues) count as yes or no per kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from transforms.page.judge.layout import ANCESTORS, FAR, BlockFrames, Layout, distrust_names, read_frames
from transforms.page.judge.phrases import PHRASE_KINDS, find_phrases
from transforms.page.judge.walk import NEVER, TAG_INDEX, Frame, RawBlock, Walk
from transforms.page.text import UNSPACED, text_key

Matrix = NDArray[np.float32]
Column: TypeAlias = NDArray[np.generic] | Sequence[float]

_ENDS = frozenset('.!?…。！？।؟.”"»’“)')
_SENTENCE_ENDS = frozenset(".!?…。！？।؟")
_OWN_TAGS = {
    tag: number
    for number, tag in enumerate(
        [
            "p",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "li",
            "div",
            "td",
            "th",
            "blockquote",
            "figcaption",
            "article",
            "section",
            "dt",
            "dd",
            "pre",
            "body",
        ],
        start=1,
    )
}
# keys that are no longer than this are compared as a whole
_SHORT_KEY = 12
# pages with more blocks skip the search for each block in all others, which is quadratic
_MANY = 2000
# as do pages with more text than this; the longest of 1,746 pages has 95,203 characters
_MUCH_CHARS = 500_000


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The metadata that helps to judge blocks."""

    titles: tuple[str, ...] = ()
    description: str = ""
    authors: tuple[str, ...] = ()
    article_body: str = ""


class BlockFeatures(NamedTuple):
    """What is measured of each block, a column each; the names of its fields are the names of the features."""

    words: Column
    chars: Column
    linked: Column
    links: Column
    bold: Column
    italic: Column
    tag: Column
    depth: Column
    commas: Column
    digits: Column
    upper: Column
    starts_upper: Column
    ends_sentence: Column
    ends_any: Column
    colon: Column
    quote: Column
    bullet: Column
    special: Column
    at_sign: Column
    title_equal: Column
    title_overlap: Column
    desc_equal: Column
    desc_overlap: Column
    in_body: Column
    author: Column
    dup_before: Column
    dup_after: Column
    pic_near: Column
    pic_before: Column
    parent_share: Column
    grand_share: Column
    great_share: Column
    direct_dist: Column
    up_dist: Column
    sig_count: Column
    sig_good: Column
    sig_words: Column
    first_in_frame: Column
    only_in_frame: Column
    position: Column
    main_position: Column
    after_main: Column
    h1_dist: Column
    h1_words: Column
    max_cap: Column
    sentences: Column
    avg_word: Column
    frame_blocks: Column
    frame_linked: Column
    contained: Column
    h1_since: Column
    article_same: Column
    article_rank: Column
    author_equal: Column
    list_words: Column
    list_colon: Column
    list_main: Column
    frame_good: Column


class PageFeatures(NamedTuple):
    """What is measured of a page, the same for all its blocks; field names are feature names."""

    page_blocks: float
    page_good: float
    main_share: float
    main_depth: float
    unspaced: float


_NEIGHBOUR = ("words", "linked", "tag", "ends_sentence", "in_main", "same_frame", "same_sig", "good_between")
_OFFSETS = (-2, -1, 1, 2)
_OWN = {name: number for number, name in enumerate(BlockFeatures._fields)}
_REACHES = (-5, -3, 3, 5)
# Names identify the columns: the model's file contains them, and loading it compares them.
FEATURES: tuple[str, ...] = (
    *BlockFeatures._fields,
    *PageFeatures._fields,
    *(f"phrase:{kind}" for kind in PHRASE_KINDS),
    *(f"dist:{name}" for name in ANCESTORS),
    *(f"inside:{name}" for name in ANCESTORS),
    *(f"near{offset:+d}:{name}" for offset in _OFFSETS for name in _NEIGHBOUR),
    *(f"good{offset:+d}" for offset in _REACHES),
)
COLUMN = {name: number for number, name in enumerate(FEATURES)}
_PHRASE_NUMBER = {kind: number for number, kind in enumerate(PHRASE_KINDS)}


def measure_blocks(walk: Walk, facts: PageFacts, layout: Layout) -> Matrix:
    """Return a row of FEATURES for each block of a page."""
    blocks = walk.blocks
    count = len(blocks)
    columns = np.zeros((len(FEATURES), count), dtype=np.float32)
    if not count:
        return columns.T
    near = read_frames(blocks)
    own = _measure_each(walk, facts, layout, near)
    for number, column in enumerate(own):
        columns[number] = column
    place = len(own)
    facts_of_page = PageFeatures(
        page_blocks=count,
        page_good=sum(layout.good),
        main_share=layout.main_share,
        main_depth=layout.main.depth,
        unspaced=sum(1 for b in blocks if not b.text.isascii() and UNSPACED.search(b.text)) / count,
    )
    columns[place : place + len(facts_of_page)] = np.array(facts_of_page, dtype=np.float32)[:, None]
    place += len(facts_of_page)
    for i, block in enumerate(blocks):
        for kind in find_phrases(block.text):
            columns[place + _PHRASE_NUMBER[kind], i] = 1
    place += len(PHRASE_KINDS)
    depth = np.array([frame.depth for frame in near.frames])
    distance, inside = np.minimum(depth - near.nearest, FAR), near.nearest > np.array(layout.lca_depth)
    distrust_names(distance, inside, np.array(layout.good))
    columns[place : place + len(ANCESTORS)] = distance
    place += len(ANCESTORS)
    columns[place : place + len(ANCESTORS)] = inside
    place += len(ANCESTORS)
    _measure_neighbours(columns, place, near, layout)
    return np.ascontiguousarray(columns.T)


def _overlap(words: set[str], other: frozenset[str]) -> float:
    return len(words & other) / len(words) if words else 0.0


def _measure_each(walk: Walk, facts: PageFacts, layout: Layout, near: BlockFrames) -> BlockFeatures:
    blocks = walk.blocks
    count = len(blocks)
    index = np.arange(count)
    texts = [block.text for block in blocks]
    keys = [text_key(text) for text in texts]
    length = np.array([len(text) for text in texts])
    words, good = np.array(layout.words), np.array(layout.good)
    linked = np.array([block.linked for block in blocks])
    lca_depth, main_depth = np.array(layout.lca_depth), layout.main.depth
    depth = np.array([frame.depth for frame in near.frames])
    total_good = max(1, sum(layout.good))
    letters, digits, uppers = _count_letters([text[:300] for text in texts])

    main_at = np.nonzero((lca_depth == main_depth) & (good > 0))[0]
    first, last = (int(main_at[0]), int(main_at[-1])) if len(main_at) else (0, count - 1)
    title_keys = {text_key(title) for title in facts.titles if title}
    h1 = _find_headline(blocks, keys, title_keys, first)
    good_before = np.cumsum(good) - good
    h1_since = np.cumsum([i > h1 and frame.tag == "h1" for i, frame in enumerate(near.frames)])
    article_same, article_rank = _find_articles(near, h1, first)

    title_equal, title_overlap, desc_overlap = _compare_words(texts, keys, layout.words, facts, title_keys)
    desc_key, body_key = text_key(facts.description), text_key(facts.article_body)
    author_keys = {key for key in map(text_key, facts.authors) if len(key) > 4}
    joined = "\n".join(keys[i] for i in range(count) if layout.good[i]) if count < _MANY else ""
    if len(joined) > _MUCH_CHARS:
        joined = ""

    seen: dict[str, int] = {}
    dup_before = []
    for key in keys:
        before = seen.get(key, 0)
        dup_before.append(before)
        seen[key] = before + 1
    parent_ids = near.parent_id.tolist()
    opened: dict[int, bool] = {}
    list_colon = []
    for i, number in enumerate(parent_ids):
        if number not in opened:
            opened[number] = i > 0 and texts[i - 1].endswith((":", "："))
        list_colon.append(opened[number])

    sig_count = np.bincount(near.signature)
    sig_good = np.bincount(near.signature, weights=good)
    sig_words = np.bincount(near.signature, weights=words)
    siblings = np.bincount(near.parent_id)[near.parent_id]

    def of_siblings(values: NDArray[np.generic]) -> NDArray[np.float64]:
        total = np.bincount(near.parent_id, weights=values.astype(np.float64))
        return total.astype(np.float64, copy=False)[near.parent_id]

    pic_near, pic_before = _find_pictures(walk, near)
    ends = [text[-1] for text in texts]
    starts = [text[0] for text in texts]
    return BlockFeatures(
        words=words,
        chars=length,
        linked=linked / length,
        links=[block.links for block in blocks],
        bold=np.array([block.bold for block in blocks]) / length,
        italic=np.array([block.italic for block in blocks]) / length,
        tag=[_OWN_TAGS.get(frame.tag, 0) for frame in near.frames],
        depth=depth,
        commas=[_count_any(text, ",", "、，") for text in texts],
        digits=digits / np.minimum(length, 300),
        upper=uppers / np.maximum(letters, 1),
        starts_upper=[start.isupper() for start in starts],
        ends_sentence=[end in _SENTENCE_ENDS for end in ends],
        ends_any=[end in _ENDS for end in ends],
        colon=[end in ":：" for end in ends],
        quote=[start in "\"'“„«»‘「『‹" for start in starts],
        bullet=[start in "•·–-—*►▶→>|+●■□◆▪" for start in starts],
        special=[_count_any(text, "|>", "»›→•·") for text in texts],
        at_sign=["@" in text for text in texts],
        title_equal=title_equal,
        title_overlap=title_overlap,
        desc_equal=[_match_key(key, desc_key) for key in keys] if desc_key else [-1] * count,
        desc_overlap=desc_overlap,
        in_body=[len(key) > 3 and key[:80] in body_key for key in keys] if len(body_key) > 200 else [-1] * count,
        author=[len(text) < 200 and any(a in key for a in author_keys) for text, key in zip(texts, keys, strict=True)]
        if author_keys
        else [0] * count,
        dup_before=dup_before,
        dup_after=[seen[key] - before - 1 for key, before in zip(keys, dup_before, strict=True)],
        pic_near=pic_near,
        pic_before=pic_before,
        parent_share=np.array([frame.words for frame in near.parents]) / total_good,
        grand_share=np.array([frame.words for frame in near.grands]) / total_good,
        great_share=np.array([frame.words for frame in near.greats]) / total_good,
        direct_dist=depth - lca_depth,
        up_dist=main_depth - lca_depth,
        sig_count=sig_count[near.signature],
        sig_good=sig_good[near.signature] / total_good,
        sig_words=(sig_words / np.maximum(sig_count, 1))[near.signature],
        first_in_frame=np.diff(near.own_id, prepend=-1) != 0,
        only_in_frame=siblings == 1,
        position=index / count,
        main_position=(index - first) / max(1, last - first),
        after_main=np.minimum(index - last, 50),
        h1_dist=np.clip(index - h1, -50, 50),
        h1_words=good_before - good_before[h1],
        max_cap=[max(map(len, text.split(" "))) if len(text) < 300 else 10 for text in texts],
        sentences=[_count_pairs(text) for text in texts],
        avg_word=length / np.maximum(1, words),
        frame_blocks=siblings,
        frame_linked=of_siblings(linked) / of_siblings(length),
        contained=[
            len(key) > 25 and (joined.count(key) > 1 if is_good else key in joined)
            for key, is_good in zip(keys, layout.good, strict=True)
        ],
        h1_since=h1_since,
        article_same=article_same,
        article_rank=article_rank,
        author_equal=[key in author_keys for key in keys],
        list_words=of_siblings(words) / siblings,
        list_colon=list_colon,
        list_main=main_depth
        - np.array(
            [
                (grand if frame.tag == "li" else parent).depth
                for frame, parent, grand in zip(near.frames, near.parents, near.grands, strict=True)
            ]
        ),
        frame_good=of_siblings(good > 0) / siblings,
    )


def _count_any(text: str, ascii_marks: str, other_marks: str) -> int:
    found = sum(map(text.count, ascii_marks))
    return found if text.isascii() else found + sum(map(text.count, other_marks))


def _count_pairs(text: str) -> int:
    """Count the ends of sentences within a text."""
    found = text.count(". ") + text.count("! ") + text.count("? ")
    return found if text.isascii() else found + text.count("。")


# what is known of each character: bits _KNOWN, _LETTER, _DIGIT, _UPPER; filled in as characters are met
_KNOWN, _LETTER, _DIGIT, _UPPER = 1, 2, 4, 8
_CHARACTERS = np.zeros(0x110000, dtype=np.uint8)


def _count_letters(texts: list[str]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the numbers of letters, digits and capitals in each text; no text may be empty."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    flags = _CHARACTERS[codes]
    if not flags.all():
        for code in np.unique(codes[flags == 0]).tolist():
            char = chr(code)
            _CHARACTERS[code] = _KNOWN + _LETTER * char.isalpha() + _DIGIT * char.isdigit() + _UPPER * char.isupper()
        flags = _CHARACTERS[codes]
    starts = np.cumsum([0, *map(len, texts[:-1])])
    letters, digits, uppers = (
        np.add.reduceat((flags & bit) != 0, starts, dtype=np.intp) for bit in (_LETTER, _DIGIT, _UPPER)
    )
    return letters, digits, uppers


def _compare_words(
    texts: list[str], keys: list[str], words: list[int], facts: PageFacts, title_keys: set[str]
) -> tuple[list[float], list[float], list[float]]:
    """Return for each block how far it equals a title, and the shares of its words in a title and the description."""
    titles = list({frozenset(title.lower().split()) for title in facts.titles})
    in_titles: frozenset[str] = frozenset().union(*titles)
    described = frozenset(facts.description.lower().split())
    title_equal, title_overlap, desc_overlap = [], [], []
    for text, key, count in zip(texts, keys, words, strict=True):
        # no part of a title is that short
        if len(key) <= _SHORT_KEY:
            title_equal.append(float(key in title_keys and key != ""))
        else:
            title_equal.append(max((_match_key(key, title) for title in title_keys), default=0.0))
        of_title = of_description = 0.0
        if len(text) < 600 and (count < 40 or described):
            tokens = set(text.lower().split())
            if count < 40 and not in_titles.isdisjoint(tokens):
                of_title = max(_overlap(tokens, title) for title in titles)
            of_description = _overlap(tokens, described)
        title_overlap.append(of_title)
        desc_overlap.append(of_description)
    return title_equal, title_overlap, desc_overlap


def _find_articles(near: BlockFrames, h1: int, first: int) -> tuple[list[int], list[int]]:
    """Return for each block whether it is in the headline's <article> (-1 if that is in none), and its own's number."""
    frames, inside = near.frames, (near.nearest[TAG_INDEX["article"]] != NEVER).tolist()
    home = _find_ancestor(frames[h1] if inside[h1] else frames[first], "article")
    known: dict[int, Frame | None] = {}
    ranks: dict[int, int] = {}
    same, rank = [], []
    for frame, is_inside in zip(frames, inside, strict=True):
        article = None
        if is_inside:
            if frame.number not in known:
                known[frame.number] = _find_ancestor(frame, "article")
            article = known[frame.number]
        same.append(int(article is home) if home else -1)
        rank.append(ranks.setdefault(article.number, len(ranks)) if article else -1)
    return same, rank


def _find_pictures(walk: Walk, near: BlockFrames) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say for each block whether a picture just before it, and one before the previous block, is in a frame near it."""
    count = len(near.frames)
    around: dict[int, set[int]] = {}
    for picture in walk.pictures:
        numbers = around.setdefault(picture.position, set())
        frame: Frame | None = picture.frame
        for _ in range(5):
            if frame is None:
                break
            numbers.add(frame.number)
            frame = frame.parent
    here, before = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    for position, numbers in around.items():
        for place, found in ((position, here), (position + 1, before)):
            if place < count:
                own = (near.frames[place].number, near.parents[place].number, near.grands[place].number)
                found[place] = not numbers.isdisjoint(own)
    return here, before


def _find_ancestor(frame: Frame | None, tag: str) -> Frame | None:
    while frame is not None and frame.tag != tag:
        frame = frame.parent
    return frame


def _match_key(key: str, other: str) -> float:
    if not key or not other:
        return 0.0
    if key == other:
        return 1.0
    shorter, longer = (key, other) if len(key) < len(other) else (other, key)
    if len(shorter) > _SHORT_KEY and shorter in longer:
        return len(shorter) / len(longer)
    return 0.9 if len(shorter) > 40 and longer.startswith(shorter[:40]) else 0.0


def _find_headline(blocks: Sequence[RawBlock], keys: list[str], titles: set[str], first: int) -> int:
    candidates = [i for i, b in enumerate(blocks) if b.frame.tag in ("h1", "h2") and keys[i] in titles]
    candidates = candidates or [i for i, b in enumerate(blocks) if b.frame.tag == "h1"]
    before = [i for i in candidates if i <= first]
    if before:
        return before[-1]
    return candidates[0] if candidates else first


def _measure_neighbours(columns: Matrix, place: int, near: BlockFrames, layout: Layout) -> None:
    """Fill in, from row `place` of `columns` on, what the blocks before and after each are like."""
    count = len(near.frames)
    good = np.array(layout.good)
    about = {name: columns[_OWN[name]] for name in ("words", "linked", "tag", "ends_sentence")}
    about["in_main"] = (np.array(layout.lca_depth) == layout.main.depth).astype(np.float32)
    about["good_between"] = good.astype(np.float32)
    for offset in _OFFSETS:
        # the blocks that have a neighbour at this offset, and their neighbours
        inner = slice(max(0, -offset), max(0, count - max(0, offset)))
        other = slice(max(0, offset), max(0, count + min(0, offset)))
        for name in _NEIGHBOUR:
            column = columns[place]
            place += 1
            column[:] = -1
            if name == "same_frame":
                column[inner] = near.parent_id[other] == near.parent_id[inner]
            elif name == "same_sig":
                column[inner] = near.signature[other] == near.signature[inner]
            else:
                column[inner] = about[name][other]
    index = np.arange(count)
    total = np.concatenate(([0], np.cumsum(good)))
    for offset in _REACHES:
        low = np.clip(index + (offset if offset < 0 else 1), 0, count)
        high = np.clip(index + (offset + 1 if offset > 0 else 0), 0, count)
        columns[place] = total[high] - total[low]
        place += 1

"""Measure the blocks of a page: one row of numbers per block, for the classifier.

No feature names a publisher or a language: phrases (transforms.page.judge.phrases) and names of elements
(transforms.page.judge.cues) count as yes or no per kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.page.judge.cues import CUE_INDEX, CUES
from transforms.page.judge.phrases import PHRASE_KINDS, find_phrases
from transforms.page.judge.walk import NEVER, TAG_INDEX, TAGS, Frame, RawBlock, Walk
from transforms.page.text import UNSPACED, count_words, text_key

Matrix = NDArray[np.float32]

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
_GOOD_WORDS = 12
_FAR = 40
# pages with more blocks skip the search for each block in all others, which is quadratic
_MANY = 2000
# as do pages with more text than this; the longest of 1,746 pages has 95,203 characters
_MUCH_CHARS = 500_000
# how much a paragraph counts for the ancestor 1, 2, 3 ... levels above it in the search for the main frame
_DECAY = (0.0, 1.0, 0.8, 0.55, 0.3)
_DAMPING = (CUE_INDEX["comment"], CUE_INDEX["nav"], TAG_INDEX["footer"], TAG_INDEX["nav"])


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The metadata that helps to judge blocks."""

    titles: tuple[str, ...] = ()
    description: str = ""
    authors: tuple[str, ...] = ()
    article_body: str = ""


@dataclass(slots=True)
class Layout:
    """Where the text of a page is: the frame that holds most of its paragraphs, and each block's distance from it.

    `lca_depth` is the depth of the nearest common ancestor of a block and `main`; `good` is the number of words of a
    block that reads like running text, else 0; `words` counts all of its words.
    """

    main: Frame
    main_share: float
    lca_depth: list[int]
    good: list[int]
    words: list[int]


def find_layout(walk: Walk) -> Layout:
    """Find the element whose children hold most of the page's running text."""
    words = [count_words(block.text) for block in walk.blocks]
    good: list[int] = []
    direct: dict[int, float] = defaultdict(float)
    for block, count in zip(walk.blocks, words, strict=True):
        density = block.linked / max(1, len(block.text))
        weight = min(count, 100) if count >= _GOOD_WORDS and density < 0.4 else 0
        good.append(weight)
        if weight:
            frame: Frame | None = block.frame
            step = 0
            nearest = block.frame.nearest
            damp = 0.3 if any(nearest[cue] != NEVER for cue in _DAMPING) else 1.0
            while frame is not None:
                frame.words += weight
                if 0 < step < len(_DECAY):
                    direct[frame.number] += weight * _DECAY[step] * damp
                frame, step = frame.parent, step + 1
    main = walk.frames[max(direct, key=lambda n: (direct[n], walk.frames[n].depth))] if direct else walk.frames[0]
    path: dict[int, int] = {}
    frame = main
    while frame is not None:
        path[frame.number] = frame.depth
        frame = frame.parent
    known: dict[int, int] = dict(path)
    depths = []
    for block in walk.blocks:
        frame, trail = block.frame, []
        while frame.number not in known and frame.parent is not None:
            trail.append(frame.number)
            frame = frame.parent
        depth = known.get(frame.number, 0)
        for number in trail:
            known[number] = depth
        depths.append(depth)
    return Layout(main, main.words / max(1, sum(good)), depths, good, words)


class BlockFeatures(NamedTuple):
    """What is measured of one block; the names of its fields are the names of the features."""

    words: float
    chars: float
    linked: float
    links: float
    bold: float
    italic: float
    tag: float
    depth: float
    commas: float
    digits: float
    upper: float
    starts_upper: float
    ends_sentence: float
    ends_any: float
    colon: float
    quote: float
    bullet: float
    special: float
    at_sign: float
    title_equal: float
    title_overlap: float
    desc_equal: float
    desc_overlap: float
    in_body: float
    author: float
    dup_before: float
    dup_after: float
    pic_near: float
    pic_before: float
    parent_share: float
    grand_share: float
    great_share: float
    direct_dist: float
    up_dist: float
    sig_count: float
    sig_good: float
    sig_words: float
    first_in_frame: float
    only_in_frame: float
    position: float
    main_position: float
    after_main: float
    h1_dist: float
    h1_words: float
    max_cap: float
    sentences: float
    avg_word: float
    frame_blocks: float
    frame_linked: float
    contained: float
    h1_since: float
    article_same: float
    article_rank: float
    author_equal: float
    list_words: float
    list_colon: float
    list_main: float
    frame_good: float


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
# in the order of Frame.nearest; "article", "body" and "nav" are both words in class names and tags
_ANCESTORS = (*CUES, *(f"<{tag}>" for tag in TAGS))
# Names identify the columns: the model's file contains them, and loading it compares them.
FEATURES: tuple[str, ...] = (
    *BlockFeatures._fields,
    *PageFeatures._fields,
    *(f"phrase:{kind}" for kind in PHRASE_KINDS),
    *(f"dist:{name}" for name in _ANCESTORS),
    *(f"inside:{name}" for name in _ANCESTORS),
    *(f"near{offset:+d}:{name}" for offset in _OFFSETS for name in _NEIGHBOUR),
    *(f"good{offset:+d}" for offset in _REACHES),
)
COLUMN = {name: number for number, name in enumerate(FEATURES)}


def measure_blocks(walk: Walk, facts: PageFacts, layout: Layout) -> Matrix:
    """Return a row of FEATURES for each block of a page."""
    blocks = walk.blocks
    count = len(blocks)
    if not count:
        return np.zeros((0, len(FEATURES)), dtype=np.float32)
    keys = [text_key(block.text) for block in blocks]
    own = np.array(_measure_each(walk, facts, layout, keys), dtype=np.float32)
    phrases = np.array([_phrase_row(block.text) for block in blocks], dtype=np.float32)
    total_good = sum(layout.good)
    unspaced = sum(1 for b in blocks if not b.text.isascii() and UNSPACED.search(b.text)) / count
    facts_of_page = PageFeatures(
        page_blocks=count,
        page_good=total_good,
        main_share=layout.main_share,
        main_depth=layout.main.depth,
        unspaced=unspaced,
    )
    page = np.tile(np.array(facts_of_page, dtype=np.float32), (count, 1))
    depth = np.array([b.frame.depth for b in blocks], dtype=np.float32)[:, None]
    nearest = np.array([b.frame.nearest for b in blocks], dtype=np.float32)
    distance = np.minimum(depth - nearest, _FAR)
    inside = (nearest > np.array(layout.lca_depth, dtype=np.float32)[:, None]).astype(np.float32)
    return np.hstack((own, page, phrases, distance, inside, _measure_neighbours(blocks, own, layout)))


def _phrase_row(text: str) -> list[bool]:
    found = find_phrases(text)
    return [kind in found for kind in PHRASE_KINDS]


def _overlap(words: set[str], other: set[str]) -> float:
    return len(words & other) / len(words) if words else 0.0


def _measure_each(walk: Walk, facts: PageFacts, layout: Layout, keys: list[str]) -> list[BlockFeatures]:
    blocks = walk.blocks
    count = len(blocks)
    total = Counter(keys)
    seen: Counter[str] = Counter()
    signatures = [b.frame.signature for b in blocks]
    sig_count = Counter(signatures)
    sig_good: Counter[str] = Counter()
    sig_words: Counter[str] = Counter()
    frame_count: Counter[int] = Counter()
    frame_chars: Counter[int] = Counter()
    frame_linked: Counter[int] = Counter()
    for i, block in enumerate(blocks):
        sig_good[signatures[i]] += layout.good[i]
        sig_words[signatures[i]] += layout.words[i]
        parent = block.frame.parent or block.frame
        frame_count[parent.number] += 1
        frame_chars[parent.number] += len(block.text)
        frame_linked[parent.number] += block.linked
    total_good = max(1, sum(layout.good))
    in_main = [depth == layout.main.depth for depth in layout.lca_depth]
    main_at = [i for i in range(count) if in_main[i] and layout.good[i]]
    first, last = (main_at[0], main_at[-1]) if main_at else (0, count - 1)
    titles = [t for t in facts.titles if t]
    title_words = [set(t.lower().split()) for t in facts.titles]
    title_keys = {text_key(t) for t in titles}
    h1 = _find_headline(blocks, keys, title_keys, first)
    desc_key = text_key(facts.description)
    desc_words = set(facts.description.lower().split())
    body_key = text_key(facts.article_body)
    author_keys = [k for k in map(text_key, facts.authors) if len(k) > 4]
    pictures: Counter[int] = Counter()
    picture_frames: dict[int, set[int]] = {}
    for picture in walk.pictures:
        pictures[picture.position] += 1
        near = picture_frames.setdefault(picture.position, set())
        frame: Frame | None = picture.frame
        for _ in range(5):
            if frame is None:
                break
            near.add(frame.number)
            frame = frame.parent
    joined = "\n".join(keys[i] for i in range(count) if layout.good[i]) if count < _MANY else ""
    if len(joined) > _MUCH_CHARS:
        joined = ""
    article_at = TAG_INDEX["article"]
    anchor = blocks[h1].frame if blocks[h1].frame.nearest[article_at] != NEVER else blocks[first].frame
    home = _find_ancestor(anchor, "article")
    article_ranks: dict[int, int] = {}
    h1_since = 0
    frame_good: Counter[int] = Counter()
    for i, block in enumerate(blocks):
        frame_good[(block.frame.parent or block.frame).number] += layout.good[i] > 0
    frame_words: Counter[int] = Counter()
    for i, block in enumerate(blocks):
        frame_words[(block.frame.parent or block.frame).number] += layout.words[i]
    colon_before: dict[int, bool] = {}
    previous_text = ""
    rows: list[BlockFeatures] = []
    good_so_far = 0
    good_at_h1 = sum(layout.good[:h1])
    previous_frame = -1
    for i, block in enumerate(blocks):
        text, key, frame_ = block.text, keys[i], block.frame
        length = max(1, len(text))
        parent = frame_.parent or frame_
        grand = parent.parent or parent
        great = grand.parent or grand
        lowered = text.lower() if length < 600 else ""
        tokens = set(lowered.split())
        ancestors = (frame_.number, parent.number, grand.number)
        near_pictures = picture_frames.get(i, ())
        before_pictures = picture_frames.get(i - 1, ())
        start = text[:300]
        letters = sum(map(str.isalpha, start)) or 1
        if i > h1 and frame_.tag == "h1":
            h1_since += 1
        article = _find_ancestor(frame_, "article") if frame_.nearest[article_at] != NEVER else None
        rank = article_ranks.setdefault(article.number, len(article_ranks)) if article else -1
        if parent.number not in colon_before:
            colon_before[parent.number] = previous_text.endswith((":", "："))
        rows.append(
            BlockFeatures(
                words=layout.words[i],
                chars=length,
                linked=block.linked / length,
                links=block.links,
                bold=block.bold / length,
                italic=block.italic / length,
                tag=_OWN_TAGS.get(frame_.tag, 0),
                depth=frame_.depth,
                commas=text.count(",") + text.count("、") + text.count("，"),
                digits=sum(map(str.isdigit, start)) / min(length, 300),
                upper=sum(map(str.isupper, start)) / letters,
                starts_upper=text[0].isupper(),
                ends_sentence=text[-1] in _SENTENCE_ENDS,
                ends_any=text[-1] in _ENDS,
                colon=text[-1] in ":：",
                quote=text[0] in "\"'“„«»‘「『‹",
                bullet=text[0] in "•·–-—*►▶→>|+●■□◆▪",
                special=sum(map(text.count, "|>»›→•·")),
                at_sign="@" in text,
                title_equal=max((_match_key(key, t) for t in title_keys), default=0.0),
                title_overlap=max((_overlap(tokens, w) for w in title_words), default=0.0)
                if layout.words[i] < 40
                else 0.0,
                desc_equal=_match_key(key, desc_key) if desc_key else -1,
                desc_overlap=_overlap(tokens, desc_words) if desc_words and lowered else 0.0,
                in_body=(key[:80] in body_key if len(key) > 3 else 0) if len(body_key) > 200 else -1,
                author=length < 200 and any(a in key for a in author_keys),
                dup_before=seen[key],
                dup_after=total[key] - seen[key] - 1,
                pic_near=any(n in near_pictures for n in ancestors),
                pic_before=any(n in before_pictures for n in ancestors),
                parent_share=parent.words / total_good,
                grand_share=grand.words / total_good,
                great_share=great.words / total_good,
                direct_dist=frame_.depth - layout.lca_depth[i],
                up_dist=layout.main.depth - layout.lca_depth[i],
                sig_count=sig_count[signatures[i]],
                sig_good=sig_good[signatures[i]] / total_good,
                sig_words=sig_words[signatures[i]] / sig_count[signatures[i]],
                first_in_frame=frame_.number != previous_frame,
                only_in_frame=frame_count[parent.number] == 1,
                position=i / count,
                main_position=(i - first) / max(1, last - first),
                after_main=min(i - last, 50),
                h1_dist=max(-50, min(i - h1, 50)),
                h1_words=good_so_far - good_at_h1,
                max_cap=max(map(len, text.split())) if length < 300 else 10,
                sentences=sum(map(text.count, (". ", "! ", "? ", "。"))),
                avg_word=length / max(1, layout.words[i]),
                frame_blocks=frame_count[parent.number],
                frame_linked=frame_linked[parent.number] / max(1, frame_chars[parent.number]),
                contained=len(key) > 25 and joined.count(key) > (layout.good[i] > 0),
                h1_since=h1_since,
                article_same=(article is home) if home else -1,
                article_rank=rank,
                author_equal=any(key == a for a in author_keys),
                list_words=frame_words[parent.number] / frame_count[parent.number],
                list_colon=colon_before[parent.number],
                list_main=layout.main.depth - (grand.depth if frame_.tag == "li" else parent.depth),
                frame_good=frame_good[parent.number] / frame_count[parent.number],
            )
        )
        good_so_far += layout.good[i]
        previous_frame = frame_.number
        previous_text = text
        seen[key] += 1
    return rows


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
    if len(shorter) > 12 and shorter in longer:
        return len(shorter) / len(longer)
    return 0.9 if len(shorter) > 40 and longer.startswith(shorter[:40]) else 0.0


def _find_headline(blocks: Sequence[RawBlock], keys: list[str], titles: set[str], first: int) -> int:
    candidates = [i for i, b in enumerate(blocks) if b.frame.tag in ("h1", "h2") and keys[i] in titles]
    candidates = candidates or [i for i, b in enumerate(blocks) if b.frame.tag == "h1"]
    before = [i for i in candidates if i <= first]
    if before:
        return before[-1]
    return candidates[0] if candidates else first


def _measure_neighbours(blocks: Sequence[RawBlock], own: Matrix, layout: Layout) -> Matrix:
    count = len(blocks)
    frame = np.array([(b.frame.parent or b.frame).number for b in blocks], dtype=np.float32)
    names = {key: n for n, key in enumerate(dict.fromkeys(b.frame.signature for b in blocks))}
    signature = np.array([names[b.frame.signature] for b in blocks], dtype=np.float32)
    in_main = (np.array(layout.lca_depth) == layout.main.depth).astype(np.float32)
    good = np.array(layout.good, dtype=np.float32)
    cumulative = np.concatenate(([0.0], np.cumsum(good)))
    parts = []
    index = np.arange(count)
    for offset in _OFFSETS:
        at = index + offset
        outside = (at < 0) | (at >= count)
        at = np.clip(at, 0, count - 1)
        columns = {
            "words": own[at, _OWN["words"]],
            "linked": own[at, _OWN["linked"]],
            "tag": own[at, _OWN["tag"]],
            "ends_sentence": own[at, _OWN["ends_sentence"]],
            "in_main": in_main[at],
            "same_frame": (frame[at] == frame).astype(np.float32),
            "same_sig": (signature[at] == signature).astype(np.float32),
            "good_between": good[at],
        }
        part = np.stack([columns[name] for name in _NEIGHBOUR], axis=1)
        part[outside] = -1
        parts.append(part)
    for offset in _REACHES:
        low = np.clip(index + (offset if offset < 0 else 1), 0, count)
        high = np.clip(index + (offset + 1 if offset > 0 else 0), 0, count)
        parts.append((cumulative[high] - cumulative[low])[:, None].astype(np.float32))
    return np.hstack(parts).astype(np.float32)

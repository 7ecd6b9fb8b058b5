"""Where the text of a page is: the element that holds most of it, and the elements around each block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from transforms.page.judge.cues import CUE_INDEX, CUES
from transforms.page.judge.dialogs import find_dialogs
from transforms.page.judge.walk import NEVER, TAG_INDEX, TAGS, Frame, RawBlock, Walk
from transforms.page.text import PROSE_WORDS, STOPS, count_words

# less than this is no text but a notice, such as one that JavaScript is needed
_FEW_SENTENCES, _FEW_WORDS = 3, 20
# how much a paragraph counts for the ancestor 1, 2, 3 ... levels above it in the search for the main frame
_DECAY = (0.0, 1.0, 0.8, 0.55, 0.3)
_DAMPING = (CUE_INDEX["comment"], CUE_INDEX["nav"], TAG_INDEX["footer"], TAG_INDEX["nav"])

# the distance of an ancestor that is not there
FAR = 40
# Names of what is beside an article. Names of comments are believed even where they hold most of the text.
_DOUBTED = tuple(
    CUE_INDEX[cue]
    for cue in [
        "related",
        "promo",
        "paywall",
        "ad",
        "social",
        "caption",
        "credit",
        "image",
        "video",
        "byline",
        "date",
        "meta",
        "bio",
        "tags",
        "nav",
        "edge",
        "box",
        "embed",
        "quote",
        "legal",
        "hidden",
        "print",
    ]
)

# in the order of Frame.nearest; "article", "body" and "nav" are both words in class names and tags
ANCESTORS = (*CUES, *(f"<{tag}>" for tag in TAGS))


@dataclass(slots=True)
class Layout:
    """Where the text of a page is: the frame that holds most of its paragraphs, and each block's distance from it.

    `lca_depth` is the depth of the nearest common ancestor of a block and `main`; `good` is the number of words of a
    block that reads like running text, else 0; `words` counts all of its words. `aside` are the numbers of the blocks
    in dialogs that do not hold the article.
    """

    main: Frame
    main_share: float
    lca_depth: list[int]
    good: list[int]
    words: list[int]
    aside: frozenset[int] = frozenset()


def find_layout(walk: Walk, titles: Sequence[str] = ()) -> Layout:
    """Find the element whose children hold most of the page's running text; `titles` are those of its metadata."""
    words = [count_words(block.text) for block in walk.blocks]
    good = [
        min(count, 100) if count >= PROSE_WORDS and block.linked < 0.4 * max(1, len(block.text)) else 0
        for block, count in zip(walk.blocks, words, strict=True)
    ]
    layout = _find_main(walk, good, words)
    layout.aside = find_dialogs(walk, good, titles)
    if layout.aside:
        held = [i for i, depth in enumerate(layout.lca_depth) if good[i] and depth == layout.main.depth]
        if 2 * sum(good[i] for i in held if i in layout.aside) > sum(good[i] for i in held):
            # a dialog has more text than the article
            good = [0 if i in layout.aside else weight for i, weight in enumerate(good)]
            return replace(_find_main(walk, good, words), aside=layout.aside)
    return layout


def _find_main(walk: Walk, good: list[int], words: list[int]) -> Layout:
    for each in walk.frames:
        each.words = 0
    direct: dict[int, float] = defaultdict(float)
    for block, weight in zip(walk.blocks, good, strict=True):
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


def find_plain_text(walk: Walk, layout: Layout) -> list[int]:
    """Return the numbers of the blocks that are most likely text, for a page on which nothing else says which are.

    They are the running text of the main element. If there is none, since all lines are short, they are the sentences
    of the element that has most of them, if those are three or more, with 20 words.
    """
    good = [i for i, depth in enumerate(layout.lca_depth) if layout.good[i] and depth == layout.main.depth]
    if good:
        return good
    held: dict[int, list[int]] = defaultdict(list)
    for i, block in enumerate(walk.blocks):
        if i not in layout.aside and block.text[-1] in STOPS and block.linked < 0.4 * len(block.text):
            if any(block.frame.nearest[cue] != NEVER for cue in _DAMPING):
                continue
            for frame in {block.frame, block.frame.parent or block.frame}:
                held[frame.number].append(i)
    best = max(held.values(), key=lambda at: sum(layout.words[i] for i in at), default=[])
    return best if len(best) >= _FEW_SENTENCES and sum(layout.words[i] for i in best) >= _FEW_WORDS else []


@dataclass(frozen=True, slots=True)
class BlockFrames:
    """The frames of the blocks: own, parent, grandparent and the next (or the last there is); ids and depths of them.

    `nearest` has a row for each of ANCESTORS. `signature` numbers what frames are made of.
    """

    frames: list[Frame]
    parents: list[Frame]
    grands: list[Frame]
    greats: list[Frame]
    own_id: NDArray[np.intp]
    parent_id: NDArray[np.intp]
    signature: NDArray[np.intp]
    nearest: NDArray[np.int32]


def read_frames(blocks: Sequence[RawBlock]) -> BlockFrames:
    frames = [block.frame for block in blocks]
    parents = [frame.parent or frame for frame in frames]
    grands = [frame.parent or frame for frame in parents]
    # neighbours often share the list of what is above them
    rows: dict[int, bytes] = {}
    for frame in frames:
        if id(frame.nearest) not in rows:
            rows[id(frame.nearest)] = frame.nearest.tobytes()
    row_of = {key: number for number, key in enumerate(rows)}
    table = np.frombuffer(b"".join(rows.values()), dtype=np.intc).reshape(len(rows), len(ANCESTORS))
    return BlockFrames(
        frames=frames,
        parents=parents,
        grands=grands,
        greats=[frame.parent or frame for frame in grands],
        own_id=np.array([frame.number for frame in frames]),
        parent_id=np.array([frame.number for frame in parents]),
        signature=number_groups([frame.signature for frame in frames]),
        nearest=np.ascontiguousarray(table[[row_of[id(frame.nearest)] for frame in frames]].T),
    )


def distrust_names(distance: NDArray[np.int32], inside: NDArray[np.bool_], good: NDArray[np.int_]) -> None:
    """Take back the names of elements that hold most of the running text, if what they say is not true of an article.

    A page whose whole text is in an element called "embed" or "caption" was built from parts with such names.
    """
    most = good.sum() / 2
    for cue in _DOUBTED:
        held = inside[cue]
        if most and good[held].sum() > most:
            distance[cue, held] = FAR
            inside[cue] = False


def number_groups(keys: Sequence[Hashable]) -> NDArray[np.intp]:
    """Number equal keys alike, in the order of their first use."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)

"""How likely each block of a page is to belong to the article: two passes of boosted trees over its features.

The second pass also sees what the first one thought of a block's neighbours, of the blocks of the same make and of the
page as a whole. Trained by tools/train_blocks.py; docs in that file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transforms.page.judge.features import Layout, Matrix, signature_of
from transforms.page.judge.forest import Forest, load_forests
from transforms.page.judge.walk import Walk

MODEL_PATH = Path(__file__).parent / "data" / "blocks.npz"
# what the first pass is as sure of as this, the second does not look at
_SETTLED = 0.01
_NEAR = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)


def score_blocks(walk: Walk, layout: Layout, features: Matrix) -> NDArray[np.float32]:
    """Return for each block the probability that it is body."""
    first, second = load_model()
    score = first.predict(features)
    open_ = np.nonzero(score > _SETTLED)[0]
    context = measure_context(walk, layout, score)
    score[open_] = second.predict(np.hstack((features[open_], context[open_])))
    return score


@lru_cache(maxsize=1)
def load_model() -> tuple[Forest, Forest]:
    """Read the two forests once a process."""
    forests = load_forests(MODEL_PATH)
    return forests["first"], forests["second"]


def measure_context(walk: Walk, layout: Layout, score: NDArray[np.float32]) -> Matrix:
    """Return what the scores of the other blocks say of each block."""
    count = len(score)
    columns: list[NDArray[np.float64]] = []
    padded = np.concatenate(([-1.0] * 5, score, [-1.0] * 5))
    columns.extend(padded[5 + offset : 5 + offset + count] for offset in _NEAR)
    weight = np.minimum(np.array(layout.words, dtype=np.float64), 60) * score
    share = np.cumsum(weight) / (weight.sum() + 1e-9)
    kept = np.nonzero(score > 0.5)[0]
    first, last = (int(kept[0]), int(kept[-1])) if len(kept) else (0, count - 1)
    index = np.arange(count)
    columns += [share, 1 - share, np.clip(index - first, -30, 30), np.clip(last - index, -30, 30)]
    frames = [(b.frame.parent or b.frame).number for b in walk.blocks]
    keys: Sequence[str | int]
    for keys in ([signature_of(b.frame) for b in walk.blocks], frames, [b.frame.tag for b in walk.blocks]):
        columns.append(_mean_of_others(keys, score))
    columns.append(score.astype(np.float64))
    total = np.concatenate(([0.0], np.cumsum(weight)))
    for reach in (3, 8, 20):
        low, high = np.clip(index - reach, 0, count), np.clip(index + reach + 1, 0, count)
        columns += [total[index] - total[low], total[high] - total[np.clip(index + 1, 0, count)]]
    return np.stack(columns, axis=1).astype(np.float32)


def _mean_of_others(keys: Sequence[str | int], score: NDArray[np.float32]) -> NDArray[np.float64]:
    sums: dict[str | int, float] = {}
    sizes: dict[str | int, int] = {}
    for key, value in zip(keys, score, strict=True):
        sums[key] = sums.get(key, 0.0) + float(value)
        sizes[key] = sizes.get(key, 0) + 1
    return np.array(
        [
            (sums[key] - float(value)) / (sizes[key] - 1) if sizes[key] > 1 else -1.0
            for key, value in zip(keys, score, strict=True)
        ]
    )

"""Score how likely each block of a page is to belong to the article: two passes of boosted trees over its features.

The second pass also sees the first scores of a block's neighbours, of the blocks built from the same elements and of
the page as a whole.

There are two models, both trained by tools/train_blocks.py. The strict one has learned from pages whose bodies follow
one convention, and finds more bodies exactly. The broad one has also learned from many more publishers, whose bodies
follow looser ones, and misses fewer articles. It is asked where the strict one is not sure.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transforms.page.judge.features import FEATURES, Matrix
from transforms.page.judge.forest import Forest, load_forests
from transforms.page.judge.layout import Layout, number_groups
from transforms.page.judge.walk import Walk

MODELS = Path(__file__).parent / "data"
# the second pass leaves out the blocks that the first scores no higher than this
_SETTLED = 0.01
_NEAR = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
_REACHES = (3, 8, 20)
CONTEXT_FEATURES: tuple[str, ...] = (
    *(f"near{offset:+d}:score" for offset in _NEAR),
    "share_before",
    "share_after",
    "since_first_kept",
    "until_last_kept",
    "mean_score:signature",
    "mean_score:parent",
    "mean_score:tag",
    "score",
    *(f"{side}{reach}:score_words" for reach in _REACHES for side in ("before", "after")),
)
# the columns of each pass
COLUMNS: dict[str, tuple[str, ...]] = {"first": FEATURES, "second": (*FEATURES, *CONTEXT_FEATURES)}


class Model(StrEnum):
    """A trained model."""

    STRICT = "strict"
    BROAD = "broad"

    @property
    def path(self) -> Path:
        """The file of the model."""
        return MODELS / f"{self.value}.npz"


def score_blocks(walk: Walk, layout: Layout, features: Matrix, model: Model = Model.STRICT) -> NDArray[np.float32]:
    """Return for each block the probability that it is body."""
    first, second = load_model(model)
    score = first.predict(features)
    open_ = np.nonzero(score > _SETTLED)[0]
    context = measure_context(walk, layout, score)
    score[open_] = second.predict(np.hstack((features[open_], context[open_])))
    return score


@lru_cache(maxsize=len(Model))
def load_model(model: Model = Model.STRICT) -> tuple[Forest, Forest]:
    """Read a model's two forests, once per process; raises UserError if they do not fit the features of this code."""
    forests = load_forests(model.path, COLUMNS)
    return forests["first"], forests["second"]


def measure_context(walk: Walk, layout: Layout, score: NDArray[np.float32]) -> Matrix:
    """Return a row of CONTEXT_FEATURES for each block: what the scores of the other blocks say about it."""
    count = len(score)
    columns: dict[str, NDArray[np.float64]] = {}
    padded = np.concatenate(([-1.0] * 5, score, [-1.0] * 5))
    for offset in _NEAR:
        columns[f"near{offset:+d}:score"] = padded[5 + offset : 5 + offset + count]
    weight = np.minimum(np.array(layout.words, dtype=np.float64), 60) * score
    share = np.cumsum(weight) / (weight.sum() + 1e-9)
    columns["share_before"], columns["share_after"] = share, 1 - share
    kept = np.nonzero(score > 0.5)[0]
    first, last = (int(kept[0]), int(kept[-1])) if len(kept) else (0, count - 1)
    index = np.arange(count)
    columns["since_first_kept"] = np.clip(index - first, -30, 30)
    columns["until_last_kept"] = np.clip(last - index, -30, 30)
    columns["mean_score:signature"] = _mean_of_others([b.frame.signature for b in walk.blocks], score)
    columns["mean_score:parent"] = _mean_of_others([(b.frame.parent or b.frame).number for b in walk.blocks], score)
    columns["mean_score:tag"] = _mean_of_others([b.frame.tag for b in walk.blocks], score)
    columns["score"] = score.astype(np.float64)
    total = np.concatenate(([0.0], np.cumsum(weight)))
    for reach in _REACHES:
        low, high = np.clip(index - reach, 0, count), np.clip(index + reach + 1, 0, count)
        columns[f"before{reach}:score_words"] = total[index] - total[low]
        columns[f"after{reach}:score_words"] = total[high] - total[np.clip(index + 1, 0, count)]
    return np.stack([columns[name] for name in CONTEXT_FEATURES], axis=1).astype(np.float32)


def _mean_of_others(keys: Sequence[Hashable], score: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return for each block the mean score of the other blocks with its key, -1 if there are none."""
    group = number_groups(keys)
    sums, sizes = np.bincount(group, weights=score), np.bincount(group)
    means: NDArray[np.float64] = (sums[group] - score) / np.maximum(sizes[group] - 1, 1)
    means[sizes[group] == 1] = -1.0
    return means

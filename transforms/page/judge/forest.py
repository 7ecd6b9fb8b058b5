"""Boosted trees as plain arrays: what is needed to evaluate them, and nothing to train them.

tools/train_blocks.py writes the arrays. A node goes left if its feature is at most its threshold; a leaf is a node
whose children are itself, so that all trees can be walked in step, however deep each is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Forest:
    """Trees in one set of arrays; `roots` is the first node of each, `depth` the longest way down.

    `children` holds left and right child of node n at 2n and 2n + 1.
    """

    feature: NDArray[np.intp]
    threshold: NDArray[np.float32]
    children: NDArray[np.intp]
    value: NDArray[np.float32]
    roots: NDArray[np.intp]
    depth: int

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each row."""
        count = len(rows)
        if not count:
            return np.zeros(0, dtype=np.float32)
        node = np.repeat(self.roots[None, :], count, axis=0)
        flat = np.ascontiguousarray(rows).ravel()
        base = (np.arange(count, dtype=np.intp) * rows.shape[1])[:, None]
        for _ in range(self.depth):
            goes_right = flat.take(base + self.feature.take(node)) > self.threshold.take(node)
            node = self.children.take(2 * node + goes_right)
        logit = self.value.take(node).sum(axis=1, dtype=np.float64)
        probability: NDArray[np.float32] = (1.0 / (1.0 + np.exp(-logit))).astype(np.float32)
        return probability


def load_forests(path: Path) -> dict[str, Forest]:
    """Read every forest of a file by its name."""
    with np.load(path, allow_pickle=False) as arrays:
        names = sorted({key.split(".")[0] for key in arrays.files if key.endswith(".roots")})
        return {
            name: Forest(
                feature=arrays[f"{name}.feature"].astype(np.intp),
                threshold=arrays[f"{name}.threshold"].astype(np.float32),
                children=np.stack((arrays[f"{name}.left"], arrays[f"{name}.right"]), axis=1).ravel().astype(np.intp),
                value=arrays[f"{name}.value"].astype(np.float32),
                roots=arrays[f"{name}.roots"].astype(np.intp),
                depth=int(arrays[f"{name}.depth"]),
            )
            for name in names
        }

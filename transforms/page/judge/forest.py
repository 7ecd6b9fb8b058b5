"""Boosted trees as plain arrays: enough to evaluate them, not to train them.

A node goes left if its feature is at most its threshold. A leaf is a node whose children are itself.

No tree is walked. Each leaf of a tree has a bit, and each node a mask of the leaves on its left, which a row that goes
right there cannot reach. All nodes are tried; the leaf is the first that is in no mask of a node where the row goes
right (Lucchese et al., "QuickScorer: a Fast Algorithm to Rank Documents with Additive Ensembles of Regression Trees",
SIGIR 2015). That is more comparisons than a walk needs, but all in order, for all trees and rows at once.

A file of forests also contains, for each forest, the names of its features in the order of its columns, and a SHA-256
over names and arrays. Loading checks both, and binds a forest to the features of the running code by name, never by
column number.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transforms.errors import UserError

Arrays = Mapping[str, NDArray[np.generic]]

# the most leaves of a tree: a bit each
LEAVES = 32
_NODES = ("feature", "threshold", "left", "right", "value", "roots", "depth")
_NAMES = "names"
_HASH = "sha256"
_HOW_TO_MEND = "reinstall newsbeam, or train the model again with tools/train_blocks.py"


# rows that are judged at once: their arrays fit into the cache of a core
_ROWS = 256


@dataclass(frozen=True)
class Forest:
    """Trees in arrays of shape (place, tree): `feature`, `threshold` and `left`, the mask of a node's left leaves.

    A tree with fewer nodes than there are places has nodes where no row goes right. `value` has LEAVES values per tree.
    """

    feature: NDArray[np.intp]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    value: NDArray[np.float32]

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each row; all its numbers must be finite."""
        parts = [self._predict_some(rows[start : start + _ROWS]) for start in range(0, len(rows), _ROWS)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)

    def _predict_some(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        columns = np.ascontiguousarray(rows.T)
        trees = self.feature.shape[1]
        gone = np.zeros((trees, len(rows)), dtype=np.int32)
        margin = np.empty((trees, len(rows)), dtype=np.float32)
        mask = margin.view(np.int32)
        for feature, threshold, left in zip(self.feature, self.threshold, self.left, strict=True):
            np.take(columns, feature, axis=0, out=margin, mode="clip")
            np.subtract(threshold[:, None], margin, out=margin)
            # the sign of the number becomes all bits: those of a row that goes right
            np.right_shift(mask, 31, out=mask)
            np.bitwise_and(mask, left[:, None], out=mask)
            np.bitwise_or(gone, mask, out=gone)
        open_ = ~gone
        first = (open_ & -open_).view(np.uint32)
        leaf = np.frexp(first.astype(np.float32))[1] - 1
        leaf += (np.arange(trees, dtype=np.int32) * LEAVES)[:, None]
        logit = self.value.take(leaf).sum(axis=0, dtype=np.float64)
        probability: NDArray[np.float32] = (1.0 / (1.0 + np.exp(-logit))).astype(np.float32)
        return probability


def save_forests(path: Path, forests: Mapping[str, Arrays], features: Mapping[str, Sequence[str]]) -> None:
    """Write forests by name as an .npz file, each with the names of its features in the order of its columns."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, nodes in forests.items():
        arrays |= {f"{name}.{part}": nodes[part] for part in _NODES}
        arrays[f"{name}.{_NAMES}"] = np.array(features[name])
    arrays[_HASH] = np.array(_hash_arrays(arrays))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for key, array in arrays.items():
            with file.open(f"{key}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def load_forests(path: Path, features: Mapping[str, Sequence[str]]) -> dict[str, Forest]:
    """Read the forests named in `features`, bound to columns in the order of the feature names given for each.

    Raises UserError if the file is damaged, is not such a file, or was trained on other features.
    """
    try:
        # np.load would leave a file that is not an archive open
        with zipfile.ZipFile(path) as file:
            arrays = {name.removesuffix(".npy"): _read_array(file, name) for name in file.namelist()}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as exc:
        raise UserError(f"cannot read the model {path}: {exc}; {_HOW_TO_MEND}") from exc
    wanted = {_HASH, *(f"{name}.{part}" for name in features for part in (*_NODES, _NAMES))}
    if set(arrays) != wanted:
        missing, unknown = sorted(wanted - set(arrays)), sorted(set(arrays) - wanted)
        raise UserError(f"the model {path} lacks the keys {missing} and has the unknown keys {unknown}; {_HOW_TO_MEND}")
    if str(arrays[_HASH]) != _hash_arrays(arrays):
        raise UserError(f"the model {path} is damaged: its content does not match its SHA-256; {_HOW_TO_MEND}")
    return {name: _bind(path, name, arrays, columns) for name, columns in features.items()}


def _read_array(file: zipfile.ZipFile, name: str) -> NDArray[np.generic]:
    with file.open(name) as member:
        array: NDArray[np.generic] = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _bind(path: Path, name: str, arrays: Arrays, columns: Sequence[str]) -> Forest:
    trained = arrays[f"{name}.{_NAMES}"].tolist()
    if len(set(columns)) != len(columns) or sorted(trained) != sorted(columns):
        missing, unknown = sorted(set(columns) - set(trained)), sorted(set(trained) - set(columns))
        raise UserError(
            f"the model {path} does not fit this version of newsbeam: its {name} pass was not trained on the features "
            f"{missing} and needs the unknown features {unknown}; {_HOW_TO_MEND}"
        )
    place = {column: number for number, column in enumerate(columns)}
    to_column = np.array([place[feature] for feature in trained], dtype=np.intp)
    left, right = arrays[f"{name}.left"].tolist(), arrays[f"{name}.right"].tolist()
    trees = [_list_nodes(root, left, right) for root in arrays[f"{name}.roots"].tolist()]
    if any(len(leaves) > LEAVES for _, leaves in trees):
        raise UserError(f"the model {path} has trees of more than {LEAVES} leaves; {_HOW_TO_MEND}")
    places = max(len(inner) for inner, _ in trees)
    # by default a node where no row goes right
    feature = np.zeros((places, len(trees)), dtype=np.intp)
    threshold = np.full((places, len(trees)), np.inf, dtype=np.float32)
    masks = np.zeros((places, len(trees)), dtype=np.uint32)
    value = np.zeros((len(trees), LEAVES), dtype=np.float32)
    for number, (inner, leaves) in enumerate(trees):
        nodes = [node for node, _ in inner]
        feature[: len(inner), number] = to_column[arrays[f"{name}.feature"][nodes].astype(np.intp)]
        threshold[: len(inner), number] = arrays[f"{name}.threshold"][nodes]
        masks[: len(inner), number] = [mask for _, mask in inner]
        value[number, : len(leaves)] = arrays[f"{name}.value"][leaves]
    return Forest(feature, threshold, masks.view(np.int32), value.ravel())


def _list_nodes(root: int, left: list[int], right: list[int]) -> tuple[list[tuple[int, int]], list[int]]:
    """Return the inner nodes of a tree, each with the mask of its left leaves, and its leaves from left to right."""
    inner: list[tuple[int, int]] = []
    leaves: list[int] = []

    def visit(node: int) -> None:
        if left[node] == node:
            leaves.append(node)
            return
        first = len(leaves)
        visit(left[node])
        inner.append((node, (1 << len(leaves)) - (1 << first)))
        visit(right[node])

    visit(root)
    return inner, leaves


def _hash_arrays(arrays: Arrays) -> str:
    """Return the SHA-256 of the name, type, shape and content of every array but the hash itself."""
    digest = hashlib.sha256()
    for key in sorted(set(arrays) - {_HASH}):
        array = arrays[key]
        if array.dtype.kind == "U":  # its width is that of the longest name
            content = "\n".join(array.tolist()).encode()
        else:
            content = array.astype(array.dtype.newbyteorder("<")).tobytes()
        digest.update(f"{key} {array.dtype.kind}{array.dtype.itemsize} {array.shape} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()

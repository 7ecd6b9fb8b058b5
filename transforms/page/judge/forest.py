"""Boosted trees as plain arrays: enough to evaluate them, not to train them.

A node goes left if its feature is at most its threshold. A leaf is a node whose children are itself, so that all trees
are walked in step, however deep each is.

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

_NODES = ("feature", "threshold", "left", "right", "value", "roots", "depth")
_NAMES = "names"
_HASH = "sha256"
_HOW_TO_MEND = "reinstall newsbeam, or train the model again with tools/train_blocks.py"


@dataclass(frozen=True)
class Forest:
    """Trees in one set of arrays; `roots` is the first node of each, `depth` the length of the longest path.

    `children` holds the left and the right child of node n at 2n and 2n + 1.
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
    children = np.stack((arrays[f"{name}.left"], arrays[f"{name}.right"]), axis=1).ravel()
    return Forest(
        feature=to_column[arrays[f"{name}.feature"]],
        threshold=arrays[f"{name}.threshold"].astype(np.float32),
        children=children.astype(np.intp),
        value=arrays[f"{name}.value"].astype(np.float32),
        roots=arrays[f"{name}.roots"].astype(np.intp),
        depth=int(arrays[f"{name}.depth"]),
    )


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

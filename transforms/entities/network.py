"""Evaluate the network before spaCy's `ner` with few passes over memory.

The network (spacy.MultiHashEmbed, then spacy.MaxoutWindowEncoder) gives each word a vector that depends on the word
alone, then mixes the vectors of neighbours in layers:

    y(i) = x(i) + norm(max over pieces of (weights [x(i-1), x(i), x(i+1)] + bias))

Half of the time of thinc's own layers goes into all but the product: reductions over axes of length 3, and copies. Here
the pieces of a layer are side by side, so that their maximum is taken of whole rows. Words repeat: their vectors are
kept from one text to the next, and the first layer multiplies each distinct word once, not each window. So sums are
added in another order than thinc's, which changed no vector of 83 pages by more than 1e-6 of the largest number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# words whose vectors are kept: 20,000 take 8 MB, and a page of 800 words has some 350 distinct ones
MAX_WORDS = 20_000
_EPSILON = np.float32(1e-8)


class TokenVectors:
    """The vectors of tokens from a `tok2vec` for which `can_evaluate` is true; gives what its `predict` gives."""

    def __init__(self, tok2vec: Any) -> None:
        words, context = tok2vec.layers[0].layers
        self._words = _Words(words)
        self._pad: int = context.attrs["pad"]
        self._layers = [_Layer(residual.layers[0]) for residual in context.layers[0].layers]
        linear = tok2vec.layers[-1]
        self._project = np.ascontiguousarray(linear.get_param("W").T)
        self._shift: Floats = linear.get_param("b")

    def predict(self, docs: Sequence[Any]) -> Floats:
        """Return a row for each token of all Docs together."""
        features = [self._words.read(doc) for doc in docs]
        vectors, place = self._words.look_up(np.concatenate(features))
        # before, between and after the texts are rows of zeros, as in thinc; the number after the last word is theirs
        blank = np.full(self._pad, len(vectors), dtype=np.intp)
        pieces = [blank]
        borders = np.cumsum([len(part) for part in features])[:-1]
        for part in np.split(place, borders):
            if len(part):
                pieces += [part, blank]
        rows = np.concatenate(pieces)
        vectors = np.concatenate((vectors, np.zeros((1, vectors.shape[1]), dtype=np.float32)))
        mixed = self._layers[0].of_words(vectors, rows)
        for layer in self._layers[1:]:
            mixed = layer.of_rows(mixed)
        result: Floats = mixed[rows < len(vectors) - 1] @ self._project
        result += self._shift
        return result


class _Words:
    """The vectors of single words, kept for words met before."""

    def __init__(self, words: Any) -> None:
        from thinc.api import chain

        self._columns = words.layers[0].attrs["columns"]
        self._network: Any = chain(*words.layers[1:])
        self._place: dict[int, int] = {}
        width = words.layers[3].layers[0].layers[0].layers[0].get_dim("nO")
        # memory that is not used yet is not taken either
        self._vectors: Floats = np.zeros((MAX_WORDS, width), dtype=np.float32)

    def read(self, doc: Any) -> npt.NDArray[np.uint64]:
        """Return the features of each token: hashes of its form, prefix, suffix and shape."""
        found: npt.NDArray[np.uint64] = doc.to_array(self._columns)
        return found

    def look_up(self, rows: npt.NDArray[np.uint64]) -> tuple[Floats, npt.NDArray[np.intp]]:
        """Return the vectors of the distinct words of a text, and the number of each token's word among them."""
        # equal rows have equal sums; different rows of random 64-bit hashes collide with odds of 2**-64 per pair
        keys = (rows * np.arange(1, 2 * rows.shape[1], 2, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
        distinct, first, number = np.unique(keys, return_index=True, return_inverse=True)
        names = distinct.tolist()
        new = [i for i, name in enumerate(names) if name not in self._place]
        if len(self._place) + len(new) > MAX_WORDS:
            self._place.clear()
            new = list(range(len(names)))
        if new:
            vectors: Floats = self._network.predict([rows[first[new]]])[0]
            if len(new) > MAX_WORDS:
                return vectors, number
            start = len(self._place)
            self._vectors[start : start + len(new)] = vectors
            self._place.update(zip((names[i] for i in new), range(start, start + len(new)), strict=True))
        return self._vectors[[self._place[name] for name in names]], number


class _Layer:
    """expand_window >> maxout >> layernorm, added to its input."""

    def __init__(self, layer: Any) -> None:
        maxout, norm = layer.layers[1].layers[0].layers
        weights: Floats = maxout.get_param("W")
        self.width, self.pieces, window = weights.shape
        # (window, pieces * width): all first pieces, then all second pieces ...
        columns = weights.transpose(2, 1, 0).reshape(window, self.pieces * self.width)
        self.window = np.ascontiguousarray(columns)
        # (width, 3 * pieces * width): what a vector adds to the window in which it is first, second and third
        parts = columns.reshape(3, self.width, self.pieces * self.width)
        self.alone = np.ascontiguousarray(parts.transpose(1, 0, 2).reshape(self.width, -1))
        self.bias = np.ascontiguousarray(maxout.get_param("b").T.reshape(-1))
        self.scale: Floats = norm.get_param("G")
        self.shift: Floats = norm.get_param("b")
        self.mean = np.full(self.width, 1 / self.width, dtype=np.float32)

    def of_words(self, vectors: Floats, rows: npt.NDArray[np.intp]) -> Floats:
        """Return the outputs for a text whose row i is the vector rows[i]."""
        parts = (vectors @ self.alone).reshape(3 * len(vectors), -1)
        sums: Floats = parts[3 * rows + 1]
        sums[1:] += parts[3 * rows[:-1]]
        sums[:-1] += parts[3 * rows[1:] + 2]
        return self._finish(sums, vectors[rows])

    def of_rows(self, inputs: Floats) -> Floats:
        """Return the outputs for rows of vectors."""
        width = self.width
        window = np.empty((len(inputs), 3 * width), dtype=np.float32)
        window[0, :width] = window[-1, 2 * width :] = 0
        window[1:, :width] = inputs[:-1]
        window[:, width : 2 * width] = inputs
        window[:-1, 2 * width :] = inputs[1:]
        return self._finish(window @ self.window, inputs)

    def _finish(self, sums: Floats, inputs: Floats) -> Floats:
        sums += self.bias
        width = self.width
        best = np.maximum(sums[:, :width], sums[:, width : 2 * width])
        for piece in range(2, self.pieces):
            np.maximum(best, sums[:, piece * width : (piece + 1) * width], out=best)
        best -= (best @ self.mean)[:, None]
        spread = np.einsum("ij,ij->i", best, best) / np.float32(width) + _EPSILON
        best *= (1 / np.sqrt(spread))[:, None]
        best *= self.scale
        best += self.shift
        best += inputs
        return best


def can_evaluate(tok2vec: Any) -> bool:
    """Say whether a `tok2vec` is the network that `TokenVectors` evaluates, without static vectors."""
    try:
        words, context = tok2vec.layers[0].layers
        linear = tok2vec.layers[-1]
        layers = [residual.layers[0] for residual in context.layers[0].layers]
        names = [(layer.layers[0].name, *(part.name for part in layer.layers[1].layers[0].layers)) for layer in layers]
        return (
            [part.name for part in (words.layers[0], tok2vec.layers[1], linear)]
            == ["extract_features", "list2array", "linear"]
            and len(words.layers) == 5
            and len(tok2vec.layers) == 3
            and context.attrs["pad"] > 0
            and bool(layers)
            and all(residual.name.startswith("residual") for residual in context.layers[0].layers)
            and set(names) == {("expand_window", "maxout", "layernorm")}
            and all(layer.layers[0].attrs["window_size"] == 1 for layer in layers)
            and all(layer.layers[1].layers[0].layers[0].get_dim("nP") >= 2 for layer in layers)
        )
    except (AttributeError, IndexError, KeyError, ValueError):
        return False

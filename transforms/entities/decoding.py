"""Decode entity spans from spaCy's transition-based `ner` a whole text at a time, instead of token by token.

spaCy's own loop takes and releases the interpreter lock dozens of times per token and multiplies one row by one matrix
in each step, which takes more than half of the time of a page. But greedy decoding needs no loop over tokens. Outside
an entity the state of spaCy's model (`StateC.set_context_tokens` with three features: this token, the first token of
the open entity, the previous token) does not depend on what came before, so one matrix product gives the best move of
every token. Inside an entity it depends only on where the entity began, and only two moves are valid (continue, end
here), so the candidates from all start tokens advance together, one step at a time. Finally the candidates are walked
from left to right. For the moves and their validity see spacy/pipeline/_parser_internals/ner.pyx.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from transforms.entities.network import TokenVectors, can_evaluate

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """The span of an entity in tokens of one Doc (`end` exclusive)."""

    start: int
    end: int
    label: str


class SpanDecoder:
    """Decodes entity spans with the weights of a loaded `ner` component; the result is the same as calling it."""

    def __init__(self, ner: Any) -> None:
        """Take the weights of `ner`; `can_decode` must be true for its pipeline."""
        tok2vec = ner.model.get_ref("tok2vec")
        self._vectors = TokenVectors(tok2vec) if can_evaluate(tok2vec) else tok2vec
        lower = ner.model.get_ref("lower")
        upper = ner.model.get_ref("upper")
        _, hidden, pieces, width = lower.get_param("W").shape
        weights: Floats = lower.get_param("W").reshape(3, hidden * pieces, width)
        padding: Floats = lower.get_param("pad").reshape(3, hidden * pieces)
        bias: Floats = lower.get_param("b").reshape(hidden * pieces)
        self._shape = (-1, hidden, pieces)
        self._token, self._first, self._previous = (np.ascontiguousarray(part.T) for part in weights)
        self._outside = padding[1] + padding[2] + bias
        self._inside = bias
        self._upper: Floats = upper.get_param("W")
        self._upper_bias: Floats = upper.get_param("b")
        # not `ner.move_names`, which omits one move and so shifts the numbers
        self._moves = [str(ner.moves.get_class_name(number)) for number in range(ner.moves.n_moves)]
        self._labels = [name[2:] for name in self._moves]
        number = {name: index for index, name in enumerate(self._moves)}
        self._opens = np.array([name.startswith("B-") and name != "B-" for name in self._moves])
        self._out = number["O"]
        # moves that are valid outside an entity; "U-" without a label is for blocked tokens only
        self._outer = np.array(
            [at for at, name in enumerate(self._moves) if name == "O" or (name[:2] in ("B-", "U-") and name[2:])]
        )
        self._outer_upper = np.ascontiguousarray(self._upper[self._outer].T)
        self._go_on = np.array([number.get(f"I-{label}", -1) for label in self._labels])
        self._end = np.array([number.get(f"L-{label}", -1) for label in self._labels])

    def decode(self, docs: Sequence[Any]) -> list[list[TokenSpan]]:
        """Return the spans of each Doc; all Docs go through the network as one batch."""
        lengths = np.array([len(doc) for doc in docs], dtype=np.int64)
        if not lengths.sum():
            return [[] for _ in docs]
        vectors: Floats = self._vectors.predict(list(docs))
        last = np.zeros(len(vectors), dtype=bool)
        last[np.cumsum(lengths)[lengths > 0] - 1] = True
        blank = np.concatenate([doc.to_array("IS_SPACE") for doc in docs]).astype(bool)
        here = vectors @ self._token
        best = self._best_outside(here, last, blank)
        ends = self._follow_open(vectors, here, best, last)
        spans = self._walk(best, ends)
        return _split_by_doc(spans, lengths)

    def _maxout(self, features: Floats) -> Floats:
        pieces = features.reshape(self._shape)
        # for two pieces, the usual number, this is many times faster than a reduction over such a short axis
        hidden: Floats = np.maximum(pieces[:, :, 0], pieces[:, :, 1])
        for piece in range(2, pieces.shape[2]):
            np.maximum(hidden, pieces[:, :, piece], out=hidden)
        return hidden

    def _best_outside(self, here: Floats, last: npt.NDArray[np.bool_], blank: npt.NDArray[np.bool_]) -> Any:
        scores = self._maxout(here + self._outside) @ self._outer_upper
        scores += self._upper_bias[self._outer]
        scores[np.ix_(np.flatnonzero(last), np.flatnonzero(self._opens[self._outer]))] = -np.inf
        best = self._outer[scores.argmax(axis=1)]
        best[blank] = self._out
        return best

    def _follow_open(self, vectors: Floats, here: Floats, best: Any, last: npt.NDArray[np.bool_]) -> dict[int, int]:
        """Return the end (exclusive) of every candidate by its first token."""
        ends: dict[int, int] = {}
        starts = np.flatnonzero(self._opens[best])
        first = vectors[starts] @ self._first
        places = starts + 1
        while len(starts):
            features = here[places] + first + vectors[places - 1] @ self._previous + self._inside
            hidden = self._maxout(features)
            go_on, end = self._go_on[best[starts]], self._end[best[starts]]
            score_on = np.einsum("ij,ij->i", hidden, self._upper[go_on]) + self._upper_bias[go_on]
            score_end = np.einsum("ij,ij->i", hidden, self._upper[end]) + self._upper_bias[end]
            # spaCy breaks ties in favour of the move with the lower number
            stop = last[places] | (score_end > score_on) | ((score_end == score_on) & (end < go_on))
            ends.update(zip(starts[stop].tolist(), (places[stop] + 1).tolist(), strict=True))
            starts, places, first = starts[~stop], places[~stop] + 1, first[~stop]
        return ends

    def _walk(self, best: Any, ends: dict[int, int]) -> list[TokenSpan]:
        spans: list[TokenSpan] = []
        free = 0
        for start in np.flatnonzero(best != self._out).tolist():
            if start >= free:
                free = ends.get(start, start + 1)
                spans.append(TokenSpan(start, free, self._labels[best[start]]))
        return spans


def can_decode(nlp: Any) -> bool:
    """Say whether `SpanDecoder` can decode this pipeline's `ner`.

    It cannot if `ner` listens to another component (transformers) or uses beam search or other state features, or if
    another component sets entities or sentence boundaries.
    """
    if nlp.pipe_names != ["ner"]:
        return False
    ner = nlp.get_pipe("ner")
    model = ner.model
    if not model.attrs.get("has_upper") or model.attrs.get("unseen_classes") or ner.cfg.get("beam_width", 1) != 1:
        return False
    lower = model.get_ref("lower")
    listens = any("listener" in node.name for node in model.walk())
    return bool(lower.get_dim("nF") == 3 and lower.get_dim("nP") >= 2 and not listens)


def _split_by_doc(spans: list[TokenSpan], lengths: npt.NDArray[np.int64]) -> list[list[TokenSpan]]:
    borders = np.cumsum(lengths)
    result: list[list[TokenSpan]] = [[] for _ in lengths]
    docs = np.searchsorted(borders, [span.start for span in spans], side="right").tolist()
    for doc, span in zip(docs, spans, strict=True):
        offset = int(borders[doc] - lengths[doc])
        result[doc].append(TokenSpan(span.start - offset, span.end - offset, span.label))
    return result

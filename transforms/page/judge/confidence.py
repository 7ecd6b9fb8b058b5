"""How sure we are of an article's body: a calibrated probability that it is nearly what a careful person would take.

doubt   share of the kept words that are not body, as the classifier's scores have it: the mean of 1 - score
missed  words that were left out and are body, as the scores have it, over the kept words; not those of comments and
        teasers that were told by their dates, which read like an article
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from transforms.page.judge.consistency import UNDER_DATES
from transforms.page.kinds import TEXT_KINDS
from transforms.page.text import count_words
from transforms.records import Block

# added to a doubt before its logarithm is taken
_LEAST = 0.003
_FEW_WORDS = 20
_BIAS, _PER_DOUBT, _PER_MISSED, _PER_WORDS, _OTHER_READER = -4.502, -0.479, -0.584, 0.271, 0.184


@dataclass(frozen=True, slots=True)
class Doubts:
    """What the scores of the blocks say against a body of `words` words; see above."""

    words: int
    doubt: float
    missed: float


def measure_doubts(blocks: list[Block]) -> Doubts:
    """Return the doubts of typed blocks with scores; without any scored text, `doubt` is 1."""
    words = kept = 0
    doubt = missed = 0.0
    for block in blocks:
        count = count_words(block.text)
        is_text = block.kind in TEXT_KINDS
        words += count if is_text else 0
        if block.score is None:
            continue
        if is_text:
            kept += count
            doubt += count * (1 - block.score)
        elif block.rule != UNDER_DATES:
            missed += count * block.score
    return Doubts(words, doubt / kept if kept else 1.0, missed / max(kept, 1))


def confidence_of(doubts: Doubts, is_ours: bool = True) -> float:
    """Return the probability that the body has an f1 of .95 or more; `is_ours` says that no other reader's was taken.

    A logistic regression on the logarithms of the doubts and of the words, fitted on 823 pages whose publishers the
    classifier had not seen (docs/extraction.md).
    """
    logit = (
        _BIAS
        + _PER_DOUBT * log(doubts.doubt + _LEAST)
        + _PER_MISSED * log(doubts.missed + _LEAST)
        + _PER_WORDS * log(max(doubts.words, _FEW_WORDS))
        + (0.0 if is_ours else _OTHER_READER)
    )
    return 1 / (1 + exp(-logit))

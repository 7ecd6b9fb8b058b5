"""Train the block classifier on a corpus of pages with known bodies, by publisher folds.

usage: python bench/train_blocks.py CORPUS OUT.npz [--folds 5] [--seed 1]

Needs scikit-learn and lightgbm, which newsbeam itself does not: the trees are written as plain arrays
(transforms/forest.py reads them). Prints the scores of the folds that a model has not seen.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import sys
from difflib import SequenceMatcher
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
WORD = re.compile(r"\w+")


def publisher(url: str) -> str:
    """Return the registrable part of a host, roughly: a fold never splits it."""
    parts = (urlsplit(url).hostname or "").split(".")
    if len(parts) > 2 and parts[-2] in ("co", "com", "org", "net", "gov", "ac"):
        return ".".join(parts[-3:])
    return ".".join(parts[-2:])


def fold_of(url: str, folds: int, seed: int = 1) -> int:
    """Return the fold of a page: a hash of its publisher."""
    return int(hashlib.md5(f"{seed}{publisher(url)}".encode()).hexdigest(), 16) % folds


def label_blocks(texts: list[str], gold: list[str]) -> list[float]:
    """Return for each block the share of its words that the truth has, aligned in order."""
    page = [(w, i) for i, t in enumerate(texts) for w in WORD.findall(t)]
    truth = [w for t in gold for w in WORD.findall(t)]
    sizes = np.zeros(len(texts))
    for _, i in page:
        sizes[i] += 1
    matched = np.zeros(len(texts))
    best = None
    # the longest match of equals is the first one, so both directions are tried and the denser one taken
    for step in (1, -1):
        a, b = [w for w, _ in page][::step], truth[::step]
        owner = [i for _, i in page][::step]
        got = np.zeros(len(texts))
        for m in SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
            for k in range(m.a, m.a + m.size):
                got[owner[k]] += 1
        share = got / np.maximum(1, sizes)
        kept = np.nonzero(share > 0.7)[0]
        span = (kept[-1] - kept[0]) if len(kept) else 0
        key = (round(got[share > 0.7].sum() / 5), -span)
        if best is None or key > best[0]:
            best, matched = (key, share), share
    # truth paragraphs that stand elsewhere in the page than in the truth (a standfirst below the picture)
    have = {" ".join(WORD.findall(t)): i for i, t in enumerate(texts) if matched[i] < 0.3}
    for paragraph in gold:
        key = " ".join(WORD.findall(paragraph))
        if len(key) > 20 and key in have and not any(
            matched[i] > 0.7 and " ".join(WORD.findall(t)) == key for i, t in enumerate(texts)
        ):
            matched[have[key]] = 1.0
    return [float(x) if n else -1.0 for x, n in zip(matched, sizes, strict=True)]

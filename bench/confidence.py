"""Print how well the confidence of articles holds: how often a body with a confidence of .9 is in fact right.

usage: python bench/confidence.py CORPUS... [--scorer SCORE.py] [--unseen STRICT.npz BROAD.npz] [--fit]

A CORPUS contains gold.jsonl and html/ID.html.gz; its scorer is CORPUS/../eval/score.py, or `--scorer` for all of them.
A body is right if its f1 is .95 or more, which is what articles.confidence is the probability of. The Brier score is
the mean squared error of a probability; beside it is that of always saying the share of pages that are right. Pages
that the pipeline rejects have no confidence and are left out; their number is printed.

`--unseen` takes the files that tools/train_blocks.py --unseen writes for the two models: block scores by models that
have not seen a page's publisher. Without it, pages that the shipped models were trained on look better than others
will. Pages that are not in the files are judged by the shipped models.

`--fit` fits the constants of transforms.page.judge.confidence on these pages and prints them beside those in the code.
The figures after them judge each page by constants fitted without its publisher.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from extraction import extract_ours, load_scorer, load_unseen, read_pages, score_unseen
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from publishers import fold_of

from transforms.page.extract import BROAD, Scorer, read_blocks
from transforms.page.judge import confidence as code
from transforms.page.judge.classifier import Model, score_blocks
from transforms.page.judge.opinions import OURS
from transforms.page.read.metadata import read_metadata
from transforms.page.read.parse import parse_page
from transforms.records import FetchedPage

RIGHT = 0.95
SURE = 0.9
BANDS = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 1.0)
CONSTANTS = ("_BIAS", "_PER_DOUBT", "_PER_MISSED", "_PER_WORDS", "_OTHER_READER")
FOLDS = 5
RIDGE = 1e-3
STEPS = 25  # of Newton's method, which needs about six
Vector = NDArray[np.float64]


class Judged(NamedTuple):
    """An extracted page: its set, the fold of its publisher, its confidence, the f1 of its body, and its measures."""

    dataset: str
    fold: int
    confidence: float
    f1: float
    measures: tuple[float, ...]


def measure(page: FetchedPage, score: Scorer, is_ours: bool) -> tuple[float, ...]:
    """Return what each of the constants is multiplied with for a page."""
    parsed = parse_page(page.body, page.content_type, page.url)
    reading = read_blocks(parsed, read_metadata(parsed.tree, page.url, page.fetched_at), score)
    doubts = reading.doubts
    return (
        1.0,
        float(np.log(doubts.doubt + code._LEAST)),
        float(np.log(doubts.missed + code._LEAST)),
        float(np.log(max(doubts.words, code._FEW_WORDS))),
        float(not is_ours),
    )


def judge(
    corpora: Sequence[Path], scorer: Path | None, unseen: dict[str, dict[Model, Vector]], measured: bool
) -> list[Judged]:
    """Extract and score every page; `measured` says whether to measure what the confidence is made from."""
    judged: list[Judged] = []
    rejected = by_unseen = 0
    for corpus in corpora:
        body_score = load_scorer(corpus, scorer).body_score
        for truth, (name, page) in zip(*read_pages(corpus), strict=True):
            score: Scorer = score_blocks
            if name in unseen:
                by_unseen += 1
                score = score_unseen(unseen[name])
            row = extract_ours(page, score)
            if "rejected" in row:
                rejected += 1
                continue
            (_, _, f1), *_ = body_score(truth, row["body"])
            measures = measure(page, score, row["sources"]["body"] in (OURS, BROAD)) if measured else ()
            judged.append(Judged(truth["dataset"], fold_of(truth["url"], FOLDS), row["confidence"], f1, measures))
    print(f"{len(judged)} pages, {rejected} more were rejected; {by_unseen} by the scores of unseen publishers")
    return judged


def summary(confidence: Vector, f1: Vector) -> str:
    """Return how many pages we are sure of and how many of those are right, with the Brier scores."""
    right = f1 >= RIGHT
    sure = right[confidence >= SURE]
    share = f" ({sure.mean():.1%})" if sure.size else ""
    base = right.mean()
    return (
        f"confidence of .9 or more: {sure.size} pages, {sure.sum()}{share} have an f1 of .95 or more; "
        f"Brier score {np.mean((confidence - right) ** 2):.4f}, of the base rate ({base:.1%}) {base * (1 - base):.4f}"
    )


def print_figures(confidence: Vector, judged: Sequence[Judged]) -> None:
    """Print the table of bands, and the summary of all pages and of each set."""
    f1 = np.array([page.f1 for page in judged])
    dataset = np.array([page.dataset for page in judged])
    band = np.digitize(confidence, BANDS[1:-1])
    print("  band        pages  confidence  right  mean f1")
    for i, (low, high) in enumerate(itertools.pairwise(BANDS)):
        here = band == i
        figures = (confidence[here].mean(), (f1[here] >= RIGHT).mean(), f1[here].mean()) if here.any() else ()
        columns = "{:10.3f}  {:5.3f}  {:7.3f}".format(*figures) if figures else ""
        print(f"  {low:.2f}-{high:.2f}  {here.sum():6}  {columns}".rstrip())
    print(summary(confidence, f1))
    for name in sorted(set(dataset)):
        here = dataset == name
        print(f"  {name} ({here.sum()} pages): {summary(confidence[here], f1[here])}")


def fit(x: Vector, y: Vector) -> Vector:
    """Return the constants of a logistic regression, by Newton's method with a small ridge on all but the bias."""
    ridge = RIDGE * np.diag([0.0] + [1.0] * (x.shape[1] - 1))
    constants = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = predict(x, constants)
        slope = x.T @ (y - p) - ridge @ constants
        constants += np.linalg.solve((x.T * (p * (1 - p))) @ x + ridge, slope)
    return constants


def predict(x: Vector, constants: Vector) -> Vector:
    """Return the probability of each page."""
    return np.asarray(1 / (1 + np.exp(-x @ constants)))


def print_fit(judged: Sequence[Judged]) -> None:
    """Print the constants fitted on all pages, and the figures of those fitted on the other folds."""
    x = np.array([page.measures for page in judged])
    y = np.array([float(page.f1 >= RIGHT) for page in judged])
    # the folds of tools/train_blocks.py
    fold = np.array([page.fold for page in judged])
    print("\nfitted on these pages:")
    for name, value in zip(CONSTANTS, fit(x, y), strict=True):
        print(f"  {name:13} {value:7.3f}  in the code {getattr(code, name):7.3f}")
    confidence = np.zeros(len(y))
    for k in range(FOLDS):
        confidence[fold == k] = predict(x[fold == k], fit(x[fold != k], y[fold != k]))
    print(f"each page by constants fitted on the other {FOLDS - 1} of {FOLDS} folds of publishers:")
    print_figures(confidence, judged)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, nargs="+", metavar="CORPUS")
    parser.add_argument("--scorer", type=Path)
    parser.add_argument("--unseen", type=Path, nargs=2, metavar=("STRICT.npz", "BROAD.npz"))
    parser.add_argument("--fit", action="store_true")
    args = parser.parse_args()
    unseen = load_unseen(args.unseen) if args.unseen else {}
    judged = judge(args.corpora, args.scorer, unseen, args.fit)
    print_figures(np.array([page.confidence for page in judged]), judged)
    if args.fit:
        print_fit(judged)


if __name__ == "__main__":
    main()

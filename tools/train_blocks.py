"""Train the block classifier on a corpus of pages with known bodies, by publisher folds.

usage: python tools/train_blocks.py CORPUS OUT.npz [--folds 5] [--seed 1] [--unseen SCORES.npz]
                                    [--more FOLDER [--weight SET=WEIGHT ...]]

CORPUS follows the conventions for what belongs to a body. `--more` names pages whose conventions are looser: each of
their data sets counts with its weight, by default not at all (they are only scored), and their blocks beside the first
and the last line of the body, and subheads that their body lacks, are left out. The strict model is trained without
weights, the broad one with them; see docs/extraction.md for the commands.

Needs lightgbm, which newsbeam itself does not: the trees are saved as plain arrays, with the names of their features
(see transforms/page/judge/forest.py). Prints the scores on publishers that the models have not seen.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import lightgbm
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from publishers import fold_of

from transforms.page.extract import page_facts
from transforms.page.judge.classifier import COLUMNS, measure_context
from transforms.page.judge.cues import CUES
from transforms.page.judge.features import COLUMN, measure_blocks
from transforms.page.judge.forest import save_forests
from transforms.page.judge.layout import Layout, find_layout
from transforms.page.judge.rules import Row, is_standfirst
from transforms.page.judge.walk import Walk, walk_page
from transforms.page.read.metadata import read_metadata
from transforms.page.read.parse import parse_page

Matrix = NDArray[np.float32]
WORD = re.compile(r"\w+")


@dataclass
class Page:
    """A page of the corpus, measured and labelled."""

    id: str
    url: str
    walk: Walk
    layout: Layout
    features: Matrix
    label: Matrix
    weight: Matrix
    trains: bool = True


def label_blocks(texts: list[str], gold: list[str]) -> list[float]:
    """Return for each block the share of its words that are in the ground truth, aligned in order."""
    page = [(w, i) for i, t in enumerate(texts) for w in WORD.findall(t)]
    truth = [w for t in gold for w in WORD.findall(t)]
    sizes = np.zeros(len(texts))
    for _, i in page:
        sizes[i] += 1
    matched = np.zeros(len(texts))
    best = None
    # SequenceMatcher takes the first of equally long matches, so try both directions and keep the denser result
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
    # paragraphs of the ground truth that are elsewhere on the page (a standfirst below the picture)
    have = {" ".join(WORD.findall(t)): i for i, t in enumerate(texts) if matched[i] < 0.3}
    for paragraph in gold:
        key = " ".join(WORD.findall(paragraph))
        if (
            len(key) > 20
            and key in have
            and not any(matched[i] > 0.7 and " ".join(WORD.findall(t)) == key for i, t in enumerate(texts))
        ):
            matched[have[key]] = 1.0
    return [float(x) if n else -1.0 for x, n in zip(matched, sizes, strict=True)]


# -- data ---------------------------------------------------------------------------------------------------------


def read_pages(corpus: Path, weights: dict[str, float] | None = None) -> list[Page]:
    """Measure and label every page of a corpus; `weights` are those of the data sets of a looser one, by name."""
    pages = []
    for line in (corpus / "gold.jsonl").open():
        gold = json.loads(line)
        parsed = parse_page(gzip.decompress((corpus / "html" / f"{gold['id']}.html.gz").read_bytes()), "", gold["url"])
        walk = walk_page(parsed.tree)
        facts = page_facts(read_metadata(parsed.tree, gold["url"]))
        layout = find_layout(walk, facts.titles)
        features = measure_blocks(walk, facts, layout)
        paragraphs = gold["body"] if "body" in gold else [t for t in gold["text"].split("\n") if t.strip()]
        share = label_blocks([block.text for block in walk.blocks], paragraphs)
        label = (np.array(share) > 0.5).astype(np.float32)
        weight = np.sqrt(np.clip(np.array(layout.words, dtype=np.float64), 1, 64))
        weight *= 20 / np.sqrt(weight.sum())
        if gold["dataset"] == "aeb":
            # this data set leaves standfirsts out, the others do not: whether they are body is a policy, not learned
            weight[[i for i, r in enumerate(map(Row, features)) if is_standfirst(r) and not label[i]]] = 0
        factor = 1.0
        if weights is not None:
            factor = weights.get(gold["dataset"], 0.0)
            weight[list_unsure(walk, label)] = 0
        pages.append(Page(gold["id"], gold["url"], walk, layout, features, label, weight * factor, factor > 0))
    return pages


def list_unsure(walk: Walk, label: Matrix) -> list[int]:
    """Return the blocks on which conventions differ: those beside the body's ends, and subheads that it lacks."""
    at = np.nonzero(label)[0]
    if not len(at):
        return []
    beside = [i for i in (at[0] - 1, at[-1] + 1) if 0 <= i < len(label)]
    subheads = [
        i for i in range(at[0], at[-1]) if not label[i] and walk.blocks[i].frame.tag in ("h2", "h3", "h4", "h5", "h6")
    ]
    return [int(i) for i in (*beside, *subheads)]


def stack_pages(
    pages: list[Page], contexts: list[Matrix] | None, rng: np.random.Generator
) -> tuple[Matrix, Matrix, Matrix]:
    """Return rows, labels and weights; easy negatives are downsampled, and half of the rows are repeated without cues.

    The copies have no class and no id, like pages with generated class names.
    """
    distances = [COLUMN[f"dist:{cue}"] for cue in CUES]
    inside = [COLUMN[f"inside:{cue}"] for cue in CUES]
    up, linked = COLUMN["up_dist"], COLUMN["linked"]
    rows, labels, weights = [], [], []
    for n, page in enumerate(pages):
        x = page.features if contexts is None else np.hstack((page.features, contexts[n]))
        easy = (page.label == 0) & ((page.features[:, up] >= 3) | (page.features[:, linked] > 0.9))
        kept = ~easy | (rng.random(len(easy)) < 0.3)
        x, y, w = x[kept], page.label[kept], np.where(easy, page.weight / 0.3, page.weight)[kept]
        again = rng.random(len(y)) < 0.5
        blind = x[again].copy()
        blind[:, distances] = 40
        blind[:, inside] = 0
        rows += [x, blind]
        labels += [y, y[again]]
        weights += [w, w[again] * 0.5]
    return np.vstack(rows).astype(np.float32), np.concatenate(labels), np.concatenate(weights)


# -- models -------------------------------------------------------------------------------------------------------

PARAMETERS = {
    "objective": "binary", "learning_rate": 0.08, "num_leaves": 31, "max_depth": 9, "min_data_in_leaf": 20,
    "feature_fraction": 0.3, "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 5, "max_bin": 63,
    "verbose": -1, "num_threads": 2, "seed": 1, "deterministic": True,
}  # fmt: skip
ROUNDS = (200, 120)


def fit(pages: list[Page], contexts: list[Matrix] | None, rounds: int, seed: int) -> lightgbm.Booster:
    """Train one forest."""
    x, y, w = stack_pages(pages, contexts, np.random.default_rng(seed))
    return lightgbm.train(PARAMETERS | {"seed": seed}, lightgbm.Dataset(x, y, weight=w), rounds)


def predict_unseen(pages: list[Page], folds: int, seed: int) -> tuple[list[Matrix], list[Matrix]]:
    """Return the scores of both passes for every page, by models that have not seen its publisher."""
    fold = [fold_of(page.url, folds, seed) for page in pages]
    first: list[Matrix] = [np.zeros(0)] * len(pages)
    second: list[Matrix] = [np.zeros(0)] * len(pages)
    for k in range(folds):
        model = fit([p for p, f in zip(pages, fold, strict=True) if f != k and p.trains], None, ROUNDS[0], seed)
        for i, page in enumerate(pages):
            if fold[i] == k:
                first[i] = model.predict(page.features).astype(np.float32)
    contexts = [measure_context(p.walk, p.layout, s) for p, s in zip(pages, first, strict=True)]
    for k in range(folds):
        seen = [i for i, f in enumerate(fold) if f != k and pages[i].trains]
        model = fit([pages[i] for i in seen], [contexts[i] for i in seen], ROUNDS[1], seed)
        for i, page in enumerate(pages):
            if fold[i] == k:
                second[i] = model.predict(np.hstack((page.features, contexts[i]))).astype(np.float32)
    return first, second


def export(model: lightgbm.Booster) -> dict[str, NDArray[np.generic]]:
    """Return a forest as the arrays that transforms/page/judge/forest.py saves."""
    feature, threshold, left, right, value = [], [], [], [], []
    deepest = 0

    def add(node: dict, depth: int) -> int:
        nonlocal deepest
        deepest = max(deepest, depth)
        at = len(feature)
        leaf = "leaf_value" in node
        feature.append(0 if leaf else node["split_feature"])
        threshold.append(0.0 if leaf else node["threshold"])
        value.append(node["leaf_value"] if leaf else 0.0)
        left.append(at)
        right.append(at)
        if not leaf:
            left[at] = add(node["left_child"], depth + 1)
            right[at] = add(node["right_child"], depth + 1)
        return at

    roots = [add(tree["tree_structure"], 0) for tree in model.dump_model()["tree_info"]]
    return {
        "feature": np.array(feature, dtype=np.int16),
        "threshold": np.array(threshold, dtype=np.float32),
        "left": np.array(left, dtype=np.int32),
        "right": np.array(right, dtype=np.int32),
        "value": np.array(value, dtype=np.float32),
        "roots": np.array(roots, dtype=np.int32),
        "depth": np.array(deepest, dtype=np.int32),
    }


def main() -> None:
    """Train on folds, save the scores for bench/extraction.py --unseen, then train on all pages and save the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unseen", type=Path, help="write the scores of unseen publishers here (.npz)")
    parser.add_argument("--more", type=Path, help="a folder of pages with looser conventions")
    parser.add_argument("--weight", action="append", default=[], metavar="SET=WEIGHT", help="of a data set of --more")
    args = parser.parse_args()
    pages = read_pages(args.corpus)
    if args.more:
        weights = dict(each.split("=") for each in args.weight)
        pages += read_pages(args.more, {name: float(weight) for name, weight in weights.items()})
    first, second = predict_unseen(pages, args.folds, args.seed)
    for name, scores in (("first", first), ("second", second)):
        label, score = np.concatenate([p.label for p in pages]), np.concatenate(scores)
        print(f"unseen publishers, {name} pass: wrong blocks {np.mean((score > 0.5) != label):.4f}")
    if args.unseen:
        np.savez_compressed(args.unseen, **{p.id: s for p, s in zip(pages, second, strict=True)})
    training = [(p, measure_context(p.walk, p.layout, s)) for p, s in zip(pages, first, strict=True) if p.trains]
    pages, contexts = [p for p, _ in training], [context for _, context in training]
    forests = {
        "first": export(fit(pages, None, ROUNDS[0], args.seed)),
        "second": export(fit(pages, contexts, ROUNDS[1], args.seed)),
    }
    args.out.parent.mkdir(exist_ok=True)
    save_forests(args.out, forests, COLUMNS)
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()

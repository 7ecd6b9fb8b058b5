"""Print the scores and the cost of extraction on a corpus, next to trafilatura's in the same run.

usage: python bench/extraction.py CORPUS [--pages N] [--unseen STRICT.npz BROAD.npz] [--steps] [--scorer SCORE.py]

CORPUS contains gold.jsonl and html/ID.html.gz; the scorer is CORPUS/../eval/score.py. `--unseen` takes the files that
tools/train_blocks.py --unseen writes for the two models: block scores by models that have not seen a page's publisher.
The table "publishers unseen" made from them says what to expect on other pages. Times are CPU milliseconds per page,
including parsing. `--steps` prints instead the times of all that is done with a page: extracting, stripping, finding
entities, and passing the article to another process.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import pickle
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import trafilatura

from transforms.entities.recognizer import EntityRecognizer
from transforms.errors import NewsbeamError
from transforms.page.boilerplate import strip_boilerplate
from transforms.page.extract import Scorer, article_json, extract
from transforms.page.judge.classifier import Model, score_blocks
from transforms.records import ArticleLink, FetchedPage

Row = dict[str, Any]
MEASURES = ("f1", "precision", "recall", "exact", "title", "date_day", "date_minute", "authors_f1", "caption_leak")


def extract_ours(page: FetchedPage, score: Scorer = score_blocks) -> Row:
    """Extract and strip one page; `score` judges its blocks."""
    try:
        return article_json(strip_boilerplate(extract(page, score)))
    except NewsbeamError as exc:
        return {"body": [], "rejected": exc.reason}


def extract_theirs(page: FetchedPage) -> Row:
    """Extract one page with trafilatura, with metadata and without comments."""
    document = trafilatura.bare_extraction(page.body, url=page.url, with_metadata=True, include_comments=False)
    if document is None:
        return {"body": []}
    return {
        "title": document.title or "",
        "authors": (document.author or "").split("; "),
        "published": document.date,
        "body": (document.text or "").split("\n"),
    }


def score_unseen(scores: Mapping[Model, np.ndarray]) -> Scorer:
    """Return a scorer that gives the blocks of one page these scores."""
    return lambda _walk, _layout, _features, model: scores[model].astype(np.float32)


def load_unseen(files: Sequence[Path]) -> dict[str, dict[Model, np.ndarray]]:
    """Return the scores of each page by model, from the files for the strict and the broad one."""
    found: dict[str, dict[Model, np.ndarray]] = {}
    for model, path in zip((Model.STRICT, Model.BROAD), files, strict=True):
        for name, scores in np.load(path).items():
            found.setdefault(name, {})[model] = scores
    return found


def read_pages(corpus: Path, count: int | None = None) -> tuple[list[Row], list[tuple[str, FetchedPage]]]:
    """Return the truth of the first `count` pages, and the pages with their ids."""
    gold = [json.loads(line) for line in (corpus / "gold.jsonl").open()][:count]
    now = datetime.now(UTC)
    pages = []
    for row in gold:
        body = gzip.decompress((corpus / "html" / f"{row['id']}.html.gz").read_bytes())
        link = ArticleLink(url=row["url"], canonical_url=row["url"], article_id=row["id"], host="")
        pages.append((row["id"], FetchedPage(link, row["url"], "text/html", body, now)))
    return gold, pages


def load_scorer(corpus: Path, path: Path | None = None) -> ModuleType:
    """Import the corpus's own scorer, or the one at `path`."""
    path = path or corpus.parent / "eval" / "score.py"
    spec = importlib.util.spec_from_file_location("score", path)
    if spec is None or spec.loader is None or not path.exists():
        sys.exit(f"no scorer at {path}; name one with --scorer")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    pages: list[tuple[str, FetchedPage]], work: Callable[[str, FetchedPage], Row]
) -> tuple[dict[str, Row], list[float]]:
    """Return the result of `work` for each page, and the CPU milliseconds it took."""
    rows, times = {}, []
    for name, page in pages:
        start = time.process_time()
        row = work(name, page)
        times.append(1000 * (time.process_time() - start))
        rows[name] = row | {"id": name}
    return rows, times


def print_steps(pages: list[tuple[str, FetchedPage]]) -> None:
    """Print the mean CPU time of each step over the pages that are articles."""
    steps: dict[str, Callable[[Any], Any]] = {
        "extract": extract,
        "strip": strip_boilerplate,
        "entities": EntityRecognizer(),
        "pickle": lambda article: pickle.loads(pickle.dumps(article, pickle.HIGHEST_PROTOCOL)),
    }
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for _, page in [pages[0], *pages]:  # the first page loads the models
        given: Any = page
        try:
            for name, step in steps.items():
                start = time.process_time()
                given = step(given)
                spent[name].append(1000 * (time.process_time() - start))
        except NewsbeamError:
            continue
    for name, times in spent.items():
        print(f"{name:10} {statistics.mean(times[1:]):6.2f} ms of CPU per page")
    print(f"{'all':10} {sum(statistics.mean(times[1:]) for times in spent.values()):6.2f}")


def main() -> None:
    """Print a table for each extractor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--pages", type=int)
    parser.add_argument("--unseen", type=Path, nargs=2, metavar=("STRICT.npz", "BROAD.npz"))
    parser.add_argument("--scorer", type=Path)
    parser.add_argument("--steps", action="store_true")
    args = parser.parse_args()
    gold, pages = read_pages(args.corpus, args.pages)
    if args.steps:
        print_steps(pages)
        return
    extract_ours(pages[0][1])  # reads the model, once per process
    runs: dict[str, Callable[[str, FetchedPage], Row]] = {
        "newsbeam": lambda _, page: extract_ours(page),
        "trafilatura": lambda _, page: extract_theirs(page),
    }
    if args.unseen:
        unseen = load_unseen(args.unseen)
        runs["newsbeam, publishers unseen"] = lambda name, page: extract_ours(page, score_unseen(unseen[name]))
    scorer = load_scorer(args.corpus, args.scorer)
    for title, work in runs.items():
        rows, times = run(pages, work)
        result, scored = scorer.score(gold, rows)
        print(
            f"{title}: {statistics.mean(times):.1f} ms of CPU per page, median {statistics.median(times):.1f}, "
            f"worst {max(times):.0f}; rejected {sum('rejected' in row for row in rows.values())}; "
            f"f1 under .8: {sum(f1 < 0.8 for f1, *_ in scored)} of {len(scored)}"
        )
        for name, measures in result.items():
            print(f"  {name}  " + "  ".join(f"{m} {measures[m]:.3f}" for m in MEASURES if m in measures))


if __name__ == "__main__":
    main()

"""Print how often the kind of a page is right: precision, recall and F1 of each kind.

usage: python bench/kinds.py CORPUS... [--labels LABELS] [--wrong]

A CORPUS contains manifest.jsonl and html/ID.html.gz. LABELS has the kinds of the pages that are no articles, as
{ID: kind}; every other page is an article. They were given by eye, after the definitions in
transforms.records.PageKind.

A page that the pipeline rejects has no kind: it counts as the kind that the reason of its rejection speaks for, and
the number of such pages is printed. `--wrong` lists the pages whose kind is wrong, with what decided.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

LABELS = Path(__file__).with_name("kinds.json")
REASONS = {"section front": "index", "search result": "index", "soft 404": "notice", "consent wall": "notice"}


class Judged(NamedTuple):
    """A page, the kind it was taken for, and what decided: a rule, or the reason of its rejection."""

    id: str
    url: str
    kind: str
    source: str
    is_rejected: bool = False


def judge(page: tuple[str, str, Path]) -> Judged:
    """Extract a page (id, address, file) and return its kind; "" if it has no text at all."""
    from transforms.errors import NewsbeamError, NotAnArticle
    from transforms.page.extract import extract
    from transforms.records import ArticleLink, FetchedPage

    id_, url, path = page
    body = gzip.decompress(path.read_bytes())
    try:
        article = extract(FetchedPage(ArticleLink(url, url, id_, ""), url, "text/html", body, datetime.now(UTC)))
    except NotAnArticle as error:
        return Judged(id_, url, REASONS[error.reason], f"rejected: {error}", True)
    except NewsbeamError as error:
        return Judged(id_, url, "", f"rejected: {error}", True)
    return Judged(id_, url, article.page_kind.value, article.sources.get("page_kind", ""))


def read_pages(corpora: Sequence[Path]) -> list[tuple[str, str, Path]]:
    """Return the id, the address and the file of every page."""
    rows = ((corpus, json.loads(line)) for corpus in corpora for line in (corpus / "manifest.jsonl").open())
    return [(row["id"], row["url"], corpus / row["html"]) for corpus, row in rows]


def print_figures(judged: Sequence[Judged], truth: dict[str, str]) -> None:
    """Print the figures of each kind, and the mean over the kinds that a page has or was taken for."""
    pairs = Counter((truth.get(page.id, "article"), page.kind) for page in judged)
    kinds = sorted({true for true, _ in pairs}, key=lambda kind: (kind != "article", kind))
    print(f"{'kind':10} {'pages':>5} {'found':>5} {'right':>5}  precision  recall    f1")
    scores = []
    for kind in [*kinds, *sorted({found for _, found in pairs} - set(kinds) - {""})]:
        pages = sum(n for (true, _), n in pairs.items() if true == kind)
        found = sum(n for (_, taken), n in pairs.items() if taken == kind)
        right = pairs[kind, kind]
        precision, recall = right / found if found else 0.0, right / pages if pages else 0.0
        f1 = 2 * right / (pages + found)
        if pages:
            scores.append(f1)
        print(f"{kind:10} {pages:5} {found:5} {right:5}  {precision:9.3f}  {recall:6.3f}  {f1:.3f}")
    right = sum(n for (true, found), n in pairs.items() if true == found)
    print(
        f"{len(judged)} pages, {right} right ({right / len(judged):.2%}), macro f1 {sum(scores) / len(scores):.3f} of"
        f" {len(scores)} kinds, {sum(page.is_rejected for page in judged)} rejected"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, nargs="+", metavar="CORPUS")
    parser.add_argument("--labels", type=Path, default=LABELS)
    parser.add_argument("--wrong", action="store_true")
    args = parser.parse_args()
    truth: dict[str, str] = json.loads(args.labels.read_text())
    with ProcessPoolExecutor(min(3, os.cpu_count() or 1)) as pool:
        judged = list(pool.map(judge, read_pages(args.corpora), chunksize=8))
    print_figures(judged, truth)
    if args.wrong:
        for page in judged:
            true = truth.get(page.id, "article")
            if page.kind != true:
                print(f"  {page.id}: {true} taken for {page.kind or 'none'} [{page.source}] {page.url[:100]}")


if __name__ == "__main__":
    main()

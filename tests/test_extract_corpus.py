"""Extraction on real pages: a sample of the corpus, with the corpus's own scorer. Skipped without the corpus."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from transforms.page.boilerplate import strip_boilerplate
from transforms.page.extract import article_json, extract
from transforms.records import ArticleLink, FetchedPage

SHARED = Path(__file__).parent.parent.parent / "shared"
pytestmark = pytest.mark.skipif(not (SHARED / "corpus").exists(), reason="needs the corpus")


def read_pages(step: int) -> Iterator[tuple[dict[str, Any], FetchedPage]]:
    for line in (SHARED / "corpus" / "gold.jsonl").read_text().splitlines()[::step]:
        row = json.loads(line)
        body = gzip.decompress((SHARED / "corpus" / "html" / f"{row['id']}.html.gz").read_bytes())
        link = ArticleLink(url=row["url"], canonical_url=row["url"], article_id=row["id"], host="a.example")
        yield row, FetchedPage(link, row["url"], "text/html", body, datetime.now(UTC))


def extract_json(page: FetchedPage) -> dict[str, Any]:
    return article_json(strip_boilerplate(extract(page)), page.link.article_id)


def test_scores_on_a_sample() -> None:
    spec = importlib.util.spec_from_file_location("score", SHARED / "eval" / "score.py")
    assert spec
    assert spec.loader
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    pages = list(read_pages(5))
    result, _ = scorer.score([row for row, _ in pages], {row["id"]: extract_json(page) for row, page in pages})
    for name, f1, exact in (("aeb", 0.96, 0.4), ("fev", 0.97, 0.5), ("fpt", 0.97, 0.5)):
        assert result[name]["f1"] > f1, name
        assert result[name]["exact"] > exact, name
    assert result["fpt"]["caption_leak"] <= 0.005
    assert result["fpt"]["date_minute"] > 0.9


def test_threads_give_the_same_results_as_one() -> None:
    pages = [page for _, page in read_pages(20)]
    alone = [extract_json(page) for page in pages]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(extract_json, pages * 2)) == alone * 2

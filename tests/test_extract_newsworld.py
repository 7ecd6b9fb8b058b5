"""Extraction on the pages of the synthetic news web, whose text is known exactly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from newsworld.offline import read_pages
from newsworld.templates import CLUTTER

from transforms.page.boilerplate import strip_boilerplate
from transforms.page.extract import article_json, extract
from transforms.records import Article, ArticleLink, FetchedPage

PAGES = read_pages()


def open_page(row: dict[str, Any], body: bytes) -> FetchedPage:
    url = row["url"]
    link = ArticleLink(url=url, canonical_url=url, article_id="1", host="a.example")
    return FetchedPage(link, url, "text/html; charset=utf-8", body, datetime(2026, 3, 5, tzinfo=UTC))


def extract_page(row: dict[str, Any], body: bytes) -> Article:
    return strip_boilerplate(extract(open_page(row, body)))


@pytest.mark.parametrize(("row", "body"), PAGES, ids=[f"{row['template']}-{row['language']}" for row, _ in PAGES])
def test_an_article_is_what_its_author_wrote(row: dict[str, Any], body: bytes) -> None:
    article = extract_page(row, body)
    assert article.title == row["title"]
    assert list(article.authors) == [row["author"]]
    assert article.language == row["language"]
    assert bool(article.is_paywalled) == row["is_paywalled"]
    rest = article.body
    for paragraph in row["paragraphs"]:
        assert paragraph in rest
        rest = rest.replace(paragraph, "", 1)
    for may_be_there in (row["subhead"], row["standfirst"]):
        rest = rest.replace(may_be_there, "", 1) if may_be_there else rest
    assert rest.strip() == ""


def test_the_clutter_is_kept_with_a_reason() -> None:
    """Nothing disappears from a page: text outside the story is among the removed blocks."""
    removed: dict[str, str] = {}
    for row, body in PAGES:
        article = extract_page(row, body)
        for block in article.removed:
            removed |= {name: block.reason for name, text in CLUTTER.items() if text in block.text}
    assert removed.keys() >= {"newsletter", "related", "comment", "subscribe", "app"}
    assert all(removed.values())


def test_threads_give_the_same_results_as_one() -> None:
    def extract_json(page: tuple[dict[str, Any], bytes]) -> dict[str, Any]:
        return article_json(extract_page(*page), "1")

    alone = [extract_json(page) for page in PAGES]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(extract_json, PAGES * 2)) == alone * 2

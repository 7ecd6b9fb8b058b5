"""Small pages with an article, and the article that is extracted from them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from transforms.page.extract import extract
from transforms.records import Article, ArticleLink, FetchedPage

URL = "https://www.courier.example/coast/quay"
NOW = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
STORY = (
    "The council met on Tuesday evening to vote on the new harbour plan, which residents have debated for two years.",
    "Mayor Ana Duarte said the first ships would arrive in March, and that the ferry company had signed a lease.",
    "Opponents, led by the Ellery Bird Trust, said they would appeal to the regional court before the end of the "
    "month.",
)


def tell(
    *, head: str = "", above: str = "", opening: str = "", ending: str = "", below: str = "", title: str = "Quay closed"
) -> str:
    """Return a page with a story: what stands above it, opens and ends its text, and stands below it."""
    story = [f"{opening}{STORY[0]}", *STORY[1:-1], f"{STORY[-1]}{ending}"]
    text = "".join(f"<p>{paragraph}</p>" for paragraph in story)
    return (
        f"<!doctype html><html lang='en'><head><title>{title}</title>{head}</head><body>"
        f"<article><h1>{title}</h1>{above}{text}{below}</article></body></html>"
    )


def read(page: str, url: str = URL, now: datetime = NOW, **hints: Any) -> Article:
    """Extract the article of a page; `hints` are what the feed said."""
    link = ArticleLink(url=url, canonical_url=url, article_id="a", host="courier.example", **hints)
    return extract(FetchedPage(link, url, "text/html", page.encode(), now))


def linked(**fields: Any) -> str:
    """Return linked data of an article."""
    node = {"@context": "https://schema.org", "@type": "NewsArticle", **fields}
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


def meta(name: str, content: str) -> str:
    """Return a meta tag."""
    return f'<meta property="{name}" content="{content}">'

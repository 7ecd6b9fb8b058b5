"""Articles go from process to process as pickles; what is in them is not changed by that."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from transforms.records import Article, ArticleLink, Block, BlockKind, Entity, Image, Mention, PageKind, RemovedBlock

ARTICLE = Article(
    link=ArticleLink("https://x.example/a", "https://x.example/a", "1", "x.example", published_at=datetime.now(UTC)),
    url="https://x.example/a",
    title="Harbour plan “approved” 港",
    authors=("Ann Lee", "Bo"),
    published_at=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    page_kind=PageKind.LIVE_BLOG,
    blocks=(Block(BlockKind.PARAGRAPH, "The mayor.", "", 0.1 + 0.2), Block(BlockKind.HEADING, "After")),
    removed=(RemovedBlock(3, "Subscribe", "promo", "words"),),
    images=(Image("https://x.example/a.jpg", "The port", "Bo"),),
    sources={"title": "h1"},
    entities=(Entity("Bo", "PERSON", 1, 1 / 3),),
    mentions=(Mention(0, 0, 2, "Bo", "PERSON"),),
)


@pytest.mark.parametrize("article", [ARTICLE, replace(ARTICLE, title="a lone \ud800 surrogate")])
def test_an_article_survives_a_pickle(article: Article) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        read = pickle.loads(pickle.dumps(article, protocol))
        assert read == article
        assert type(read.blocks[0].kind) is BlockKind
        assert type(read.blocks) is tuple
    assert copy.deepcopy(article) == article

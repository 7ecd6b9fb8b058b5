"""An article that has lost its HTML -> the same article, cleaned."""

from __future__ import annotations

from transforms.boilerplate import strip_boilerplate
from transforms.errors import NoText
from transforms.records import Article, ArticleLink, Block, BlockKind


def clean_text(text: str, url: str = "") -> Article:
    """Turn an article's plain text into an article with its boilerplate removed; raises NoText for an empty one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise NoText("empty text")
    link = ArticleLink(url=url, canonical_url=url, article_id="", host="")
    blocks = tuple(Block(BlockKind.PARAGRAPH, line) for line in lines)
    return strip_boilerplate(Article(link=link, url=url, blocks=blocks))

"""Show an article's kept and removed blocks, for a terminal and as an HTML page."""

from __future__ import annotations

from transforms.records import Article


def explain(article: Article, html: bool = False) -> str:
    """Return the stripped article with its removed blocks struck out: ANSI colours, or an HTML page."""
    rows = [("", block.text) for block in article.blocks] + [(r.reason, r.text) for r in article.removed]
    return "\n".join(f"{reason or 'kept':12} {text}" for reason, text in rows)

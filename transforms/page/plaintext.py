"""Clean an article that is plain text, without its HTML."""

from __future__ import annotations

import re
from collections.abc import Collection

from transforms.errors import NoText
from transforms.page.boilerplate import DEFAULT, BodyPolicy, strip_boilerplate
from transforms.page.judge.wording import BULLET, judge_wording
from transforms.page.text import count_words, normalize_text
from transforms.records import Article, ArticleLink, Block, BlockKind

_FULL_STOP = re.compile(r"[.。।…;:,][\"'”’»)]*$")
MAX_LINES = 20_000


def clean_text(text: str, url: str = "", title: str = "", policy: BodyPolicy = DEFAULT) -> Article:
    """Turn an article's plain text into an article with its boilerplate removed.

    Each line is a block. Without a given title, the first line that is not boilerplate becomes the title if it reads
    like one.
    Raises NoText for an empty text.
    """
    lines = [line for line in map(normalize_text, text.splitlines()[:MAX_LINES]) if line]
    if not any(any(map(str.isalnum, line)) for line in lines):
        raise NoText("empty text")
    title_at = -1
    if not title:
        junk = judge_wording(lines)
        title_at = _find_title(lines, junk)
        title = lines[title_at] if title_at >= 0 else ""
    blocks = [
        Block(BlockKind.HEADLINE, line, rule="first line")
        if i == title_at
        else Block(BlockKind.LIST_ITEM if BULLET.match(line) else BlockKind.PARAGRAPH, line)
        for i, line in enumerate(lines)
    ]
    link = ArticleLink(url=url, canonical_url=url, article_id="", host="")
    sources = {"title": "first line"} if title_at >= 0 else {}
    article = Article(link=link, url=url, title=title, blocks=tuple(blocks), sources=sources)
    return strip_boilerplate(article, policy)


def _find_title(lines: list[str], junk: Collection[int]) -> int:
    """Return the index of the line that reads like a headline, or -1."""
    for i, line in enumerate(lines[:12]):
        if i in junk:
            continue
        words = count_words(line)
        following = [count_words(other) for other in lines[i + 1 : i + 8]]
        if words <= 30 and not _FULL_STOP.search(line) and not BULLET.match(line) and max(following, default=0) > words:
            return i
        return -1
    return -1

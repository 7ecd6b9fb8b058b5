"""Read schema.org data from the JSON-LD scripts of a page, tolerantly (https://schema.org/Article).

Only the node of the page's own article is used: pages also describe neighbouring articles, their publisher and their
breadcrumbs.
"""

from __future__ import annotations

import html
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from transforms.page.text import text_key

Node = dict[str, Any]

ARTICLE_TYPES = frozenset(
    {
        "article",
        "newsarticle",
        "reportagenewsarticle",
        "analysisnewsarticle",
        "opinionnewsarticle",
        "backgroundnewsarticle",
        "reviewnewsarticle",
        "askpublicnewsarticle",
        "satiricalarticle",
        "advertisercontentarticle",
        "blogposting",
        "liveblogposting",
        "socialmediaposting",
        "techarticle",
        "scholarlyarticle",
        "report",
        "review",
        "claimreview",
        "recipe",
    }
)
PAGE_TYPES = frozenset({"webpage", "itempage", "videoobject", "podcastepisode", "imagegallery", "mediagallery"})
_MAX_NODES = 5000
# characters of one script and of all scripts that are read; the page with the most of 1,746 has 43,594
_MAX_SCRIPT = 1_500_000
_MAX_ALL = 2_000_000
# what is nested deeper is dropped; the deepest has 10
_MAX_DEPTH = 50
# of a value that is read as a line of text
_MAX_LINE = 100_000
_CONTROL = re.compile(r"[\x00-\x1f]+")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_CDATA = re.compile(r"^\s*(?://\s*)?<!\[CDATA\[|(?://\s*)?\]\]>\s*$|^\s*<!--|-->\s*$")


def read_linked_data(tree: etree._Element) -> list[Node]:
    """Return every JSON-LD node of the page, outermost first; scripts that are not JSON are skipped."""
    nodes: list[Node] = []
    left = _MAX_ALL
    for script in tree.iter("script"):
        if "ld+json" in (script.get("type") or "").lower() and script.text and len(script.text) < _MAX_SCRIPT:
            left -= len(script.text)
            if left < 0:
                break
            root = _load(script.text)
            _cut_depth(root)
            nodes.extend(_walk(root))
            if len(nodes) > _MAX_NODES:
                break
    return nodes[:_MAX_NODES]


def types_of(node: Node) -> set[str]:
    """Return the node's types in lower case, without the schema.org prefix."""
    types = node.get("@type", ())
    if isinstance(types, str):
        types = [types]
    return {t.rsplit("/", 1)[-1].lower() for t in types if isinstance(t, str)} if isinstance(types, list) else set()


def choose_article(nodes: list[Node], title: str) -> Node:
    """Return the node of the page's own article, or an empty one."""
    best: Node = {}
    best_score = 0.0
    wanted = text_key(title)
    for position, node in enumerate(nodes):
        types = types_of(node)
        if types & ARTICLE_TYPES:
            score = 10.0
        elif types & PAGE_TYPES:
            score = 3.0
        else:
            continue
        headline = text_key(text_of(node.get("headline")) or text_of(node.get("name")))
        if headline and wanted and (headline in wanted or wanted in headline):
            score += 6
        score += 2 * ("datePublished" in node) + ("author" in node) + ("headline" in node)
        score -= min(position, 20) * 0.05
        if score > best_score:
            best, best_score = node, score
    return best


def text_of(value: object) -> str:
    """Return a value as one line of text: the string itself, the first of a list, a node's name."""
    if isinstance(value, str):
        return " ".join(html.unescape(html.unescape(value[:_MAX_LINE])).split())
    if isinstance(value, list):
        return next((text for text in map(text_of, value) if text), "")
    if isinstance(value, dict):
        return text_of(value.get("name") or value.get("@value") or value.get("url") or value.get("headline"))
    return ""


def as_list(value: object) -> list[Any]:
    """Return a value that may be missing, single or a list as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _load(text: str) -> object:
    if "<!" in text or "]]>" in text or "-->" in text:
        text = _CDATA.sub("", text)
    text = text.strip().rstrip(";")
    for attempt in _spellings(text):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return _load_prefix(_CONTROL.sub(" ", text))


def _spellings(text: str) -> Iterator[str]:
    """Yield a text as it is, then with more and more of what is wrong in it mended."""
    yield text
    text = _CONTROL.sub(" ", text)
    yield text
    yield _TRAILING_COMMA.sub(r"\1", text)


def _load_prefix(text: str) -> object:
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _cut_depth(root: object) -> None:
    """Empty the lists and nodes that are nested too deep for the functions that read a value and all below it."""
    level = [root]
    for _ in range(_MAX_DEPTH):
        level = [child for value in level for child in _children(value) if isinstance(child, dict | list)]
        if not level:
            return
    for value in level:
        if isinstance(value, dict | list):
            value.clear()


def _children(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _walk(root: object) -> Iterator[Node]:
    queue, seen = deque([root]), 0
    while queue and seen < _MAX_NODES:
        value = queue.popleft()
        seen += 1
        if isinstance(value, dict):
            yield value
            queue.extend(child for child in value.values() if isinstance(child, dict | list))
        elif isinstance(value, list):
            queue.extend(value[:300])

"""Clean titles: without the site's name and, where two sources agree, without the kicker."""

from __future__ import annotations

import re
from collections.abc import Mapping

from transforms.page.text import text_key

_TAIL = re.compile(r"^(.*\S)(?:\s+[|–—\-·•:»/]+\s+|\s*\|\s*|\s*--\s*|\s*｜\s*|：)([^|–—：]{2,60})$")
_HEAD = re.compile(r"^([^|–—]{2,40})\s*[|»]\s*(.{15,})$")
_DATE = re.compile(r"[\d.\-/ ]+")
_SEPARATED = re.compile(r"(?<=[:\-–—|/])\s+")


def strip_site_name(title: str, site: str, host: str) -> str:
    """Cut the site's name (or a date) off the end or the start of a title."""
    site_key = text_key(site)
    host_key = text_key(host.removeprefix("www."))
    for _ in range(4):
        match = _TAIL.match(title)
        if match and _is_site(match[2], site_key, host_key):
            title = match[1]
            continue
        match = _HEAD.match(title)
        if match and _is_site(match[1], site_key, host_key):
            title = match[2]
            continue
        break
    return title.strip()


def choose_title(candidates: Mapping[str, str]) -> tuple[str, str]:
    """Return the title that most sources agree on, and its source; the heading that readers see breaks ties."""
    linked, graph, heading = (candidates.get(name, "") for name in ("json-ld", "og:title", "h1"))
    if heading and graph and text_key(heading) == text_key(graph):
        return "h1", heading
    if linked and text_key(linked) in (text_key(graph), text_key(heading)):
        return "json-ld", linked
    if not linked and heading and graph:
        shared = _shared_tail(heading, graph)
        if shared:
            return "h1", shared
        return "og:title", graph
    for name in ("json-ld", "og:title", "h1", "twitter:title", "title"):
        if candidates.get(name):
            return name, candidates[name]
    return "", ""


def _shared_tail(first: str, second: str) -> str:
    """Return the end shared by two titles after the kicker of at least one of them."""
    for text, other in ((first, second), (second, first)):
        shared = _count_shared(text_key(text), text_key(other))
        read = 0
        left = len(text_key(text))
        for match in _SEPARATED.finditer(text):
            # a key is made character by character, so that of a tail is the tail of that of the text
            left -= len(text_key(text[read : match.end()]))
            read = match.end()
            if left <= shared and len(text[read:].split(maxsplit=3)) >= 3:
                return text[read:]
    return ""


def _count_shared(one: str, other: str) -> int:
    """Count the characters of the longest common end of two texts."""
    return next((n for n, (a, b) in enumerate(zip(reversed(one), reversed(other), strict=False)) if a != b),
                min(len(one), len(other)))  # fmt: skip


def _is_site(text: str, site_key: str, host_key: str) -> bool:
    key = text_key(text)
    if _DATE.fullmatch(text):
        return True
    if not key or len(text.split()) > 6:
        return False
    if site_key and (key in site_key or (len(site_key) > 3 and site_key in key)):
        return True
    label = max(host_key.removesuffix("com").split("co"), key=len)[:-2]
    if len(label) > 6 and label in key:
        return True
    return len(key) > 2 and (host_key.startswith(key) or key in host_key.split("com")[0] or key == host_key)

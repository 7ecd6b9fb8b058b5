"""Clean titles: without the site's name and, where two sources agree, without the kicker."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from transforms.page.text import text_key

_TAIL = re.compile(r"^(.*\S)(?:\s+[|–—\-·•:»/]+\s+|\s*\|\s*|\s*--\s*|\s*｜\s*|：)([^|–—：]{2,60})$")
_HEAD = re.compile(r"^([^|–—]{2,40})\s*[|»]\s*(.{15,})$")
_BAR = re.compile(r"^(.*\S)\s*[|｜]\s*([^|｜]{2,80})$")
_DATE = re.compile(r"[\d.\-/ ]+")
_SEPARATED = re.compile(r"(?<=[:\-–—|/])\s+")
_BOUNDARY = re.compile(r"\s*[|｜–—•·»:：_-]")
_ELLIPSIS = re.compile(r"\s*(?:…|\.\.\.)$")
# quotation marks that open or close depending on where they stand, and those that always do the one or the other
_EITHER = frozenset('"“”«»')
_OPENING, _CLOSING = frozenset("„「『《"), frozenset("」』》")
# how German, Danish and Swedish host names write their letters: https://www.denic.de/en/faqs/
_HOST_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa"})
# words that publishers add to their name: "BBC News" at bbc.com
_ADDED = frozenset(
    [
        "news",
        "nachrichten",
        "online",
        "sport",
        "sports",
        "spor",
        "zeitung",
        "tv",
        "radio",
        "magazine",
        "magazin",
        "digital",
        "mobile",
        "blog",
        "world",
        "international",
        "business",
        "haber",
        "haberleri",
        "noticias",
        "nouvelles",
        "notizie",
        "новости",
    ]
)
# headlines are cut to so many characters where search engines are to show them; the longest uncut one has 300
_CUT_LENGTH = 90
_LEAST_WORDS = 4


def clean_titles(titles: Mapping[str, str], sites: Iterable[str], host: str) -> dict[str, str]:
    """Return the titles by source without the site's name; those that are nothing but its name are left out.

    `sites` are all names that the page gives its site.

    What follows the last bar ("Quay closed | Coast") goes too where the heading that readers see has no such ending.
    """
    keys = _SiteKeys(sites, host)
    clean = {source: _strip(title, keys) for source, title in titles.items() if title}
    named = {source: title for source, title in clean.items() if text_key(title) not in keys.whole}
    clean = named or clean
    heading = text_key(clean.get("h1", ""))
    for source in ("og:title", "twitter:title", "title"):
        match = _BAR.match(clean.get(source, ""))
        if match and not heading.endswith(text_key(match[2])) and _is_label(match[1], match[2]):
            clean[source] = match[1]
    return clean


def strip_site_name(title: str, site: str, host: str) -> str:
    """Cut the site's name (or a date) off the end or the start of a title, but nothing out of a quotation."""
    return _strip(title, _SiteKeys((site,), host))


def _strip(title: str, keys: _SiteKeys) -> str:
    for _ in range(4):
        match = _TAIL.match(title)
        if match and keys.match(match[2]) and not _is_quoted(title, match.end(1)):
            title = match[1]
            continue
        match = _HEAD.match(title)
        if match and keys.match(match[1]) and not _is_quoted(title, match.end(1)):
            title = match[2]
            continue
        break
    return title.strip()


def drop_site_names(titles: Iterable[str], sites: Iterable[str], host: str) -> list[str]:
    """Return the titles that are more than the name of the site or its host; all of them if none is more."""
    keys, titles = _SiteKeys(sites, host), list(titles)
    return [title for title in titles if text_key(title) not in keys.whole] or titles


def choose_title(candidates: Mapping[str, str]) -> tuple[str, str]:
    """Return the title that most sources agree on, and its source; the heading that readers see breaks ties.

    A title that another source has at greater length is a shortened one, and is not chosen.
    """
    linked, graph, heading = (candidates.get(name, "") for name in ("json-ld", "og:title", "h1"))
    if heading and graph and text_key(heading) == text_key(graph):
        return "h1", heading
    if linked and heading and _is_cut(linked, heading):
        return "h1", heading
    if linked and text_key(linked) in (text_key(graph), text_key(heading)):
        return "json-ld", linked
    if not linked and heading and graph:
        if _begins(graph, heading) or _is_cut(graph, heading):
            return "h1", heading
        shared = _shared_tail(heading, graph)
        if shared:
            return "h1", shared
        return "og:title", graph
    for name in ("json-ld", "og:title", "h1", "twitter:title", "title"):
        if candidates.get(name):
            return name, candidates[name]
    return "", ""


def _is_label(title: str, label: str) -> bool:
    """Say whether what follows a bar reads like the label of a section or site rather than like half of a headline."""
    words = len(title.split())
    unspaced = not title.isascii() and len(text_key(title)) >= 9 * max(1, words)
    return (
        (words >= _LEAST_WORDS or unspaced)
        and len(label.split()) <= min(6, words)
        and len(text_key(label)) < len(text_key(title))
        and not re.search(r"[,;?!，？！]", label)
        and not _is_quoted(f"{title}|{label}", len(title))
    )


def _begins(title: str, heading: str) -> bool:
    """Say whether a title is a heading of several words and a separator and something more."""
    return (
        len(heading.split()) >= _LEAST_WORDS
        and title.casefold().startswith(heading.casefold())
        and bool(_BOUNDARY.match(title, len(heading)))
        and not _is_quoted(title, len(heading))
    )


def _is_cut(title: str, whole: str) -> bool:
    """Say whether a title is the beginning of another one, shortened for search engines."""
    bare = _ELLIPSIS.sub("", title)
    if bare == title and len(title) < _CUT_LENGTH:
        return False
    key, other = text_key(bare), text_key(whole)
    return len(key) < len(other) and len(bare.split()) >= _LEAST_WORDS and other.startswith(key)


def _is_quoted(text: str, position: int) -> bool:
    """Say whether a position is between two quotation marks."""
    depth = 0
    for mark in text[:position]:
        if mark in _OPENING:
            depth += 1
        elif mark in _CLOSING:
            depth = max(0, depth - 1)
        elif mark in _EITHER:
            depth = depth - 1 if depth else 1
    return depth > 0 and any(mark in _CLOSING or mark in _EITHER for mark in text[position:])


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
            if left <= shared and len(text[read:].split(maxsplit=3)) >= 3 and not _is_quoted(text, read):
                return text[read:]
    return ""


def _count_shared(one: str, other: str) -> int:
    """Count the characters of the longest common end of two texts."""
    return next((n for n, (a, b) in enumerate(zip(reversed(one), reversed(other), strict=False)) if a != b),
                min(len(one), len(other)))  # fmt: skip


class _SiteKeys:
    """The comparison keys of a site's names and host."""

    def __init__(self, sites: Iterable[str], host: str) -> None:
        self.sites = list(filter(None, map(text_key, sites)))
        bare = host.removeprefix("www.")
        self.host = text_key(bare)
        label = max(self.host.removesuffix("com").split("co"), key=len)[:-2]
        self.label = label if len(label) > 6 else ""
        # the registered name, as in "courier" of news.courier.example and courier.co.example
        names = [name for name in bare.split(".")[:-1] if len(name) > 3 or name == bare.split(".")[0]]
        self.name = text_key(names[-1]) if names else ""
        self.whole = {key for key in (*self.sites, self.host, self.name) if len(key) > 3}

    def match(self, text: str) -> bool:
        """Say whether a text is the name of the site, or a date."""
        if _DATE.fullmatch(text):
            return True
        words = text.split()
        if len(words) > 6:
            return False
        return any(map(self._match_key, _spellings(text))) or self._is_added_to(words)

    def _match_key(self, key: str) -> bool:
        if not key:
            return False
        if any(key in site or (len(site) > 3 and site in key) for site in self.sites):
            return True
        if self.label and self.label in key:
            return True
        return len(key) > 2 and (self.host.startswith(key) or key in self.host.split("com")[0] or key == self.host)

    def _is_added_to(self, words: list[str]) -> bool:
        keys = [text_key(word) for word in words]
        return len(self.name) > 2 and self.name in keys and all(key == self.name or key in _ADDED for key in keys)


def _spellings(text: str) -> set[str]:
    """Return the keys of a text as it is, without accents, and as host names write it."""
    if text.isascii():
        return {text_key(text)}
    lowered = text.casefold()
    bare = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return {text_key(text), text_key(bare), text_key(lowered.translate(_HOST_LETTERS))}

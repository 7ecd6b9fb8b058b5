"""Read the authors from linked data, meta tags and elements that are marked as the author."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from transforms.page.read.bylines import clean_authors
from transforms.page.read.linked_data import as_list, text_of
from transforms.page.read.sources import MAX_MARKED, PageSources, read_line
from transforms.page.text import text_key

_AUTHOR_NAMES = (
    "author article:author parsely-author sailthru.author dc.creator dcterms.creator byl "
    "cxenseparse:author article:author_name citation_author authors "
    "articleauthor dcsext.author article.author twitter:data1 dc.contributor og:article:author"
)
_AUTHOR = _AUTHOR_NAMES.split()
AUTHOR_LINK = re.compile(
    r"/(?:authors?|autor(?:en|es|in|e|zy)?|auteurs?|autori|autore|redaktor|journalists?|people|profile|staff|contributors?)"
    r"/(?:name/)?(?=[\w%.-]*?[a-z])[\w%.-]++/?$"
)
_AUTHOR_CLASS = re.compile(r"(?:^|[\s_-])(?:author|byline|autor|auteur|autore)(?:[\s_-]*(?:name|link))?(?:$|\s)")

Named = tuple[str, tuple[str, ...]]


def read_authors(page: PageSources, site_name: str) -> tuple[list[Named], bool]:
    """Return the authors that the page gives, best first, each with its source.

    The second value says whether nobody but the publisher signs.
    """
    publisher = page.resolve(page.article.get("publisher"))
    host = page.host.removeprefix("www.")
    houses = (site_name, text_of(publisher), host, host.rpartition(".")[0])

    def clean(names: list[str]) -> tuple[str, ...]:
        return clean_authors(names, houses)

    article = page.article
    linked = [_name_of(a) for a in as_list(page.resolve(article.get("author")))]
    linked += [_name_of(a) for a in as_list(page.resolve(article.get("creator")))] if not linked else []
    candidates: list[Named] = [("json-ld", clean(linked))]
    candidates += [(f"meta {name}", clean(page.tags.get(name, []))) for name in _AUTHOR]
    house_keys = {text_key(h) for h in houses if h}

    def is_house(names: tuple[str, ...]) -> bool:
        return all(text_key(name) in house_keys for name in names)

    if all(is_house(names) for _, names in candidates):
        candidates.append(("byline", clean(_marked_authors(page))))
    named = [candidate for candidate in candidates if not is_house(candidate[1])]
    return named or candidates, not named


def _name_of(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(filter(None, map(_name_of, value)))
    if isinstance(value, dict):
        whole = " ".join(filter(None, (text_of(value.get("givenName")), text_of(value.get("familyName")))))
        value = value.get("name") or whole
        if isinstance(value, list):
            return "; ".join(filter(None, map(text_of, value)))
    return text_of(value)


def _marked_authors(page: PageSources) -> list[str]:
    found: list[str] = []
    tried = 0
    for element in page.tree.iter("a", "span", "div", "p", "address", "li", "strong", "em", "b"):
        prop, rel = element.get("itemprop") or "", element.get("rel") or ""
        css = (element.get("class") or "").lower()
        if (
            "author" in prop.lower().split()
            or "author" in rel.lower().split()
            or (element.tag == "a" and AUTHOR_LINK.search(element.get("href") or "") and not found)
        ):
            pass
        elif not css or found or not _AUTHOR_CLASS.search(css):
            continue
        inside = islice(element.iter(), MAX_MARKED)
        inner = next((e for e in inside if "name" in (e.get("itemprop") or "").split()), element)
        text = read_line(inner, 5_000)
        if 3 < len(text) < 90:
            found.append(text)
        tried += 1
        if len(found) >= 6 or tried >= MAX_MARKED:
            break
    return found[:4]

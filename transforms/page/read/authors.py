"""Read the authors from linked data, meta tags and elements that are marked as the author.

Sources are tried in their order of trust. One that names people goes before one that names only the publisher or an
agency, and both go before one that holds a log-in name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import Any

from lxml import etree

from transforms.page.read.agencies import find_agency
from transforms.page.read.bylines import clean_authors, is_person
from transforms.page.read.linked_data import as_list, text_of, types_of
from transforms.page.read.sources import MAX_MARKED, PageSources, read_line
from transforms.page.text import text_key
from transforms.urls import domain_of, host_of, is_same_site

_AUTHOR_NAMES = (
    "author article:author parsely-author sailthru.author dc.creator dcterms.creator byl "
    "cxenseparse:author article:author_name citation_author authors "
    "articleauthor dcsext.author article.author twitter:data1 dc.contributor og:article:author"
)
_AUTHOR = _AUTHOR_NAMES.split()
# catalogues write "Surname, Name": https://scholar.google.com/intl/en/scholar/inclusion.html#indexing
_CATALOGUED = frozenset(("citation_author", "dc.creator", "dcterms.creator", "dc.contributor"))
_SURNAME_FIRST = re.compile(r"^([^\W\d_][\w'’ -]{1,30}), ([^\W\d_][\w.'’ -]{0,30})$")
AUTHOR_LINK = re.compile(
    r"/(?:authors?|autor(?:en|es|in|e|zy)?|auteurs?|autori|autore|redaktor|journalists?|people|profile|staff|contributors?)"
    r"/(?:name/)?(?=[\w%.-]*?[a-z])[\w%.-]++/?$"
)
_AUTHOR_CLASS = re.compile(r"(?:^|[\s_-])(?:author|byline|autor|auteur|autore)(?:[\s_-]*(?:name|link))?(?:$|\s)")
# boxes that name the authors of other texts
_ELSEWHERE = re.compile(
    r"(?:^|[\s_-])(?:comments?|related|recommend\w*|sidebar|footer|menu|nav(?:bar|igation)?|teasers?|trending|popular|"
    r"most[_-]read|read[_-]?more|more[_-](?:from|stories|articles|news)|newsletter|promo|respond)(?:$|[\s_-])"
)
_ELSEWHERE_TAGS = frozenset(("nav", "footer", "aside"))
_LEVELS = 14
_ORGANIZATIONS = frozenset(("organization", "newsmediaorganization", "corporation", "website"))
# log-in names: "ann.lee", "ann_lee", "alee42", "officialannlee"
_LOGIN = re.compile(r"[a-z]+[._-][a-z._-]*[a-z]|[a-z]{2,}\d+|[a-z]{9,}")


class Rank(IntEnum):
    """Who a source of authors names, from best to worst."""

    PEOPLE = 0
    AGENCY = 1
    HOUSE = 2
    LOGIN = 3
    NOBODY = 4


@dataclass(frozen=True, slots=True)
class Authors:
    """The authors that one source names."""

    names: tuple[str, ...] = ()
    source: str = ""
    rank: Rank = Rank.NOBODY


@dataclass(frozen=True, slots=True)
class Houses:
    """The names of the publisher, and the names that nobody has, such as that of the section."""

    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def clean(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the people and agencies among names, or the publisher if nobody else is named."""
        names = tuple(names)
        return clean_authors(names, self.names, self.labels) if names else ()

    def clean_printed(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the authors in a printed byline, which may also name a desk or a place ("Ann Lee, Courier Coast")."""
        found = self.clean(names)
        people = tuple(name for name in found if is_person(name) and not self.is_desk(name) and not find_agency(name))
        return people or found

    def is_desk(self, name: str) -> bool:
        """Say whether a name begins with that of the publisher: "Courier Coast", "BBC News"."""
        first, _, rest = name.partition(" ")
        return bool(rest) and len(first) > 2 and text_key(first) in map(text_key, self.names)

    def rank(self, names: Sequence[str]) -> Rank:
        """Say who is named; one person is enough for PEOPLE."""
        if not names:
            return Rank.NOBODY
        keys = set(map(text_key, self.names))
        return min(self._rank(name, keys) for name in names)

    def _rank(self, name: str, keys: set[str]) -> Rank:
        if text_key(name) in keys:
            return Rank.HOUSE
        if find_agency(name):
            return Rank.AGENCY
        return Rank.LOGIN if _LOGIN.fullmatch(name) else Rank.PEOPLE


def find_houses(page: PageSources, sites: Iterable[str], labels: Iterable[str]) -> Houses:
    """Return the names of a page's publisher: those of its site and host, and of the organization that signs."""
    publisher = page.resolve(page.article.get("publisher"))
    host = page.host.removeprefix("www.")
    signing = [page.resolve(author) for author in as_list(page.article.get("author"))[:50]]
    desks = [text_of(author) for author in signing if isinstance(author, dict) and types_of(author) & _ORGANIZATIONS]
    label = domain_of(host).partition(".")[0]
    names = (
        *sites,
        text_of(publisher),
        host,
        host.rpartition(".")[0],
        label,
        *(d for d in desks if not find_agency(d)),
    )
    return Houses(tuple(dict.fromkeys(filter(None, names))), tuple(filter(None, labels)))


def read_authors(page: PageSources, houses: Houses) -> Authors:
    """Return the authors of the best source of the page."""
    article = page.article
    linked = [_name_of(a) for a in as_list(page.resolve(article.get("author")))]
    linked += [_name_of(a) for a in as_list(page.resolve(article.get("creator")))] if not linked else []
    best = Authors()
    for source, names in _candidates(page, linked):
        cleaned = houses.clean_printed(names) if source == "byline" else houses.clean(names)
        found = Authors(cleaned, source, houses.rank(cleaned))
        # an agency that is only printed is no author beside a house that signs
        is_less = source == "byline" and found.rank is Rank.AGENCY and best.rank < Rank.LOGIN
        if found.rank < best.rank and not is_less:
            best = found
        if best.rank is Rank.PEOPLE:
            break
    return best


def _candidates(page: PageSources, linked: list[str]) -> Iterator[tuple[str, list[str]]]:
    yield "json-ld", linked
    for name in _AUTHOR:
        values = page.tags.get(name, [])
        if values:
            yield f"meta {name}", [_SURNAME_FIRST.sub(r"\2 \1", v) for v in values] if name in _CATALOGUED else values
    yield "byline", _marked_authors(page)


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
    found: list[tuple[str, etree._Element]] = []
    tried = 0
    for element in page.tree.iter("a", "span", "div", "p", "address", "li", "strong", "em", "b"):
        if not _is_marked(page, element, first=not found):
            continue
        tried += 1
        if tried >= MAX_MARKED:
            break
        if _is_elsewhere(element) or (found and not _are_near(found[0][1], element)):
            continue
        inside = islice(element.iter(), MAX_MARKED)
        inner = next((e for e in inside if "name" in (e.get("itemprop") or "").split()), element)
        text = read_line(inner, 5_000)
        if 3 < len(text) < 90:
            found.append((text, element))
        if len(found) >= 6:
            break
    return [text for text, _ in found[:4]]


def _is_marked(page: PageSources, element: etree._Element, first: bool) -> bool:
    """Say whether an element is marked as an author's; the looser marks count for the first one only."""
    if "author" in (element.get("itemprop") or "").lower().split():
        return True
    if "author" in (element.get("rel") or "").lower().split():
        return True
    if not first:
        return False
    if element.tag == "a" and _is_author_link(page, element.get("href") or ""):
        return True
    return bool(_AUTHOR_CLASS.search((element.get("class") or "").lower()))


def _is_author_link(page: PageSources, href: str) -> bool:
    if not AUTHOR_LINK.search(href):
        return False
    other: str = host_of(page.absolute(href))
    return not other or is_same_site(other, page.host)


def _is_elsewhere(element: etree._Element) -> bool:
    """Say whether an element is in a box that names the authors of other texts."""
    for ancestor in islice(element.iterancestors(), _LEVELS):
        if ancestor.tag in _ELSEWHERE_TAGS or ancestor.tag == "body":
            return bool(ancestor.tag != "body")
        names = f"{ancestor.get('class') or ''} {ancestor.get('id') or ''}"[:400].lower()
        if _ELSEWHERE.search(names):
            return True
    return False


def _are_near(one: etree._Element, other: etree._Element) -> bool:
    """Say whether two elements have a common ancestor a few levels above the first."""
    above = set(islice(one.iterancestors(), 4))
    return any(ancestor in above for ancestor in islice(other.iterancestors(), 4))

"""Read the name of the site: never empty, and in the same spelling on as many pages of a host as the pages allow.

A page names its site in several places, and templates of one site differ in which of them they fill. So the places
vote, by their letters without case and article; among equals the first place counts. A domain is a name only where
there is no other, and is then written as the host is; the host itself is the last resort.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from transforms.page.read.agencies import find_agency
from transforms.page.read.linked_data import text_of, types_of
from transforms.page.read.sources import MAX_NAME_CHARS, PageSources
from transforms.page.read.titles import strip_site_name
from transforms.page.text import text_key
from transforms.urls import domain_of

_LONGEST_NAME = 60
_PIECES = re.compile(r"\s+[|–—·•»:-]+\s+|\s*\|\s*|:\s+")
_MARKS = re.compile(r"\s*(?:®|™|\((?:R|TM)\))")
_EDGES = " |–—-·•:»/,."
_DOMAIN = re.compile(r"(?:https?://)?(?:www\.)?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,12}/?", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|der|die|das|le|la|les|el|il|de|het)\s+(?=\S)|^l['’]", re.IGNORECASE)
_PREFIXES = ("www.", "m.", "amp.", "mobile.")


@dataclass(frozen=True, slots=True)
class SiteName:
    """The name of a site, where it was found, and all names that the page gives it."""

    name: str
    source: str
    all: tuple[str, ...]


def read_site_name(page: PageSources) -> SiteName:
    """Return the name of the page's site; its host if the page does not give one."""
    found = list(_candidates(page))
    host = bare_host(page.host)
    named = [(source, name) for source, name in found if not _is_domain(name)]
    groups: dict[str, list[tuple[str, str]]] = {}
    for source, name in named or found:
        groups.setdefault(_group_key(name), []).append((source, name))
    if not groups:
        return SiteName(host, "host", (host,))
    best = max(groups.values(), key=len)
    spellings = [name for _, name in best]
    # "usatoday" and "USA TODAY", "The Courier" and "Courier": most votes, then the longer, then the first
    name = max(dict.fromkeys(spellings), key=lambda n: (spellings.count(n), len(n)))
    source = next(source for source, spelling in best if spelling == name)
    if text_key(name) == text_key(host):
        name = host
    return SiteName(name, source, tuple(dict.fromkeys((name, *(name for _, name in found)))))


def bare_host(host: str) -> str:
    """Return a host without the labels that name a form of the site ("www.", "m.", "amp.")."""
    for prefix in _PREFIXES:
        if host.startswith(prefix) and host.count(".") > 1:
            return host[len(prefix) :]
    return host


def _candidates(page: PageSources) -> Iterator[tuple[str, str]]:
    website = next((n for n in page.nodes if types_of(n) & {"website"}), {})
    publisher = text_of(page.resolve(page.article.get("publisher")))
    places = (
        ("og:site_name", page.first_tag("og:site_name")),
        # on a page of a newspaper, an agency is the publisher of the text, not of the page
        ("json-ld publisher", "" if find_agency(publisher) and page.tags.get("og:site_name") else publisher),
        ("json-ld website", text_of(website.get("name"))),
        ("meta application-name", page.first_tag("application-name")),
        ("meta apple-mobile-web-app-title", page.first_tag("apple-mobile-web-app-title")),
    )
    titles = {text_key(page.first_tag("og:title"))}
    titles |= {text_key(page.document_title)} & set(map(text_key, page.headings))
    names: list[str] = []
    for source, text in places:
        name = _clean(text[:MAX_NAME_CHARS], page.host)
        if name and text_key(text) not in titles:
            names.append(name)
            yield source, name
    tail = _read_tail(page, names)
    if tail:
        yield "title", tail


def _read_tail(page: PageSources, names: list[str]) -> str:
    """Return what the title of the document ends in, if that is the name of the site."""
    title = page.document_title
    rest = strip_site_name(title, "".join(names[:1]), page.host)
    if not rest or rest == title:
        return ""
    tail = title[len(rest) :] if title.startswith(rest) else title[: len(title) - len(rest)]
    pieces = [piece.strip(_EDGES) for piece in re.split(r"\s+[|–—·•»-]+\s+|\s*\|\s*", tail)]
    return next((piece for piece in reversed(pieces) if sum(map(str.isalpha, piece)) > 1), "")


def _clean(text: str, host: str) -> str:
    """Return a name without the tagline after it ("Courier | News from the coast")."""
    name = _MARKS.sub("", " ".join(html.unescape(text).split())).strip(_EDGES)
    pieces = [piece.strip(_EDGES) for piece in _PIECES.split(name)]
    pieces = [piece for piece in pieces if piece]
    if len(pieces) > 1:
        label = text_key(domain_of(host).split(".")[0])
        named = [p for p in pieces if not _is_domain(p)] or pieces
        matching = [p for p in named if text_key(p) in label or (label and label in text_key(p))]
        name = matching[0] if matching else named[0] if len(named[0].split()) <= 5 else name
    return name if len(name) <= _LONGEST_NAME or len(pieces) == 1 else ""


def _is_domain(name: str) -> bool:
    return bool(_DOMAIN.fullmatch(name)) and "." in name


def _group_key(name: str) -> str:
    return text_key(_ARTICLE.sub("", name)) or text_key(name)

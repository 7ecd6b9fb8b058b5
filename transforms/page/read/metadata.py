"""Read the metadata of a page, each field with its source.

Order of trust: JSON-LD of the page's own article, then meta tags, then microdata and what readers see. For titles the
sources vote instead, because each of them sometimes has a text written for search engines.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lxml import etree

from transforms.language import read_language, read_tag
from transforms.page.read.authors import Houses, Rank, find_houses, read_authors
from transforms.page.read.linked_data import as_list, text_of, types_of
from transforms.page.read.marks import Marks, read_marks
from transforms.page.read.opinion import find_opinion
from transforms.page.read.published import Dated, DateReader, read_modified, read_published
from transforms.page.read.sites import read_site_name
from transforms.page.read.sources import MAX_NAME_CHARS, MAX_TITLE_CHARS, PageSources, plain_line
from transforms.page.read.titles import choose_title, clean_titles, drop_site_names
from transforms.page.text import text_key

_MAX_TAGS = 40
_MAX_CRUMBS = 20
_SECTION_TAGS = ("article:section", "parsely-section", "section", "cxenseparse:category")
_MOST_SECTION_WORDS = 8
# the longest has 3,158
_MAX_DESCRIPTION_CHARS = 16_000
# text for comparison with the blocks of the page; all the text of a page is 95,203 at most
_MAX_BODY_CHARS = 500_000
_MARKUP = re.compile(r"<[^<>]{1,500}>")
_FREE = re.compile(r"^(?:false|no|0)$", re.IGNORECASE)


@dataclass
class Metadata:
    """The metadata of a page; `sources` says for each field where it was found."""

    title: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    section: str = ""
    tags: tuple[str, ...] = ()
    published: Dated | None = None
    modified_at: datetime | None = None
    language: str = ""
    site_name: str = ""
    canonical_url: str = ""
    lead_image: str = ""
    is_paywalled: bool = False
    is_opinion: bool = False
    author_rank: Rank = Rank.NOBODY
    houses: Houses = field(default_factory=Houses)
    is_declared_article: bool = False
    is_list: bool = False
    marks: Marks = field(default_factory=Marks)
    article_body: str = ""
    titles: tuple[str, ...] = ()
    dates: DateReader = field(default_factory=DateReader)
    sources: dict[str, str] = field(default_factory=dict)

    @property
    def is_declared_live(self) -> bool:
        """Whether the linked data says that the page is a live blog."""
        return "liveblogposting" in self.marks.linked

    @property
    def published_at(self) -> datetime | None:
        """When it was published."""
        return self.published.at if self.published else None


def read_metadata(tree: etree._Element, url: str, now: datetime | None = None) -> Metadata:
    """Read the metadata of a parsed page; dates too far after `now`, the time of the fetch, are refused."""
    return _Reader(tree, url, now).read()


class _Reader:
    def __init__(self, tree: etree._Element, url: str, now: datetime | None = None) -> None:
        self.page = PageSources(tree, url)
        self.out = Metadata(dates=DateReader(now))

    def put(self, name: str, *candidates: tuple[str, object]) -> None:
        for source, value in candidates:
            if value:
                setattr(self.out, name, value)
                self.out.sources[name] = source
                return

    def read(self) -> Metadata:
        self.read_site()
        self.read_title()
        self.read_about()
        self.read_authors()
        self.read_dates()
        self.read_kind()
        self.read_opinion()
        return self.out

    def read_site(self) -> None:
        link = next(
            (x.get("href") for x in self.page.tree.iter("link") if "canonical" in (x.get("rel") or "").lower().split()),
            "",
        )
        self.put(
            "canonical_url",
            ("link canonical", self.page.absolute(link)),
            ("og:url", self.page.absolute(self.page.first_tag("og:url"))),
        )
        self.site = read_site_name(self.page)
        self.put("site_name", (self.site.source, self.site.name))

    def read_title(self) -> None:
        candidates = {
            "json-ld": text_of(self.page.article.get("headline")),
            "og:title": self.page.first_tag("og:title"),
            "h1": self.main_heading(),
            "twitter:title": self.page.first_tag("twitter:title"),
            "title": self.page.document_title,
        }
        candidates = {source: plain_line(title[:MAX_TITLE_CHARS]) for source, title in candidates.items()}
        clean = clean_titles(candidates, self.site.all, self.page.host)
        source, title = choose_title(clean)
        self.put("title", (source, title))
        self.out.titles = tuple(dict.fromkeys(filter(None, (title, *clean.values(), self.page.document_title))))

    def main_heading(self) -> str:
        words = set((self.page.first_tag("og:title")[:MAX_TITLE_CHARS] or self.page.document_title).lower().split())
        named = drop_site_names(self.page.headings, self.site.all, self.page.host)
        return max(named, key=lambda h: len(words & set(h.lower().split())), default="")

    def read_authors(self) -> None:
        labels = (self.out.section, *self.breadcrumbs())
        self.out.houses = find_houses(self.page, self.site.all, labels)
        found = read_authors(self.page, self.out.houses)
        self.put("authors", (found.source, found.names))
        self.out.author_rank = found.rank

    def read_dates(self) -> None:
        out = self.out
        out.published = read_published(self.page, out.dates)
        modified = read_modified(self.page, out.dates, out.published_at)
        if out.published:
            out.sources["published_at"] = out.published.source
        if modified:
            self.put("modified_at", (modified.source, modified.at))

    def read_about(self) -> None:
        a, tag = self.page.article, self.page.first_tag
        descriptions = (
            ("og:description", tag("og:description")),
            ("meta description", tag("description", "twitter:description", "dc.description")),
            ("json-ld", text_of(a.get("description"))),
        )
        self.put("description", *((s, plain_line(text[:_MAX_DESCRIPTION_CHARS])) for s, text in descriptions))
        self.put("section", *((source, name) for source, name in self.sections() if self.is_section(name)))
        keywords = [t for value in as_list(a.get("keywords"))[:_MAX_TAGS] for t in _split_tags(text_of(value))]
        listed = [
            t
            for n in ("news_keywords", "parsely-tags", "keywords")
            for v in self.page.tags.get(n, ())
            for t in _split_tags(plain_line(v))
        ]
        own = map(plain_line, self.page.tags.get("article:tag", ()))
        self.put(
            "tags",
            ("meta article:tag", tuple(dict.fromkeys(own))[:_MAX_TAGS]),
            ("json-ld", tuple(dict.fromkeys(keywords))[:_MAX_TAGS]),
            ("meta keywords", tuple(dict.fromkeys(listed))[:_MAX_TAGS]),
        )
        root = self.page.tree
        languages = [
            ("html lang", root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or ""),
            ("json-ld", text_of(a.get("inLanguage"))),
            ("og:locale", tag("og:locale")),
            ("meta language", tag("content-language", "language", "dc.language")),
        ]
        self.put("language", *((source, read_tag(value)) for source, value in languages))
        self.put(
            "lead_image",
            ("og:image", self.page.absolute(tag("og:image", "og:image:url", "og:image:secure_url"))),
            ("json-ld", self.page.absolute(_image_url(self.page.resolve(a.get("image"))))),
            ("twitter:image", self.page.absolute(tag("twitter:image", "twitter:image:src"))),
        )
        body = a.get("articleBody")
        self.out.article_body = _plain_text(body[:_MAX_BODY_CHARS]) if isinstance(body, str) else ""

    def sections(self) -> Iterator[tuple[str, str]]:
        """Yield the names that the page gives its section, best first, each with its source."""
        places = (
            ("json-ld", map(text_of, as_list(self.page.article.get("articleSection"))[:_MAX_CRUMBS])),
            ("meta article:section", map(self.page.first_tag, _SECTION_TAGS)),
            ("breadcrumb", self.breadcrumbs()[1:]),
        )
        for source, names in places:
            for name in names:
                yield source, plain_line(name[:MAX_NAME_CHARS])

    def is_section(self, name: str) -> bool:
        """Say whether a name is that of a section, not the title once more, an address or a number."""
        key = text_key(name)
        titles = map(text_key, (*self.out.titles, *self.page.headings))
        return (
            any(map(str.isalpha, name))
            and len(name.split()) <= _MOST_SECTION_WORDS
            and not name.startswith("http")
            and key not in titles
        )

    def breadcrumbs(self) -> list[str]:
        """Return the names of the levels above the page, from the home page down."""
        for node in self.page.nodes:
            if "breadcrumblist" in types_of(node):
                items = as_list(node.get("itemListElement"))[:_MAX_CRUMBS]
                names = [text_of(i.get("name") or i.get("item")) for i in items if isinstance(i, dict)]
                names = [name for name in names if name and not name.startswith("http")]
                if len(names) > 1:
                    return names
        return []

    def read_kind(self) -> None:
        types = types_of(self.page.article)
        kind = self.page.first_tag("og:type").lower()
        out = self.out
        out.is_declared_article = kind in ("article", "news", "story", "blog") or bool(types - _PAGE_ONLY)
        out.is_list = any(types_of(n) & {"collectionpage", "searchresultspage", "itemlist"} for n in self.page.nodes)
        out.marks = read_marks(self.page)
        free = [
            str(n.get("isAccessibleForFree"))
            for n in self.page.nodes
            if "isAccessibleForFree" in n and "WebPageElement" not in str(n.get("@type"))
        ]
        own = str(self.page.article.get("isAccessibleForFree", ""))
        tier = self.page.first_tag("article:content_tier", "article:opinion").lower()
        if _FREE.match(own) or (not own and free and _FREE.match(free[0])):
            out.is_paywalled, out.sources["is_paywalled"] = True, "json-ld"
        elif tier in ("locked", "metered"):
            out.is_paywalled, out.sources["is_paywalled"] = tier == "locked", "meta article:content_tier"

    def read_opinion(self) -> None:
        sections = (name for _, name in self.sections() if self.is_section(name))
        source = find_opinion(self.page, sections, self.out.titles, read_language(self.out.language))
        if source:
            self.out.is_opinion, self.out.sources["is_opinion"] = True, source


_PAGE_ONLY = frozenset(("webpage", "itempage", "videoobject", "podcastepisode", "imagegallery", "mediagallery"))


def _plain_text(text: str) -> str:
    """Return a text that may hold markup or entities as plain lines."""
    return html.unescape(_MARKUP.sub("\n", html.unescape(text)))


def _split_tags(text: str) -> list[str]:
    return [t.strip() for t in re.split(r"[,;、，]", text) if 1 < len(t.strip()) < 80]


def _image_url(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("url") or value.get("contentUrl") or value.get("@id") or ""
        if isinstance(value, list):
            value = value[0] if value else ""
    return value if isinstance(value, str) else ""

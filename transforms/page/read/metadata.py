"""Read the metadata of a page, each field with its source.

Order of trust: JSON-LD of the page's own article, then meta tags, then microdata and what readers see. For titles the
sources vote instead, because each of them sometimes has a text written for search engines.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lxml import etree

from transforms.page.read.authors import read_authors
from transforms.page.read.linked_data import as_list, text_of, types_of
from transforms.page.read.published import read_modified, read_published
from transforms.page.read.sources import MAX_TITLE_CHARS, PageSources
from transforms.page.read.titles import choose_title, strip_site_name
from transforms.records import PageKind
from transforms.urls import host_of

_MAX_TAGS = 40
# the longest has 3,158
_MAX_DESCRIPTION_CHARS = 16_000
# text for comparison with the blocks of the page; all the text of a page is 95,203 at most
_MAX_BODY_CHARS = 500_000
# the longest name of a site has 116, the longest section 245
_MAX_NAME_CHARS = 2_000
_MARKUP = re.compile(r"<[^<>]{1,500}>")
_FREE = re.compile(r"^(?:false|no|0)$", re.IGNORECASE)
_LANGUAGE = re.compile(r"^[a-z]{2,3}$")


@dataclass
class Metadata:
    """The metadata of a page; `sources` says for each field where it was found."""

    title: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    section: str = ""
    tags: tuple[str, ...] = ()
    published_at: datetime | None = None
    modified_at: datetime | None = None
    language: str = ""
    site_name: str = ""
    canonical_url: str = ""
    lead_image: str = ""
    page_kind: PageKind = PageKind.ARTICLE
    is_paywalled: bool = False
    has_house_byline: bool = False
    is_declared_article: bool = False
    is_list: bool = False
    article_body: str = ""
    titles: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)


def read_metadata(tree: etree._Element, url: str) -> Metadata:
    """Read the metadata of a parsed page."""
    return _Reader(tree, url).read()


class _Reader:
    def __init__(self, tree: etree._Element, url: str) -> None:
        self.page = PageSources(tree, url)
        self.out = Metadata()

    def put(self, name: str, *candidates: tuple[str, object]) -> None:
        for source, value in candidates:
            if value:
                setattr(self.out, name, value)
                self.out.sources[name] = source
                return

    def read(self) -> Metadata:
        self.read_site()
        self.read_title()
        self.read_authors()
        self.read_dates()
        self.read_about()
        self.read_kind()
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
        website = next((n for n in self.page.nodes if types_of(n) & {"website"}), {})
        self.put(
            "site_name",
            ("og:site_name", self.page.first_tag("og:site_name")),
            ("json-ld publisher", text_of(self.page.resolve(self.page.article.get("publisher")))),
            ("json-ld website", text_of(website.get("name"))),
            ("meta application-name", self.page.first_tag("application-name", "apple-mobile-web-app-title")),
        )
        self.out.site_name = self.out.site_name[:_MAX_NAME_CHARS]
        if self.out.site_name.startswith("http"):
            self.out.site_name = host_of(self.out.site_name)

    def read_title(self) -> None:
        host = self.page.host
        site = self.out.site_name
        heading = self.main_heading()
        candidates = {
            "json-ld": text_of(self.page.article.get("headline")),
            "og:title": self.page.first_tag("og:title"),
            "h1": heading,
            "twitter:title": self.page.first_tag("twitter:title"),
            "title": self.page.document_title,
        }
        clean = {k: strip_site_name(v[:MAX_TITLE_CHARS], site, host) for k, v in candidates.items() if v}
        source, title = choose_title(clean)
        self.put("title", (source, title))
        self.out.titles = tuple(dict.fromkeys(filter(None, (title, *clean.values(), self.page.document_title))))

    def main_heading(self) -> str:
        words = set((self.page.first_tag("og:title")[:MAX_TITLE_CHARS] or self.page.document_title).lower().split())
        if not self.page.headings:
            return ""
        return max(self.page.headings, key=lambda h: len(words & set(h.lower().split())))

    def read_authors(self) -> None:
        candidates, is_house = read_authors(self.page, self.out.site_name)
        self.put("authors", *candidates)
        self.out.has_house_byline = bool(self.out.authors) and is_house

    def read_dates(self) -> None:
        self.put("published_at", *read_published(self.page))
        self.put("modified_at", *read_modified(self.page))

    def read_about(self) -> None:
        a, tag = self.page.article, self.page.first_tag
        self.put(
            "description",
            ("og:description", tag("og:description")[:_MAX_DESCRIPTION_CHARS]),
            ("meta description", tag("description", "twitter:description", "dc.description")[:_MAX_DESCRIPTION_CHARS]),
            ("json-ld", text_of(a.get("description"))[:_MAX_DESCRIPTION_CHARS]),
        )
        section = a.get("articleSection")
        self.put(
            "section",
            ("json-ld", text_of(section)),
            ("meta article:section", tag("article:section", "parsely-section", "section", "cxenseparse:category")),
            ("breadcrumb", self.breadcrumb_section()),
        )
        self.out.section = self.out.section[:_MAX_NAME_CHARS]
        keywords = [t for value in as_list(a.get("keywords"))[:_MAX_TAGS] for t in _split_tags(text_of(value))]
        listed = [
            t
            for n in ("news_keywords", "parsely-tags", "keywords")
            for v in self.page.tags.get(n, ())
            for t in _split_tags(v)
        ]
        self.put(
            "tags",
            ("meta article:tag", tuple(dict.fromkeys(self.page.tags.get("article:tag", ())))[:_MAX_TAGS]),
            ("json-ld", tuple(dict.fromkeys(keywords))[:_MAX_TAGS]),
            ("meta keywords", tuple(dict.fromkeys(listed))[:_MAX_TAGS]),
        )
        languages = [
            (
                "html lang",
                self.page.tree.get("lang") or self.page.tree.get("{http://www.w3.org/XML/1998/namespace}lang") or "",
            ),
            ("json-ld", text_of(a.get("inLanguage"))),
            ("og:locale", tag("og:locale")),
            ("meta language", tag("content-language", "language", "dc.language")),
        ]
        self.put("language", *((source, _language_code(value)) for source, value in languages))
        self.put(
            "lead_image",
            ("og:image", self.page.absolute(tag("og:image", "og:image:url", "og:image:secure_url"))),
            ("json-ld", self.page.absolute(_image_url(self.page.resolve(a.get("image"))))),
            ("twitter:image", self.page.absolute(tag("twitter:image", "twitter:image:src"))),
        )
        body = a.get("articleBody")
        self.out.article_body = _plain_text(body[:_MAX_BODY_CHARS]) if isinstance(body, str) else ""

    def breadcrumb_section(self) -> str:
        for node in self.page.nodes:
            if "breadcrumblist" in types_of(node):
                names = [
                    text_of(i.get("name") or i.get("item"))
                    for i in as_list(node.get("itemListElement"))
                    if isinstance(i, dict)
                ]
                names = [n for n in names if n and not n.startswith("http")]
                if len(names) > 1:
                    return names[1]
        return ""

    def read_kind(self) -> None:
        types = types_of(self.page.article)
        kind = self.page.first_tag("og:type").lower()
        out = self.out
        out.is_declared_article = kind in ("article", "news", "story", "blog") or bool(types - _PAGE_ONLY)
        out.is_list = any(types_of(n) & {"collectionpage", "searchresultspage", "itemlist"} for n in self.page.nodes)
        if "liveblogposting" in types or any("liveblogposting" in types_of(n) for n in self.page.nodes):
            out.page_kind = PageKind.LIVE_BLOG
        elif types & {"imagegallery", "mediagallery"}:
            out.page_kind = PageKind.GALLERY
        elif kind.startswith("video") or types & {"videoobject"}:
            out.page_kind = PageKind.VIDEO
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


_PAGE_ONLY = frozenset(("webpage", "itempage", "videoobject", "podcastepisode", "imagegallery", "mediagallery"))


def _plain_text(text: str) -> str:
    """Return a text that may hold markup or entities as plain lines."""
    return html.unescape(_MARKUP.sub("\n", html.unescape(text)))


def _split_tags(text: str) -> list[str]:
    return [t.strip() for t in re.split(r"[,;、，]", text) if 1 < len(t.strip()) < 80]


def _language_code(text: str) -> str:
    code = re.split(r"[-_,;\s]", text.strip().lower())[0]
    return code if _LANGUAGE.match(code) else ""


def _image_url(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("url") or value.get("contentUrl") or value.get("@id") or ""
        if isinstance(value, list):
            value = value[0] if value else ""
    return value if isinstance(value, str) else ""

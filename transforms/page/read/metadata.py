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
from itertools import islice
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree

from transforms.language import read_tag
from transforms.page.read.bylines import clean_authors
from transforms.page.read.dates import parse_date
from transforms.page.read.linked_data import Node, as_list, choose_article, read_linked_data, text_of, types_of
from transforms.page.read.titles import choose_title, strip_site_name
from transforms.page.text import text_key
from transforms.records import PageKind
from transforms.urls import host_of

_PUBLISHED_NAMES = (
    "article:published_time og:published_time og:article:published_time datepublished article.published "
    "parsely-pub-date sailthru.date date pubdate publishdate publish-date publication_date publish_date "
    "dc.date dc.date.issued dcterms.created dcterms.date dc.date.created cxenseparse:recs:publishtime "
    "cxenseparse:publishtime article:published last-published citation_publication_date "
    "citation_online_date datecreated originalpublicationdate published_time_telegram iso-8601-publish- "
    "date vr:published_time rnews:datepublished published bt:pubdate ptime"
)
_PUBLISHED = _PUBLISHED_NAMES.split()
_MODIFIED_NAMES = (
    "article:modified_time og:updated_time datemodified dcterms.modified dc.date.modified last-modified "
    "lastmod article:modified og:modified_time cxenseparse:modifiedtime revised"
)
_MODIFIED = _MODIFIED_NAMES.split()
_AUTHOR_NAMES = (
    "author article:author parsely-author sailthru.author dc.creator dcterms.creator byl "
    "cxenseparse:author article:author_name citation_author authors "
    "articleauthor dcsext.author article.author twitter:data1 dc.contributor og:article:author"
)
_AUTHOR = _AUTHOR_NAMES.split()
_MAX_TAGS = 40
# The rest of what a page repeats is not read. Of 1,746 pages the largest has 286 <meta>, one of 25,352 characters, 64
# <h1> and a <title> of 398 characters; a heading of 3,166 is a page that opens in an <h1>.
_MAX_METAS = 1_500
_MAX_META_CHARS = 130_000
_MAX_HEADINGS = 320
_MAX_TITLE_CHARS = 4_000
# the longest has 3,158
_MAX_DESCRIPTION_CHARS = 16_000
# text for comparison with the blocks of the page; all the text of a page is 95,203 at most
_MAX_BODY_CHARS = 500_000
# the longest address of a picture has 4,986
_MAX_LINK_CHARS = 20_000
# the longest name of a site has 116, the longest section 245
_MAX_NAME_CHARS = 2_000
# elements that are tried as the byline, and as the date; the most <time> are 116
_MAX_MARKED = 600
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


def read_meta_tags(tree: etree._Element) -> dict[str, list[str]]:
    """Return the contents of `<meta>` by lower-case name, property or itemprop."""
    tags: dict[str, list[str]] = {}
    for meta in islice(tree.iter("meta"), _MAX_METAS):
        content = " ".join((meta.get("content") or "")[:_MAX_META_CHARS].split())
        if content:
            for attribute in ("name", "property", "itemprop", "http-equiv"):
                name = meta.get(attribute)
                if name:
                    tags.setdefault(name.strip().lower(), []).append(content)
    return tags


class _Reader:
    def __init__(self, tree: etree._Element, url: str) -> None:
        self.tree, self.url = tree, url
        self.tags = read_meta_tags(tree)
        self.nodes = read_linked_data(tree)
        self.by_id: dict[str, Node] = {}
        for node in self.nodes:
            if isinstance(node.get("@id"), str) and len(node) > 1:
                self.by_id.setdefault(node["@id"], node)
        headings = (_read_line(h, _MAX_TITLE_CHARS) for h in islice(tree.iter("h1"), _MAX_HEADINGS))
        self.headings = [heading for heading in headings if heading]
        titles = (t.text for t in tree.iter("title") if t.text)
        self.document_title = " ".join(next(titles, "")[:_MAX_TITLE_CHARS].split())
        self.article = choose_article(self.nodes, self.first_tag("og:title")[:_MAX_TITLE_CHARS] or self.document_title)
        self.out = Metadata()

    def first_tag(self, *names: str) -> str:
        return next((self.tags[name][0] for name in names if name in self.tags), "")

    def tag_pairs(self, names: list[str]) -> Iterator[tuple[str, str]]:
        for name in names:
            for value in self.tags.get(name, ()):
                yield f"meta {name}", value

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
            (x.get("href") for x in self.tree.iter("link") if "canonical" in (x.get("rel") or "").lower().split()), ""
        )
        self.put(
            "canonical_url",
            ("link canonical", self.absolute(link)),
            ("og:url", self.absolute(self.first_tag("og:url"))),
        )
        website = next((n for n in self.nodes if types_of(n) & {"website"}), {})
        self.put(
            "site_name",
            ("og:site_name", self.first_tag("og:site_name")),
            ("json-ld publisher", text_of(self.resolve(self.article.get("publisher")))),
            ("json-ld website", text_of(website.get("name"))),
            ("meta application-name", self.first_tag("application-name", "apple-mobile-web-app-title")),
        )
        self.out.site_name = self.out.site_name[:_MAX_NAME_CHARS]
        if self.out.site_name.startswith("http"):
            self.out.site_name = host_of(self.out.site_name)

    def absolute(self, link: str | None) -> str:
        if not link or len(link) > _MAX_LINK_CHARS:
            return ""
        try:
            whole = urljoin(self.url, link.strip())
            return whole if urlsplit(whole).scheme in ("http", "https") else ""
        except ValueError:
            return ""

    def read_title(self) -> None:
        host = host_of(self.url)
        site = self.out.site_name
        heading = self.main_heading()
        candidates = {
            "json-ld": text_of(self.article.get("headline")),
            "og:title": self.first_tag("og:title"),
            "h1": heading,
            "twitter:title": self.first_tag("twitter:title"),
            "title": self.document_title,
        }
        clean = {k: strip_site_name(v[:_MAX_TITLE_CHARS], site, host) for k, v in candidates.items() if v}
        source, title = choose_title(clean)
        self.put("title", (source, title))
        self.out.titles = tuple(dict.fromkeys(filter(None, (title, *clean.values(), self.document_title))))

    def main_heading(self) -> str:
        words = set((self.first_tag("og:title")[:_MAX_TITLE_CHARS] or self.document_title).lower().split())
        if not self.headings:
            return ""
        return max(self.headings, key=lambda h: len(words & set(h.lower().split())))

    def resolve(self, value: Any) -> Any:
        """Replace a reference `{"@id": ...}` by the node that it refers to."""
        if isinstance(value, dict) and "name" not in value and isinstance(value.get("@id"), str):
            return self.by_id.get(value["@id"], value)
        if isinstance(value, list):
            return [self.resolve(v) if isinstance(v, dict) else v for v in value[:50]]
        return value

    def read_authors(self) -> None:
        publisher = self.resolve(self.article.get("publisher"))
        host = host_of(self.url).removeprefix("www.")
        houses = (self.out.site_name, text_of(publisher), host, host.rpartition(".")[0])

        def clean(names: list[str]) -> tuple[str, ...]:
            return clean_authors(names, houses)

        linked = [self.name_of(a) for a in as_list(self.resolve(self.article.get("author")))]
        linked += [self.name_of(a) for a in as_list(self.resolve(self.article.get("creator")))] if not linked else []
        candidates: list[tuple[str, tuple[str, ...]]] = [("json-ld", clean(linked))]
        candidates += [(f"meta {name}", clean(self.tags.get(name, []))) for name in _AUTHOR]
        house_keys = {text_key(h) for h in houses if h}

        def is_house(names: tuple[str, ...]) -> bool:
            return all(text_key(name) in house_keys for name in names)

        if all(is_house(names) for _, names in candidates):
            candidates.append(("byline", clean(self.marked_authors())))
        named = [candidate for candidate in candidates if not is_house(candidate[1])]
        self.put("authors", *(named or candidates))
        self.out.has_house_byline = bool(self.out.authors) and not named

    def name_of(self, value: Any) -> str:
        if isinstance(value, list):
            return "; ".join(filter(None, map(self.name_of, value)))
        if isinstance(value, dict):
            whole = " ".join(filter(None, (text_of(value.get("givenName")), text_of(value.get("familyName")))))
            value = value.get("name") or whole
            if isinstance(value, list):
                return "; ".join(filter(None, map(text_of, value)))
        return text_of(value)

    def marked_authors(self) -> list[str]:
        found: list[str] = []
        tried = 0
        for element in self.tree.iter("a", "span", "div", "p", "address", "li", "strong", "em", "b"):
            prop, rel = element.get("itemprop") or "", element.get("rel") or ""
            css = (element.get("class") or "").lower()
            if (
                "author" in prop.lower().split()
                or "author" in rel.lower().split()
                or (element.tag == "a" and _AUTHOR_LINK.search(element.get("href") or "") and not found)
            ):
                pass
            elif not css or found or not _AUTHOR_CLASS.search(css):
                continue
            inside = islice(element.iter(), _MAX_MARKED)
            inner = next((e for e in inside if "name" in (e.get("itemprop") or "").split()), element)
            text = _read_line(inner, 5_000)
            if 3 < len(text) < 90:
                found.append(text)
            tried += 1
            if len(found) >= 6 or tried >= _MAX_MARKED:
                break
        return found[:4]

    def read_dates(self) -> None:
        a = self.article
        nodes = [n for n in self.nodes if "datePublished" in n]
        published: list[tuple[str, datetime | None]] = [
            ("json-ld", parse_date(text_of(a.get("datePublished")))),
            ("json-ld", parse_date(text_of(a.get("dateCreated"))) if "datePublished" not in a else None),
        ]
        for source, text in self.tag_pairs(_PUBLISHED):
            published.append((source, parse_date(text)))
        published += [("json-ld other", parse_date(text_of(n.get("datePublished")))) for n in nodes[:1]]
        if not any(value and (value.hour, value.minute) != (0, 0) for _, value in published):
            published += [("time", value) for value in islice(self.marked_dates(), _MAX_MARKED)]
        self.put("published_at", *_prefer_clock(published))
        modified: list[tuple[str, datetime | None]] = [("json-ld", parse_date(text_of(a.get("dateModified"))))]
        for source, text in self.tag_pairs(_MODIFIED):
            modified.append((source, parse_date(text)))
        self.put("modified_at", *modified)

    def marked_dates(self) -> Iterator[datetime]:
        later: list[datetime] = []
        tried = 0
        for element in self.tree.iter("time", "span", "div", "p", "abbr", "li", "small"):
            prop = (element.get("itemprop") or "").lower()
            stamp = element.get("datetime") or element.get("content") or ""
            css = (element.get("class") or "").lower()
            if "datepublished" in prop or element.get("pubdate") is not None:
                value = parse_date(stamp) or parse_date(_read_start(element, 100))
                if value:
                    yield value
            elif element.tag == "time" and "modified" not in prop and "update" not in css:
                value = parse_date(stamp) or parse_date(_read_start(element, 100))
                if value and len(later) < 3:
                    later.append(value)
            elif css and len(later) < 3 and _DATE_CLASS.search(css) and len(element) < 6:
                value = parse_date(_read_start(element, 100))
                if value:
                    later.append(value)
            else:
                continue
            tried += 1
            if tried >= _MAX_MARKED:
                break
        yield from later

    def read_about(self) -> None:
        a, tag = self.article, self.first_tag
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
            for v in self.tags.get(n, ())
            for t in _split_tags(v)
        ]
        self.put(
            "tags",
            ("meta article:tag", tuple(dict.fromkeys(self.tags.get("article:tag", ())))[:_MAX_TAGS]),
            ("json-ld", tuple(dict.fromkeys(keywords))[:_MAX_TAGS]),
            ("meta keywords", tuple(dict.fromkeys(listed))[:_MAX_TAGS]),
        )
        languages = [
            ("html lang", self.tree.get("lang") or self.tree.get("{http://www.w3.org/XML/1998/namespace}lang") or ""),
            ("json-ld", text_of(a.get("inLanguage"))),
            ("og:locale", tag("og:locale")),
            ("meta language", tag("content-language", "language", "dc.language")),
        ]
        self.put("language", *((source, read_tag(value)) for source, value in languages))
        self.put(
            "lead_image",
            ("og:image", self.absolute(tag("og:image", "og:image:url", "og:image:secure_url"))),
            ("json-ld", self.absolute(_image_url(self.resolve(a.get("image"))))),
            ("twitter:image", self.absolute(tag("twitter:image", "twitter:image:src"))),
        )
        body = a.get("articleBody")
        self.out.article_body = _plain_text(body[:_MAX_BODY_CHARS]) if isinstance(body, str) else ""

    def breadcrumb_section(self) -> str:
        for node in self.nodes:
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
        types = types_of(self.article)
        kind = self.first_tag("og:type").lower()
        out = self.out
        out.is_declared_article = kind in ("article", "news", "story", "blog") or bool(types - _PAGE_ONLY)
        out.is_list = any(types_of(n) & {"collectionpage", "searchresultspage", "itemlist"} for n in self.nodes)
        if "liveblogposting" in types or any("liveblogposting" in types_of(n) for n in self.nodes):
            out.page_kind = PageKind.LIVE_BLOG
        elif types & {"imagegallery", "mediagallery"}:
            out.page_kind = PageKind.GALLERY
        elif kind.startswith("video") or types & {"videoobject"}:
            out.page_kind = PageKind.VIDEO
        free = [
            str(n.get("isAccessibleForFree"))
            for n in self.nodes
            if "isAccessibleForFree" in n and "WebPageElement" not in str(n.get("@type"))
        ]
        own = str(self.article.get("isAccessibleForFree", ""))
        tier = self.first_tag("article:content_tier", "article:opinion").lower()
        if _FREE.match(own) or (not own and free and _FREE.match(free[0])):
            out.is_paywalled, out.sources["is_paywalled"] = True, "json-ld"
        elif tier in ("locked", "metered"):
            out.is_paywalled, out.sources["is_paywalled"] = tier == "locked", "meta article:content_tier"


_AUTHOR_LINK = re.compile(
    r"/(?:authors?|autor(?:en|es|in|e|zy)?|auteurs?|autori|autore|redaktor|journalists?|people|profile|staff|contributors?)"
    r"/(?:name/)?(?=[\w%.-]*?[a-z])[\w%.-]++/?$"
)
_AUTHOR_CLASS = re.compile(r"(?:^|[\s_-])(?:author|byline|autor|auteur|autore)(?:[\s_-]*(?:name|link))?(?:$|\s)")
_DATE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:date|datum|fecha|published|pubdate|timestamp|dateline|entry-date|post-date|data)(?:$|\s)"
)
_PAGE_ONLY = frozenset(("webpage", "itempage", "videoobject", "podcastepisode", "imagegallery", "mediagallery"))


def _read_start(element: etree._Element, limit: int, between: str = "") -> str:
    """Return the first `limit` characters of the text of an element, without collecting all of it.

    `between` stands between the texts of its parts.
    """
    pieces: list[str] = []
    size = 0
    for piece in element.itertext():
        pieces.append(piece)
        size += len(piece)
        if size >= limit:
            break
    return between.join(pieces)[:limit]


def _read_line(element: etree._Element, limit: int) -> str:
    """Return the start of the text of an element as one line."""
    return " ".join(_read_start(element, limit, " ").split())


def _plain_text(text: str) -> str:
    """Return a text that may hold markup or entities as plain lines."""
    return html.unescape(_MARKUP.sub("\n", html.unescape(text)))


def _prefer_clock(candidates: list[tuple[str, datetime | None]]) -> list[tuple[str, datetime | None]]:
    """Put a source that has the time of day before one that has only the date."""
    found = [(source, value) for source, value in candidates if value]
    if not found:
        return []
    first = found[0][1]
    if first and (first.hour, first.minute, first.second) == (0, 0, 0):
        for source, value in found[1:]:
            if value and abs((value - first).total_seconds()) < 86400 and (value.hour, value.minute) != (0, 0):
                return [(source, value)]
    return [*found]


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

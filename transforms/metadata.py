"""Who wrote what, when and where: the metadata of a page, each field with its source."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from lxml import etree

from transforms.linked_data import Node, as_list, choose_article, read_linked_data, text_of, types_of
from transforms.records import PageKind


@dataclass
class Metadata:
    """What a page says of itself; `sources` names for each field where it was found."""

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
    article_body: str = ""
    sources: dict[str, str] = field(default_factory=dict)


def read_meta_tags(tree: etree._Element) -> dict[str, list[str]]:
    """Return the contents of `<meta>` by lower-case name, property or itemprop."""
    tags: dict[str, list[str]] = {}
    for meta in tree.iter("meta"):
        content = " ".join((meta.get("content") or "").split())
        if content:
            for attribute in ("name", "property", "itemprop", "http-equiv"):
                name = meta.get(attribute)
                if name:
                    tags.setdefault(name.strip().lower(), []).append(content)
    return tags


def read_metadata(tree: etree._Element, url: str) -> Metadata:
    """Read the metadata of a parsed page."""
    return _Reader(tree, url).read()


class _Reader:
    def __init__(self, tree: etree._Element, url: str) -> None:
        self.tree, self.url = tree, url
        self.tags = read_meta_tags(tree)
        self.nodes = read_linked_data(tree)
        self.h1s = [t for t in (" ".join("".join(h.itertext()).split()) for h in tree.iter("h1")) if t]
        title = next((" ".join(t.text.split()) for t in tree.iter("title") if t.text), "")
        self.document_title = title
        self.article: Node = choose_article(self.nodes, self._first_tag("og:title") or title)
        self.out = Metadata()

    def _first_tag(self, *names: str) -> str:
        return next((self.tags[name][0] for name in names if name in self.tags), "")

    def _set(self, name: str, *candidates: tuple[str, object]) -> None:
        for source, value in candidates:
            if value:
                setattr(self.out, name, value)
                self.out.sources[name] = source
                return

    def read(self) -> Metadata:
        a, tag = self.article, self._first_tag
        self._set(
            "title",
            ("json-ld", text_of(a.get("headline"))),
            ("og:title", tag("og:title")),
            ("h1", self.h1s[0] if self.h1s else ""),
            ("title", self.document_title),
        )
        self._set(
            "description",
            ("og:description", tag("og:description")),
            ("meta description", tag("description")),
            ("json-ld", text_of(a.get("description"))),
        )
        self._set(
            "authors",
            ("json-ld", tuple(dict.fromkeys(filter(None, map(text_of, as_list(a.get("author"))))))),
            ("meta author", tuple(self.tags.get("author", ()))),
        )
        self._set(
            "published_at",
            ("json-ld", parse_date(text_of(a.get("datePublished")))),
            ("article:published_time", parse_date(tag("article:published_time"))),
        )
        self._set(
            "modified_at",
            ("json-ld", parse_date(text_of(a.get("dateModified")))),
            ("article:modified_time", parse_date(tag("article:modified_time"))),
        )
        self._set("language", ("html lang", (self.tree.get("lang") or "").split("-")[0].split("_")[0].lower()))
        self._set("site_name", ("og:site_name", tag("og:site_name")), ("json-ld", text_of(a.get("publisher"))))
        link = next((x.get("href") for x in self.tree.iter("link") if (x.get("rel") or "").lower() == "canonical"), "")
        self._set("canonical_url", ("link canonical", link and urljoin(self.url, link)))
        self._set("lead_image", ("og:image", tag("og:image") and urljoin(self.url, tag("og:image"))))
        self._set("section", ("article:section", tag("article:section")))
        self._set("tags", ("article:tag", tuple(self.tags.get("article:tag", ()))))
        free = [str(n.get("isAccessibleForFree")).lower() for n in self.nodes if "isAccessibleForFree" in n]
        if free and free[0] == "false":
            self.out.is_paywalled = True
        if "liveblogposting" in types_of(a):
            self.out.page_kind = PageKind.LIVE_BLOG
        return self.out


_ISO = re.compile(r"\d{4}-\d\d-\d\d")


def parse_date(text: str) -> datetime | None:
    """Parse an ISO 8601 or RFC 2822 date; one without a zone is taken as UTC."""
    text = text.strip()
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        try:
            value = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
    try:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None

"""Render entries as feeds in each format: RSS, Atom, RDF, JSON Feed, sitemaps, OPML."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True)
class Entry:
    """What a feed says about one article; times are seconds since the epoch."""

    url: str
    title: str
    guid: str
    published: float
    updated: float = 0.0
    summary: str = ""
    author: str = ""


Render = Callable[[str, str, Sequence[Entry]], bytes]
XML = "<?xml version='1.0' encoding='utf-8'?>"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rss(title: str, home: str, entries: Sequence[Entry]) -> bytes:
    items = "".join(
        f"<item><title>{escape(entry.title)}</title><link>{escape(entry.url)}</link>"
        f"<guid isPermaLink='false'>{escape(entry.guid)}</guid><description>{escape(entry.summary)}</description>"
        f"<dc:creator>{escape(entry.author)}</dc:creator>"
        f"<pubDate>{formatdate(entry.published, usegmt=True)}</pubDate></item>"
        for entry in entries
    )
    return (
        f"{XML}<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>{escape(title)}</title>"
        f"<link>{home}</link><language>en</language>{items}</channel></rss>"
    ).encode()


def atom(title: str, home: str, entries: Sequence[Entry]) -> bytes:
    rows = "".join(
        f"<entry><title>{escape(entry.title)}</title><link rel='alternate' href={quoteattr(entry.url)}/>"
        f"<id>urn:{escape(entry.guid)}</id><published>{_iso(entry.published)}</published>"
        f"<updated>{_iso(entry.updated or entry.published)}</updated><summary>{escape(entry.summary)}</summary></entry>"
        for entry in entries
    )
    changed = max((entry.updated or entry.published for entry in entries), default=0.0)
    return (
        f"{XML}<feed xmlns='http://www.w3.org/2005/Atom'><title>{escape(title)}</title><id>{home}</id>"
        f"<updated>{_iso(changed)}</updated>{rows}</feed>"
    ).encode()


def rdf(title: str, home: str, entries: Sequence[Entry]) -> bytes:
    places = "".join(f"<rdf:li rdf:resource={quoteattr(entry.url)}/>" for entry in entries)
    items = "".join(
        f"<item rdf:about={quoteattr(entry.url)}><title>{escape(entry.title)}</title><link>{escape(entry.url)}</link>"
        f"<dc:date>{_iso(entry.published)}</dc:date></item>"
        for entry in entries
    )
    return (
        f"{XML}<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' "
        f"xmlns:dc='http://purl.org/dc/elements/1.1/'><channel rdf:about='{home}'><title>{escape(title)}</title>"
        f"<link>{home}</link><items><rdf:Seq>{places}</rdf:Seq></items></channel>{items}</rdf:RDF>"
    ).encode()


def json_feed(title: str, home: str, entries: Sequence[Entry]) -> bytes:
    items = [
        {
            "id": entry.guid,
            "url": entry.url,
            "title": entry.title,
            "date_published": _iso(entry.published),
            "summary": entry.summary,
        }
        for entry in entries
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": title, "home_page_url": home, "items": items}
    return json.dumps(feed).encode()


def sitemap(title: str, home: str, entries: Sequence[Entry]) -> bytes:
    rows = "".join(
        f"<url><loc>{escape(entry.url)}</loc><lastmod>{_iso(entry.published)}</lastmod></url>" for entry in entries
    )
    return f"{XML}<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{rows}</urlset>".encode()


def news_sitemap(title: str, home: str, entries: Sequence[Entry]) -> bytes:
    rows = "".join(
        f"<url><loc>{escape(entry.url)}</loc><news:news><news:publication><news:name>{escape(title)}</news:name>"
        f"<news:language>es</news:language></news:publication><news:publication_date>{_iso(entry.published)}"
        f"</news:publication_date><news:title>{escape(entry.title)}</news:title></news:news></url>"
        for entry in entries
    )
    return (
        f"{XML}<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
        f"xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'>{rows}</urlset>"
    ).encode()


def sitemap_index(addresses: Sequence[str], changed: float) -> bytes:
    rows = "".join(
        f"<sitemap><loc>{escape(address)}</loc><lastmod>{_iso(changed)}</lastmod></sitemap>" for address in addresses
    )
    return f"{XML}<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{rows}</sitemapindex>".encode()


def opml(title: str, addresses: Sequence[str]) -> bytes:
    rows = "".join(f"<outline type='rss' text={quoteattr(url)} xmlUrl={quoteattr(url)}/>" for url in addresses)
    return (f"{XML}<opml version='2.0'><head><title>{escape(title)}</title></head><body>{rows}</body></opml>").encode()


# name: renderer, content type, path
FORMATS: dict[str, tuple[Render, str, str]] = {
    "rss": (rss, "application/rss+xml", "/feed.xml"),
    "atom": (atom, "application/atom+xml", "/atom.xml"),
    "rdf": (rdf, "application/rdf+xml", "/index.rdf"),
    "json": (json_feed, "application/feed+json", "/feed.json"),
    "sitemap": (sitemap, "application/xml", "/sitemap-1.xml"),
    "news sitemap": (news_sitemap, "application/xml", "/news-sitemap.xml"),
}

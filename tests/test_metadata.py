"""Page metadata: each field from each of its sources."""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.page.read.bylines import clean_authors, find_byline, split_byline
from transforms.page.read.dates import parse_date
from transforms.page.read.linked_data import read_linked_data
from transforms.page.read.metadata import Metadata, read_metadata
from transforms.page.read.parse import parse_page
from transforms.page.read.titles import choose_title, strip_site_name

URL = "https://www.courier.example/news/quay?x=1"
PUBLISHED = datetime(2026, 3, 4, 17, 20, tzinfo=UTC)


def read(head: str = "", body: str = "", url: str = URL) -> Metadata:
    page = parse_page(f"<html><head>{head}</head><body>{body}<p>text</p></body></html>".encode(), "text/html", url)
    return read_metadata(page.tree, url)


def linked(**fields: Any) -> str:
    node = {"@context": "https://schema.org", "@type": "NewsArticle", **fields}
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


def meta(**tags: str) -> str:
    return "".join(f'<meta property="{name.replace("__", ":")}" content="{value}">' for name, value in tags.items())


@pytest.mark.parametrize(
    ("title", "site", "host", "clean"),
    [
        ("Quay closed | Ellery Courier", "Ellery Courier", "courier.example", "Quay closed"),
        ("Quay closed - Ellery Courier", "", "ellerycourier.com", "Quay closed"),
        ("Quay closed - courier.example", "", "www.courier.example", "Quay closed"),
        ("Ellery Courier | Quay closed for eighteen months", "Ellery Courier", "", "Quay closed for eighteen months"),
        ("Quay closed | News | Ellery Courier", "Ellery Courier", "", "Quay closed | News"),
        ("Quay closed | Courier | 28.04.2023", "Courier", "", "Quay closed"),
        ("Quay closed - and what comes next", "Ellery Courier", "courier.example", "Quay closed - and what comes next"),
        ("Port Ellery: quay closed", "Port Ellery News", "", "Port Ellery: quay closed"),
    ],
)
def test_the_site_name_is_removed(title: str, site: str, host: str, clean: str) -> None:
    assert strip_site_name(title, site, host) == clean


@pytest.mark.parametrize(
    ("candidates", "title"),
    [
        ({"json-ld": "SEO title of the quay", "og:title": "Quay closed", "h1": "Quay closed"}, "Quay closed"),
        ({"json-ld": "Quay closed", "og:title": "You will not believe this quay", "h1": "Quay closed"}, "Quay closed"),
        (
            {"og:title": "Harbour: Quay closed for years", "h1": "Port Ellery - Quay closed for years"},
            "Quay closed for years",
        ),
        ({"og:title": "Quay closed", "h1": "Log in"}, "Quay closed"),
        ({"title": "Quay closed"}, "Quay closed"),
        ({}, ""),
    ],
)
def test_the_title_that_most_sources_agree_on_is_chosen(candidates: dict[str, str], title: str) -> None:
    assert choose_title(candidates)[1] == title


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("By Ann Lee", ["Ann Lee"]),
        ("By Ann Lee and Bob Day", ["Ann Lee", "Bob Day"]),
        ("Ann Lee, Bob Day and Cy Roe", ["Ann Lee", "Bob Day", "Cy Roe"]),
        ("Von Jan Müller und Eva Klein", ["Jan Müller", "Eva Klein"]),
        ("Par Jean Dupont et Anne Roy", ["Jean Dupont", "Anne Roy"]),
        ("Ann Lee, Political Editor", ["Ann Lee"]),
        ("Ann Lee / Bob Day", ["Ann Lee", "Bob Day"]),
        ("Ann Lee/Bob Day", ["Ann Lee", "Bob Day"]),
        ("AFP, MANILA", ["AFP, MANILA"]),
        ("牛镛、岳弘彬", ["牛镛", "岳弘彬"]),
        ("Ann Lee (ann.lee@courier.example)", ["Ann Lee (ann.lee@courier.example)"]),
        ("admin", []),
        ("https://courier.example/a/lee", []),
        ("", []),
    ],
)  # fmt: skip
def test_bylines_are_split(text: str, names: list[str]) -> None:
    if "@" in text:
        assert all("@" not in name for name in split_byline(text))
    else:
        assert split_byline(text) == names


def test_only_text_with_a_byline_word_is_a_byline() -> None:
    assert find_byline("(责编：牛镛、岳弘彬)") == ["牛镛", "岳弘彬"]
    assert find_byline("Byron Lee went home") == []
    assert find_byline("Ann Lee") == []


def test_a_publisher_is_not_an_author_beside_people() -> None:
    assert clean_authors(["Ann Lee", "Ellery Courier"], ["Ellery Courier"]) == ("Ann Lee",)
    assert clean_authors(["Ellery Courier", "Reuters"], ["Ellery Courier"]) == ("Reuters",)


def test_a_publisher_that_signs_alone_is_the_author() -> None:
    assert clean_authors(["Ellery Courier"], ["Ellery Courier"]) == ("Ellery Courier",)


@pytest.mark.parametrize(
    ("head", "body", "authors", "source"),
    [
        (linked(author={"@type": "Person", "name": "Ann Lee"}), "", ("Ann Lee",), "json-ld"),
        (linked(author=[{"name": "Ann Lee"}, {"name": "Bob Day"}]), "", ("Ann Lee", "Bob Day"), "json-ld"),
        (linked(author=[{"givenName": "Ann", "familyName": "Lee"}]), "", ("Ann Lee",), "json-ld"),
        (linked(author="Ann Lee"), "", ("Ann Lee",), "json-ld"),
        (linked(author={"@id": "#ann"}) + linked(**{"@type": "Person", "@id": "#ann", "name": "Ann Lee"}), "", ("Ann Lee",), "json-ld"),
        ('<meta name="author" content="By Ann Lee">', "", ("Ann Lee",), "meta author"),
        (linked(author={"name": "Courier"}, publisher={"name": "Courier"}) + '<meta name="author" content="Ann Lee">', "", ("Ann Lee",), "meta author"),
        ("", '<a rel="author" href="/lee">Ann Lee</a>', ("Ann Lee",), "byline"),
        ("", '<span itemprop="author"><span itemprop="name">Ann Lee</span></span>', ("Ann Lee",), "byline"),
        ("", '<p>von <a href="/autoren/name/ann-lee">Ann Lee</a></p>', ("Ann Lee",), "byline"),
    ],
)  # fmt: skip
def test_authors(head: str, body: str, authors: tuple[str, ...], source: str) -> None:
    found = read(head, body)
    assert (found.authors, found.sources["authors"]) == (authors, source)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04T18:20:00+01:00", "2026-03-04T17:20:00Z", "2026-03-04T17:20:00.000Z", "2026-03-04 17:20:00",
        "2026-03-04T18:20+0100", "Wed, 04 Mar 2026 17:20:00 GMT", "1772644800", "1772644800000",
        "March 4, 2026, 12:20 PM ET", "4 March 2026, 18:20 CET", "4. März 2026, 18:20 MEZ", "04.03.2026 17:20",
        "4 de marzo de 2026, 17:20", "4 mars 2026 17h20", "4 marca 2026, 17:20", "4 марта 2026, 17:20",
        "2026年3月4日 17時20分", "2026년 3월 4일 17:20",
    ],
)  # fmt: skip
def test_dates(text: str) -> None:
    assert parse_date(text) == PUBLISHED


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-45", "99.99.2026", "12:30", "9" * 400, "2026-02-30T10:00:00Z", "0001-01-01T00:00:00Z"],
)
def test_other_texts_are_not_dates(text: str) -> None:
    assert parse_date(text) is None


@given(st.text(max_size=150))
def test_any_text_is_a_date_in_utc_or_none(text: str) -> None:
    value = parse_date(text)
    assert value is None or value.tzinfo is UTC


@pytest.mark.parametrize(
    ("head", "body", "source"),
    [
        (linked(datePublished="2026-03-04T18:20:00+01:00"), "", "json-ld"),
        (meta(article__published_time="2026-03-04T17:20:00Z"), "", "meta article:published_time"),
        ('<meta itemprop="datePublished" content="2026-03-04T17:20:00Z">', "", "meta datepublished"),
        ("", '<time datetime="2026-03-04T17:20:00Z">4 March</time>', "time"),
        (linked(datePublished="2026-03-04") + meta(article__published_time="2026-03-04T17:20:00Z"), "", "meta article:published_time"),
    ],
)  # fmt: skip
def test_published(head: str, body: str, source: str) -> None:
    found = read(head, body)
    assert (found.published_at, found.sources["published_at"]) == (PUBLISHED, source)


def test_the_other_fields_are_read() -> None:
    found = read(
        '<link rel="canonical" href="/news/quay"><meta name="news_keywords" content="Harbour, Port Ellery">'
        + meta(og__site_name="Ellery Courier", og__image="/a.jpg", og__description="In short", og__locale="en_GB")
        + linked(
            headline="Quay closed", articleSection="Coast", dateModified="2026-03-04T17:20:00Z", articleBody="Long"
        )
    )
    assert found.title == "Quay closed"
    assert found.canonical_url == "https://www.courier.example/news/quay"
    assert found.tags == ("Harbour", "Port Ellery")
    assert (found.site_name, found.description, found.section) == ("Ellery Courier", "In short", "Coast")
    assert found.lead_image == "https://www.courier.example/a.jpg"
    assert (found.language, found.modified_at, found.article_body) == ("en-GB", PUBLISHED, "Long")
    assert found.sources["language"] == "og:locale"
    assert found.sources["tags"] == "meta keywords"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("&lt;p&gt;The quay&amp;nbsp;is &lt;b&gt;closed&lt;/b&gt;&lt;/p&gt;", "The quay is closed"),
        ("Salt &amp;amp;amp; Tide", "Salt & Tide"),
        ("The quay is closed, says &lt;a href=https://courier.example/quay", "The quay is closed, says"),
        ("We saw &lt;The Palace: A Tale&gt; at 5 &lt; 6", "We saw <The Palace: A Tale> at 5 < 6"),
    ],
)
def test_descriptions_and_tags_are_plain(written: str, plain: str) -> None:
    assert read(meta(og__description=written)).description == plain
    assert read(f'<meta name="description" content="{written}">').description == plain
    assert read(meta(article__tag=written)).tags == (plain,)


@pytest.mark.parametrize(
    ("head", "section"),
    [
        (linked(headline="Quay closed", articleSection="Quay closed") + meta(article__section="Coast"), "Coast"),
        (linked(headline="Quay closed", articleSection=["Quay closed", "Coast"]), "Coast"),
        (linked(articleSection="Coast"), "Coast"),
        (linked(headline="Quay closed", articleSection="1234"), ""),
    ],
)
def test_the_title_is_not_the_section(head: str, section: str) -> None:
    trail = {"@type": "BreadcrumbList", "itemListElement": [{"name": "Home"}, {"name": "Quay closed"}]}
    assert read(head + linked(**trail)).section == section


@pytest.mark.parametrize(("free", "walled"), [(False, True), ("False", True), (True, False), ("true", False)])
def test_paywall(free: object, walled: bool) -> None:
    assert read(linked(isAccessibleForFree=free)).is_paywalled is walled


def test_linked_data_of_another_article_is_not_used() -> None:
    head = linked(headline="Ferry cancelled", author="Bob Day") + linked(headline="Quay closed", author="Ann Lee")
    found = read(head + meta(og__title="Quay closed"))
    assert (found.title, found.authors) == ("Quay closed", ("Ann Lee",))


@pytest.mark.parametrize(
    "script",
    ['{"@type": "NewsArticle", "headline": "A\nB",}', '<!--{"@type": "NewsArticle", "headline": "A B"}-->',
     '[{"@type": "NewsArticle", "headline": "A B"}];', '{"@graph": [{"@type": ["NewsArticle"], "headline": "A B"}]} trailing'],
)  # fmt: skip
def test_broken_linked_data_is_read(script: str) -> None:
    assert read(f'<script type="application/ld+json">{script}</script>').title == "A B"


@pytest.mark.parametrize("script", ["", "{", "null", "[" * 5000, '{"a":' * 3000, "1" * 5000])
def test_unreadable_linked_data_is_skipped(script: str) -> None:
    tree = parse_page(f'<body><script type="application/ld+json">{script}</script><p>x</p>'.encode(), "text/html").tree
    assert read_linked_data(tree) == []

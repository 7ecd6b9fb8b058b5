"""The authors of an article: the people who wrote it, once each, and the agency that it comes from."""

from __future__ import annotations

import pytest
from smallpages import linked, meta, read, tell

from transforms.page.read.bylines import clean_authors, split_byline

SITE = meta("og:site_name", "Courier")
HOUSE = linked(author={"@type": "Organization", "name": "Courier"}, publisher={"name": "Courier"})


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        # the work of others
        ("Text: Ann Lee, Fotos: Bob Day", ["Ann Lee"]),
        ("Fotos: Bob Day, Text: Ann Lee", ["Ann Lee"]),
        ("Ann Lee (Text) und Bob Day (Fotos)", ["Ann Lee"]),
        ("Photos by Bob Day", []),
        ("By Ann Lee; Editing by Cy Roe", ["Ann Lee"]),
        ("Quelle: dpa", []),
        ("Source: Harbour Office", []),
        # initials and roles
        ("Ann Lee (al)", ["Ann Lee"]),
        ("Ann Lee [AL]", ["Ann Lee"]),
        ("(mki)", []),
        ("red, dpa", ["dpa"]),
        ("red", []),
        ("Ann Lee Staff Writer", ["Ann Lee"]),
        ("Guide by Ann Lee Former Deputy Tech Editor", ["Ann Lee"]),
        # dates, and calls to read on
        ("By Ann Lee December 2, 2025", ["Ann Lee"]),
        ("Ann Lee | 05.04.2025 - Güncelleme : 05.04.2025", ["Ann Lee"]),
        ("March 15, 2022 · 3 min read · By Ann Lee", ["Ann Lee"]),
        ("Veröffentlicht am 27.04.24 um 07:39 Uhr", []),
        ("Posted by Ann Lee on 2025-12-18", ["Ann Lee"]),
        ("View all posts by Ann Lee", ["Ann Lee"]),
        ("Related Posts", []),
        ("You’ll Also Love...", []),
        ("Bluesky", []),
        # words that only look like one of those
        ("Redaktion hessenpost.example", ["Redaktion hessenpost.example"]),
        ("Byron Lee", ["Byron Lee"]),
        ("May Parker", ["May Parker"]),
        ("April Stone", ["April Stone"]),
    ],
)  # fmt: skip
def test_only_authors_are_taken_from_a_byline(byline: str, names: list[str]) -> None:
    assert split_byline(byline) == names


def test_nobody_is_named_twice() -> None:
    assert clean_authors(["Dr. Max Kolter", "Max Kolter"]) == ("Dr. Max Kolter",)
    assert clean_authors(["Lee", "Ann Lee", "Bob Day"]) == ("Ann Lee", "Bob Day")
    assert clean_authors(["Ann Lee", "ann lee", "By Ann Lee"]) == ("Ann Lee",)
    assert clean_authors(["Ann Lee", "Bob Lee"]) == ("Ann Lee", "Bob Lee")


def test_an_agency_is_no_part_of_a_name() -> None:
    assert clean_authors(["ERIC TUCKER Associated Press", "AP National Political Writer"]) == ("ERIC TUCKER",)
    assert clean_authors(["Associated Press"]) == ("Associated Press",)
    page = tell(above="<p class='byline'>IANS</p><p class='byline'>New Delhi</p>")
    assert read(page).authors in ((), ("IANS",))


def test_the_name_of_the_section_is_nobody() -> None:
    page = tell(head=SITE + linked(author="Coast", articleSection="Coast"), above="<p class='byline'>By Ann Lee</p>")
    assert read(page).authors == ("Ann Lee",)


@pytest.mark.parametrize(
    "head",
    [
        HOUSE,
        linked(author={"@type": "Person", "name": "Courier"}, publisher={"name": "Courier"}),
        linked(author={"@type": "Organization", "name": "CNP Media"}),
        meta("author", "ann.lee"),
        meta("article:author", "officialannlee"),
        linked(author={"@type": "Organization", "name": "AFP"}),
    ],
)
def test_a_printed_byline_goes_before_a_house_and_a_login(head: str) -> None:
    article = read(tell(head=SITE + head, above="<p class='byline'>By Ann Lee</p>"))
    assert (article.authors, article.sources["authors"]) == (("Ann Lee",), "byline")


def test_people_in_the_metadata_go_before_a_printed_byline() -> None:
    page = tell(head=linked(author=[{"name": "Ann Lee"}]), above="<p class='byline'>By Bob Day</p>")
    assert read(page).authors == ("Ann Lee",)
    # but the byline may name more of them
    page = tell(
        head=linked(author=[{"name": "Ann Lee"}]),
        above="<p class='author'>Bob Day</p><p class='author'>Ann Lee</p>",
    )
    assert read(page).authors == ("Bob Day", "Ann Lee")


def test_a_byline_is_read_where_it_stands() -> None:
    assert read(tell(above="<p class='byline'>Von</p><p class='byline'>Felix Schwarz</p>")).authors == (
        "Felix Schwarz",
    )
    assert read(tell(above="<p class='meta'>Ann Lee | 04.03.2026 - Güncelleme : 04.03.2026</p>")).authors == (
        "Ann Lee",
    )
    assert read(tell(below="<ul class='meta'><li>Autorin/Autor Ann Lee</li></ul>")).authors == ("Ann Lee",)
    # a desk and a town beside people are no authors
    assert read(tell(head=SITE, above="<p class='byline'>von Ann Lee, COURIER KÜSTE</p>")).authors == ("Ann Lee",)


def test_boxes_of_other_texts_name_other_authors() -> None:
    other = "<span class='byline'>By Bob Day</span>"
    page = tell(above="<p class='byline'>By Ann Lee</p>", below="").replace(
        "<article>", f"<nav>{other}</nav><div class='related'>{other}</div><article>"
    )
    assert read(page).authors == ("Ann Lee",)
    page = tell(
        below=f"<div class='related'><a rel='author' href='/day'>Bob Day</a></div><div class='comments'>{other}</div>"
    )
    assert read(page).authors == ()
    assert (
        read(tell(below="<p><a href='https://social.example/profile/courier.example'>Bluesky page</a></p>")).authors
        == ()
    )
    # the heading of a box below the text is no name, though each of its words begins with a capital
    assert read(tell(below="<p>Weitere Informationen</p>")).authors == ()


def test_a_feed_names_people_where_the_page_does_not() -> None:
    article = read(tell(head=SITE + HOUSE), authors=("Ann Lee",))
    assert (article.authors, article.sources["authors"]) == (("Ann Lee",), "feed")
    assert read(tell(head=linked(author="Ann Lee")), authors=("Bob Day",)).authors == ("Ann Lee",)


def test_catalogues_write_the_surname_first() -> None:
    assert read(tell(head='<meta name="citation_author" content="Kaufman, Jeff T.">')).authors == ("Jeff T. Kaufman",)


@pytest.mark.parametrize(
    ("page", "agency"),
    [
        (tell(opening="LONDON, March 4 (Reuters) - "), "Reuters"),
        (tell(opening="Berlin (dpa) – "), "dpa"),
        (tell(opening="(ANSA) - ROMA, 04 MAR - "), "ANSA"),
        (tell(opening="AFP - "), "AFP"),
        (tell(opening="北京3月4日电 ").replace("北京", "新华社北京"), "Xinhua"),
        (tell(opening="【ロンドン共同】"), "Kyodo"),
        (tell(opening="(서울=연합뉴스) "), "Yonhap"),
        (tell(ending=" (PAP)"), "PAP"),
        (tell(ending=" [dpa/AFP]"), "dpa/AFP"),
        (tell(below="<p>Quelle: APA/sda/dpa</p>"), "APA/Keystone-SDA/dpa"),
        (tell(below="<p>© 2026 The Associated Press. All rights reserved.</p>"), "AP"),
        (tell(above="<p class='byline'>von APA</p>"), "APA"),
        (tell(head=linked(author={"name": "Associated Press"})), "AP"),
        # none of these is a credit of the text
        (tell(above="<p>© REUTERS / POOL</p>"), ""),
        (tell(opening="The agency (Reuters among them) said: "), ""),
        (tell(opening="Kiel (kmp) - "), ""),
        (tell(opening="【共同声明】"), ""),
        (tell(ending=" They flew with TAP (again)."), ""),
        (tell(above="<figure><img src='/a.jpg'><figcaption>The quay. Foto: dpa</figcaption></figure>"), ""),
    ],
)  # fmt: skip
def test_the_agency_of_an_article(page: str, agency: str) -> None:
    assert read(page).agency == agency


def test_a_printed_agency_leaves_the_authors_as_they_are() -> None:
    article = read(tell(head=SITE + HOUSE, above="<p class='byline'>von APA</p>"))
    assert (article.authors, article.agency) == (("Courier",), "APA")
    article = read(tell(head=linked(author=[{"name": "dpa"}])))
    assert (article.authors, article.agency) == (("dpa",), "dpa")

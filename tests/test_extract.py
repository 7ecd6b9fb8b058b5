"""Extraction on golden pages: one folder per kind of block, `article_<kind>/{input.html,expected.json}`.

`expected.json` has the expected result of a case, with removed blocks as a list of [reason, text].
"""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

import json
from pathlib import Path

import pytest
from smallpages import NOW, STORY

from transforms.errors import ContentTypeRejected, NotAnArticle, NoText
from transforms.fetch.content_types import check_bytes
from transforms.page.boilerplate import strip_boilerplate
from transforms.page.extract import article_json, extract
from transforms.page.read.parse import decode_page, parse_page
from transforms.records import Article, ArticleLink, BlockKind, FetchedPage, from_json, to_json

DATA = Path(__file__).parent / "data"
CASES = sorted(folder.name for folder in DATA.glob("article_*"))
URL = "https://courier.example/news/quay"


def make_page(body: bytes | str, url: str = URL, content_type: str = "text/html", **hints: object) -> FetchedPage:
    link = ArticleLink(url=url, canonical_url=url, article_id="a", host="courier.example", **hints)  # type: ignore[arg-type]
    return FetchedPage(link, url, content_type, body.encode() if isinstance(body, str) else body, NOW)


def extract_body(body: bytes | str, **options: str) -> Article:
    return strip_boilerplate(extract(make_page(body, **options)))


def tell_story(head: str = "", before: str = "", after: str = "", title: str = "Harbour plan approved") -> str:
    story = "".join(f"<p>{p}</p>" for p in STORY)
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{before}"
        f"<article><h1>{title}</h1>{story}</article>{after}</body></html>"
    )


@pytest.mark.parametrize("case", CASES)
def test_golden_page(case: str) -> None:
    expected = json.loads((DATA / case / "expected.json").read_text())
    found = article_json(extract_body((DATA / case / "input.html").read_bytes()))
    found["removed"] = [[r["reason"], r["text"]] for r in found["removed"]]
    assert {name: found[name] for name in expected} == expected


def test_golden_pages_cover_the_kinds_of_block() -> None:
    seen = {
        reason for case in CASES for reason, _ in json.loads((DATA / case / "expected.json").read_text())["removed"]
    }
    apart = {"paragraph", "heading", "list_item", "quote", "live_post", "other", "credit"}
    assert seen >= {kind.value for kind in BlockKind} - apart


def test_an_article_survives_json() -> None:
    article = extract(make_page(tell_story()))
    assert from_json(to_json(article), Article) == article


@pytest.mark.parametrize(
    ("body", "content_type", "title", "text"),
    [
        ("<title>Málaga</title><article><p>" + "El alcalde dijo que la reunión será mañana. " * 5, "", "Málaga", "reunión"),
        ("<title>Kyjev</title><article><p>" + "Prezident Zelenskyj přijel ve čtvrtek do Prahy. " * 5, "", "Kyjev", "přijel"),
    ],
)  # fmt: skip
def test_valid_utf8_beats_a_wrong_label(body: str, content_type: str, title: str, text: str) -> None:
    article = extract_body(body.encode(), content_type=content_type or "text/html; charset=iso-8859-1")
    assert article.title == title
    assert text in article.body


@pytest.mark.parametrize(
    ("charset", "where", "word"),
    [
        ("latin-1", "header", "Málaga"), ("latin-1", "meta", "mañana"), ("windows-1251", "meta", "Президент"),
        ("windows-1251", "header", "Президент"), ("shift_jis", "meta", "首相"), ("gb18030", "header", "总统"),
        ("euc-kr", "meta", "대통령"), ("iso-8859-2", "header", "źródło"), ("utf-16", "bom", "Málaga"),
        ("windows-1251", "nowhere", "Президент встретился с министром в Москве и сказал об этом журналистам"),
    ],
)  # fmt: skip
def test_charsets(charset: str, where: str, word: str) -> None:
    meta = f"<meta charset='{charset}'>" if where == "meta" else ""
    html = f"<html><head>{meta}<title>x</title></head><body><p>{(word + ' ') * 20}</p></body></html>"
    header = f"text/html; charset={charset}" if where == "header" else "text/html"
    text, _ = decode_page(html.encode(charset), header)
    assert word in text


@pytest.mark.parametrize("label", ["unicode_escape", "punycode", "idna", "utf-7", "undefined", "zlib", "rot13"])
def test_a_page_cannot_choose_a_codec_that_is_not_a_charset(label: str) -> None:
    text, charset = decode_page(b"<p>caf\xe9 \\x41+AEE-</p>", f"text/html; charset={label}")
    assert "\\x41+AEE-" in text
    assert "codec" not in charset
    assert charset not in ("unicode-escape", "punycode", "idna", "utf-7")


def test_a_utf32_mark_is_not_mistaken_for_utf16() -> None:
    assert decode_page("<p>süß</p>".encode("utf-32"))[0] == "<p>süß</p>"


def test_one_broken_byte_does_not_make_a_page_latin1() -> None:
    body = ("<p>" + "Müller größer für die Straße " * 40 + "</p>").encode() + b"\xff" + "<p>süß</p>".encode()
    text, charset = decode_page(body, "text/html")
    assert charset == "utf-8"
    assert "süß" in text


@pytest.mark.parametrize("body", [b"", b"   \n", b"<html><body><nav>Home</nav></body></html>", b"<p></p>"])
def test_a_page_without_text_is_rejected(body: bytes) -> None:
    with pytest.raises(NoText):
        extract(make_page(body))


ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><entry><content><p>The council met.</p></content></entry></feed>'
FOREIGN = [
    (b"%PDF-1.7 \x00", "a PDF document"), (b"\x89PNG\r\n", "a PNG image"), (b"PK\x03\x04\x14\x00", "a ZIP archive"),
    (b"\x1f\x8b\x08\x00", "gzip data"), (bytes(range(256)) * 4, "binary data"), (b"{\\rtf1 <p>", "an RTF document"),
    (b'{"body": "<p>The council met.</p>"}', "JSON"), (b'[\n {"body": "<!doctype html>"}]', "JSON"), (b"[]", "JSON"),
    (ATOM.encode(), "a feed"), (b"<?xml version='1.0'?>\n<!-- a feed -->\n<rss><channel><title>a</title>", "a feed"),
    (f"\ufeff<?xml version='1.0'?>{ATOM}".encode("utf-16"), "a feed"), (b"<urlset><url>", "a sitemap"),
    (b"<?xml version='1.0'?><note><p>The council met.</p></note>", "XML"), (b"<note>The council met.</note>", "XML"),
    (b"<svg><text>The council met.</text></svg>", "an SVG image"),
    (b"The council met. 4 < 5, and ann@example.org <ann@example.org> agrees.", "plain text"),
    ("議会は火曜日に開かれた。".encode("shift_jis"), "plain text"), ("The council met.".encode("utf-16"), "plain text"),
    (b"From: <Saved by Blink>\nMIME-Version: 1.0\nContent-Type: multipart/related\n\n<html><p>", "an archive of a page or a mail"),
]  # fmt: skip


@pytest.mark.parametrize("content_type", ["text/html", "", "text/xml"])
@pytest.mark.parametrize(("body", "name"), FOREIGN)
def test_what_is_no_page_is_refused_by_name(body: bytes, name: str, content_type: str) -> None:
    with pytest.raises(ContentTypeRejected, match=f"the body is {name}"):
        extract(make_page(body, content_type=content_type))
    with pytest.raises(ContentTypeRejected, match=f"the body is {name}"):
        check_bytes("", body)


@pytest.mark.parametrize("content_type", ["application/pdf", "application/json", "image/png"])
def test_a_label_of_another_type_is_believed(content_type: str) -> None:
    with pytest.raises(ContentTypeRejected, match=content_type):
        extract(make_page(tell_story(), content_type=content_type))


@pytest.mark.parametrize(
    "before",
    ["", "\ufeff", "\n\n  ", "<?xml version='1.0' encoding='utf-8'?>", "<!-- saved from " + "x" * 9_000 + " -->\n", "HTTP/1.1 200 OK\nContent-Type: text/html\n\n", "<b>Warning</b>: mysql_connect() in line 9<br>", "<x-page>", "{{ header }}", "[1] "],
)  # fmt: skip
@pytest.mark.parametrize("cut", ["<!doctype html>", "<!doctype html><html><head><title>Harbour plan approved</title>"])
def test_a_page_is_read_whatever_stands_before_it(before: str, cut: str) -> None:
    page = before + tell_story().removeprefix(cut)
    for charset in ("utf-8", "utf-16"):
        check_bytes("", page.encode(charset))
        assert tuple(extract_body(page.encode(charset)).paragraphs) == STORY


def test_three_sentences_are_an_article() -> None:
    article = extract_body(tell_story())
    assert article.title == "Harbour plan approved"
    assert tuple(article.paragraphs) == STORY


def test_a_page_behind_a_paywall_is_kept_and_marked() -> None:
    head = '<script type="application/ld+json">{"@type":"NewsArticle","isAccessibleForFree":false}</script>'
    page = tell_story(head).replace(
        "</article>", "<p>Subscribe now to continue reading. Unlimited access.</p></article>"
    )
    article = extract_body(page)
    assert article.is_paywalled
    assert tuple(article.paragraphs) == STORY
    assert [r.reason for r in article.removed if r.text.startswith("Subscribe")] == ["promo"]


def test_hints_of_the_feed_fill_in_missing_metadata() -> None:
    page = make_page(
        tell_story(title="").replace("<h1></h1>", ""), title="From the feed", authors=("Ann Lee",), published_at=NOW
    )
    article = extract(page)
    assert (article.title, article.authors, article.published_at) == ("From the feed", ("Ann Lee",), NOW)
    assert article.sources["title"] == article.sources["authors"] == article.sources["published_at"] == "feed"


TEASERS = "".join(
    f'<div class="teaser"><h3><a href="/n/{n}">Ministers meet for the {n}th time on the coastal budget</a></h3></div>'
    for n in range(30)
)


@pytest.mark.parametrize(
    ("url", "html", "reason"),
    [
        ("https://courier.example/", f"<title>Ellery Courier</title><body>{TEASERS}<p>News from the coast, every day.</p>", "section front"),
        ("https://courier.example/sport", f"<title>Sport</title><body>{TEASERS}<p>All the sport of the coast in one place.</p>", "section front"),
        ("https://courier.example/search?q=quay", f"<title>Search results for quay</title><body>{TEASERS}<p>We found thirty articles.</p>", "search result"),
        (URL, "<title>Page not found</title><body><h1>Page not found</h1><p>We could not find the page that you asked for. It may have moved.</p>", "soft 404"),
        (URL, "<title>Seite nicht gefunden</title><body><h1>Seite nicht gefunden</h1><p>Die Seite, die Sie suchen, gibt es leider nicht mehr.</p>", "soft 404"),
        (URL, "<title>Your privacy</title><body><h1>Your privacy</h1><p>We and our partners use cookies and need your consent to process personal data.</p><p>Cookies let us measure how our consent pages are used. You can withdraw your consent at any time in the cookie settings.</p>", "consent wall"),
    ],
)  # fmt: skip
def test_pages_that_are_not_articles_are_rejected(url: str, html: str, reason: str) -> None:
    with pytest.raises((NotAnArticle, NoText)) as caught:
        extract(make_page(html, url=url))
    assert caught.value.reason in (reason, "no text")
    if reason != "section front":
        assert isinstance(caught.value, NotAnArticle)


def test_an_article_about_cookies_is_not_a_consent_wall() -> None:
    text = "".join(
        f"<p>{p} The cookie law asks for consent, and cookies without consent are banned.</p>" for p in STORY
    )
    head = '<meta property="article:published_time" content="2026-03-04T18:20:00+01:00">'
    article = extract_body(
        f"<html><head><title>Cookies banned</title>{head}</head><body><article><h1>Cookies banned</h1>{text}</article>"
    )
    assert len(article.paragraphs) == 3


def test_text_that_is_only_in_linked_data_is_read() -> None:
    body = "\\n\\n".join(STORY * 2) + "\\n\\nRead more: The ferry is late"
    script = f'<script type="application/ld+json">{{"@type":"NewsArticle","articleBody":"{body}"%s}}</script>'
    page = f"<html><head><title>Quay</title>{script}</head><body><div id='app'></div></body></html>"
    article = extract_body(page % "")
    assert tuple(article.paragraphs[:3]) == STORY
    assert ("Read more: The ferry is late", "related") in [(r.text, r.reason) for r in article.removed]
    with pytest.raises(NoText):
        extract_body(page % ',"isAccessibleForFree":false')


def test_images_carry_their_captions_and_credits() -> None:
    figure = '<figure><img src="a.jpg"><figcaption>The quay at low tide. Photo: Jon Vance</figcaption></figure>'
    article = extract_body(tell_story().replace("</h1>", f"</h1>{figure}"))
    assert [(i.url, i.caption, i.credit) for i in article.images] == [
        ("https://courier.example/news/a.jpg", "The quay at low tide.", "Jon Vance")
    ]
    assert "low tide" not in article.body


def test_a_page_is_parsed_once_whatever_its_doctype() -> None:
    page = parse_page(
        b"<?xml version='1.0' encoding='iso-8859-1'?><html><body><p>caf\xe9</p></body></html>", "text/html"
    )
    assert "".join(page.tree.itertext()) == "café"

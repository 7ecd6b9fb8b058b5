"""Whatever the bytes: extraction takes bounded time, raises only its own errors, and returns only text of the page."""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

import encodings.aliases
import gzip
import json
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from transforms.errors import ContentTypeRejected, NewsbeamError, NoText, TooComplex
from transforms.fetch.content_types import check_bytes
from transforms.page.boilerplate import strip_boilerplate
from transforms.page.extract import extract
from transforms.page.judge.walk import SKIPPED, walk_page
from transforms.page.read.parse import decode_page, parse_page
from transforms.page.text import text_key
from transforms.records import Article, ArticleLink, FetchedPage

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"
LINK = ArticleLink(url="https://a.example/1", canonical_url="https://a.example/1", article_id="1", host="a.example")
STORY = "The council met on Tuesday evening to vote on the new harbour plan, which has been debated for two years. "


def try_extract(body: bytes, content_type: str = "text/html", url: str = LINK.url) -> tuple[Article, Article] | None:
    page = FetchedPage(LINK, url, content_type, body, datetime(2026, 3, 5, tzinfo=UTC))
    try:
        article = extract(page)
    except NewsbeamError:
        return None
    return article, strip_boilerplate(article)


def check_article(body: bytes, content_type: str = "text/html") -> None:
    result = try_extract(body, content_type)
    if result is None:
        return
    before, after = result
    tree = parse_page(body, content_type).tree
    there = [text_key("".join(tree.itertext()))]
    # a paragraph may continue after a script or something else that browsers do not show
    etree.strip_elements(tree, *SKIPPED, with_tail=False)
    there.append(text_key("".join(tree.itertext())))
    for block in before.blocks:
        assert any(text_key(block.text) in text for text in there)
    gone = {r.position for r in after.removed}
    assert len(after.blocks) + len(gone) == len(before.blocks)
    assert [b for i, b in enumerate(before.blocks) if i not in gone] == list(after.blocks)


TAGS = st.sampled_from(
    [
        "p",
        "div",
        "span",
        "a",
        "h1",
        "h2",
        "li",
        "ul",
        "table",
        "tr",
        "td",
        "article",
        "section",
        "figure",
        "figcaption",
        "blockquote",
        "br",
        "script",
        "style",
        "title",
        "meta",
        "b",
        "i",
        "noscript",
        "template",
        "svg",
        "iframe",
        "form",
        "button",
        "aside",
        "nav",
        "footer",
        "header",
        "main",
    ]
)
ATTRIBUTES = st.sampled_from(
    ["", ' class="article-body"', ' class="related"', ' id="comments"', ' style="display:none"', ' href="/x"',
     ' itemprop="author"', ' datetime="2026-03-04"', ' class="caption"', ' type="application/ld+json"', ' src="a.jpg"']
)  # fmt: skip
PIECES = st.one_of(
    st.builds("<{}{}>".format, TAGS, ATTRIBUTES),
    st.builds("</{}>".format, TAGS),
    st.sampled_from(
        [
            STORY,
            STORY * 3,
            "Read more",
            "Photo: dpa",
            "<![CDATA[",
            "<!--",
            "-->",
            "&nbsp;",
            "&#0;",
            "&#xD800;",
            "<",
            "\x00",
        ]
    ),
    st.text(max_size=20),
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=60))
def test_any_markup_is_an_article_or_rejected(pieces: list[str]) -> None:
    check_article("".join(pieces).encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=400),
    st.sampled_from(["text/html", "", "text/html; charset=utf-16", "text/html; charset=zlib", "x"]),
)
def test_any_bytes_are_an_article_or_rejected(body: bytes, content_type: str) -> None:
    check_article(body, content_type)
    text, charset = decode_page(body, content_type)
    assert isinstance(text, str)
    assert charset


@settings(deadline=None, max_examples=40)
@given(
    st.text(max_size=200),
    st.sampled_from(["http://[", "", "https://a.example/\udc80", "https://a.example:99999/", "x"]),
)
def test_any_url_is_accepted(text: str, url: str) -> None:
    body = f"<title>{text}</title><link rel=canonical href='http://['><meta property=og:image content='//['><article><p>{STORY}</p><img src='http://[x'>"
    try_extract(body.encode("utf-8", "surrogatepass"), url=url)


HOSTILE = {
    "deep divs": b"<div>" * 100_000 + STORY.encode(),
    "deep bold": b"<b>" * 100_000 + STORY.encode(),
    "deep lists": b"<ul><li>" * 50_000 + STORY.encode(),
    "open tables": b"<table><tr><td>" * 30_000 + STORY.encode(),
    "many paragraphs": ("<p>" + STORY + "</p>").encode() * 10_000,
    "many words": b"<p>" + STORY.encode() * 20_000,
    "one long word": b"<p>" + b"x" * 3_000_000,
    "many links": b'<p><a href="/a">News of the coast today</a></p>' * 20_000,
    "many images": b'<img src="a.jpg" alt="b">' * 30_000 + STORY.encode(),
    "angle brackets": b"<" * 1_000_000,
    "many classes": b'<p class="' + b"related-article-body " * 20_000 + b'">' + STORY.encode(),
    "many attributes": b"<p " + b"".join(b"data-a%d='x' " % n for n in range(5_000)) + b">" + STORY.encode(),
    "long title": b"<title>" + b"a | b - " * 50_000 + b"</title><p>" + STORY.encode(),
    "long byline": b"<meta name=author content='" + b"Ann Lee, " * 50_000 + b"'><p>" + STORY.encode(),
    "spaces": b"<p>" + b" " * 2_000_000 + STORY.encode(),
    "spaces in a caption": b"<figure><figcaption>Photo" + b" \t-" * 100_000 + b"</figcaption></figure><p>" + STORY.encode(),
    "many json nodes": b"<script type=application/ld+json>[" + b'{"@type":"NewsArticle"},' * 30_000 + b"{}]</script><p>" + STORY.encode(),
    "many breaks": (STORY + "<br><br>").encode() * 5_000,
    "many headings": b"<h1>Harbour plan</h1>" * 20_000 + STORY.encode(),
    "many dates": b"<time>4 March 2026</time>" * 20_000 + STORY.encode(),
    "entities": b"<p>" + b"&amp;" * 300_000,
    "consonants": b"<p>" + "ﷺ̈".encode() * 200_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_take_bounded_time(name: str) -> None:
    start = time.process_time()
    try_extract(HOSTILE[name])
    assert time.process_time() - start < 6


@pytest.mark.skipif(not CORPUS.exists(), reason="needs the corpus")
def test_pages_of_the_corpus_are_articles_and_contain_only_their_own_text() -> None:
    rows = [json.loads(line) for line in (CORPUS / "manifest.jsonl").read_text().splitlines()][::9]
    for row in rows:
        body = gzip.decompress((CORPUS / row["html"]).read_bytes())
        result = try_extract(body, url=row["url"])
        assert result is not None, row["id"]
        assert result[1].title
        assert result[1].paragraphs
        check_article(body)


def test_the_walk_takes_bounded_time() -> None:
    with pytest.raises(TooComplex):
        walk_page(parse_page(b"<p>x</p>" * 20_000, "text/html").tree)


WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
CHINESE = "议会周二晚上开会，就讨论了两年的新港口计划进行表决。"
# every name that Python knows, and what is no charset of text: these must not be chosen by a server
LABELS = sorted({*encodings.aliases.aliases.values(), "punycode", "idna", "rot13", "undefined",
                 "raw_unicode_escape", "unicode_escape", "mbcs", "oem", "utf_7", "palmos", "nothing", "utf-8;", "'"})  # fmt: skip


@pytest.mark.parametrize("charset", WIDE)
@pytest.mark.parametrize(
    "start", ["<!DOCTYPE html><html>", "\r\n\t <html lang=zh>", "<p>", "<!-- x --><title>Ünï</title>"]
)
@pytest.mark.parametrize("content_type", ["text/html", "text/html; charset=utf-16", "text/html; charset=utf-8"])
def test_wide_charsets_are_read_without_a_mark(charset: str, start: str, content_type: str) -> None:
    text = start + f"<p>{STORY}</p><p>{CHINESE}</p>" * 20
    read, found = decode_page(text.encode(charset), content_type)
    # what begins with three zero bytes may be a film
    if charset != "utf-32-be":
        parse_page(text.encode(charset), content_type)
    assert (read, found) == (text, charset)


@pytest.mark.parametrize("charset", WIDE)
def test_chinese_pages_in_a_wide_charset_are_read(charset: str) -> None:
    text = f"<html><head><title>{CHINESE}</title></head><body><p>{CHINESE * 40}"
    assert decode_page(text.encode(charset), "text/html") == (text, charset)


def test_no_label_raises_or_takes_long() -> None:
    noise = random.Random(1).randbytes(20_000)
    page = f"<p>{STORY}é</p>".encode("latin-1") * 100
    for label in LABELS:
        start = time.process_time()
        for body in (noise, page, f'<meta charset="{label}">'.encode() + page, b"\xff" * 20_000, b"\x1b$B" * 9_000):
            text, _ = decode_page(body, f"text/html; charset={label}")
            assert isinstance(text, str)
        assert time.process_time() - start < 1, label
        assert try_extract(page[:800], f"text/html; charset={label}") is not None or label.startswith(
            ("utf", "u1", "u3")
        )


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0), st.sampled_from([50, 1_000, 30_000]), st.sampled_from(["text/html", "", "application/xhtml+xml"])
)
def test_noise_is_no_article(seed: int, size: int, content_type: str) -> None:
    body = random.Random(seed).randbytes(size)
    with pytest.raises((ContentTypeRejected, NoText)):
        extract(FetchedPage(LINK, LINK.url, content_type, body, datetime(2026, 3, 5, tzinfo=UTC)))


@pytest.mark.parametrize(
    "start", [b"", b"<html><p>" + STORY.encode() * 30, b"ID3\x04", b"MZ\x90\x00", b"\x7fELF\x02\x01\x01", b"wOF2"]
)
def test_large_binary_bodies_are_refused_at_once(start: bytes) -> None:
    body = start + random.Random(1).randbytes(10_000_000 - len(start))
    began = time.process_time()
    with pytest.raises(ContentTypeRejected):
        extract(FetchedPage(LINK, LINK.url, "text/html", body, datetime(2026, 3, 5, tzinfo=UTC)))
    with pytest.raises(ContentTypeRejected):
        check_bytes("text/html", body)
    assert time.process_time() - began < 0.5


def test_a_stray_control_character_is_no_binary_body() -> None:
    body = f"<article><p>{STORY}\x00</p><p>{STORY * 3}\x0b\x1b</p></article>".encode()
    check_bytes("text/html", body)
    assert try_extract(body) is not None


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60), st.sampled_from(["utf-8", *WIDE, "utf-8-sig", "utf-16", "utf-32", "cp1252", "gb18030", "shift_jis", "big5"]),
       st.sampled_from([*WIDE, "utf-8", "latin-1", "gbk"]))  # fmt: skip
def test_any_text_in_any_charset_is_read_or_refused(text: str, charset: str, label: str) -> None:
    body = f"<html><body><p>{text}</p><p>{STORY * 3}</p>".encode(charset, "replace")
    check_article(body, f"text/html; charset={label}")
    for cut in (1, 2, 3, 5):
        check_article(body[cut:], f"text/html; charset={label}")

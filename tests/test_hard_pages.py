"""Pages that are made to take long are read within seconds, or refused as too complex with the bound that they pass."""

# ruff: noqa: E501, UP031  lines of markup are data, and braces are part of JSON

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest
from hardpages import ARTICLE, PAGES, STORY
from hypothesis import given, settings
from hypothesis import strategies as st
from test_extract_any_bytes import LINK

from transforms.errors import NewsbeamError, TooComplex
from transforms.page.boilerplate import strip_boilerplate
from transforms.page.extract import extract
from transforms.page.judge import walk
from transforms.page.judge.pictures import _find_owner
from transforms.page.judge.walk import Frame, Picture
from transforms.page.read.authors import AUTHOR_LINK
from transforms.page.read.metadata import read_metadata
from transforms.page.read.parse import parse_page
from transforms.page.read.titles import _shared_tail
from transforms.page.text import UNSPACED, count_words, text_key
from transforms.records import Article, FetchedPage

LONGEST_S = 2.0


def read(markup: str) -> Article:
    page = FetchedPage(LINK, LINK.url, "text/html", markup.encode(), datetime(2026, 3, 5, tzinfo=UTC))
    return strip_boilerplate(extract(page))


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """Load the model and trafilatura, which is not the fault of any page."""
    read(ARTICLE)
    with pytest.raises(NewsbeamError):
        read("<p>x")


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_no_page_takes_long(name: str) -> None:
    markup = PAGES[name]()
    assert len(markup.encode()) <= 10_000_000
    start = time.process_time()
    try:
        article: Article | None = read(markup)
    except NewsbeamError:
        article = None
    assert time.process_time() - start < LONGEST_S
    if article is not None:
        assert len(article.title) <= 4_000


BOUNDS = {
    "tags": ("100,025 tags", lambda: "<x>" * 100_001),
    "attributes": ("more than 60,000 attributes", lambda: "<div a b c d e f g h i j k l=m>x</div>" * 5_500),
    "attributes of a large page": ("more than 60,000 attributes", lambda: f"<img {' '.join(f'a{n}=x' for n in range(100))}>" * 3_000),
    "attributes of one element": ("<p> has 20,000 attributes", lambda: f"<p {' '.join(f'a{n}=x' for n in range(20_000))}>"),
    "depth": ("256 deep", lambda: "<div>" * 300),
    "blocks": ("6,000 blocks", lambda: "<p>x</p>" * 6_001),
    "text": ("2,000,000 characters of text", lambda: f"<p>{'word ' * 400_001}</p>"),
    "names": ("500,000 characters in the names", lambda: "".join(f"<i class={n}></i><div class='{n:0300}'>x</div>" for n in range(1_700))),
}  # fmt: skip


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_page_past_a_bound_is_too_complex_and_says_which(bound: str) -> None:
    said, make = BOUNDS[bound]
    with pytest.raises(TooComplex, match=said):
        read(make() + ARTICLE)


@pytest.mark.parametrize(
    "large",
    [
        "<br>" * 45_000,
        "<img a b c d e f=g h=i>" * 7_000,
        f"<p {' '.join(f'a{n}=x' for n in range(1_900))}></p>",
        "<div>" * 200 + "</div>" * 200,
        "<nav>" + "<p>x</p>" * 5_000 + "</nav>",
        "".join(f"<div id=a{n}></div>" for n in range(20_000)),
        f"<script>{'var x = 1; ' * 900_000}</script>",
        f"<STYLE>{'a { b: c } ' * 600_000}</STYLE><script type=x>{'var é = 1; ' * 100_000}</script>",
    ],
    ids=["elements", "attributes", "attributes of one element", "depth", "blocks", "names", "script", "style"],
)
def test_a_page_within_the_bounds_is_read(large: str) -> None:
    assert len(read(large + ARTICLE).paragraphs) == 8


@pytest.mark.parametrize("depth", [3, 60, 700, 900, 5_000, 200_000])
@pytest.mark.parametrize(("before", "after"), [('{"name":', "}"), ("[", "]"), ('{"@graph":[', "]}"), ('{"url":', "}")])
@pytest.mark.parametrize("name", ["headline", "author", "publisher", "image", "articleSection", "keywords", "@type"])
def test_linked_data_may_be_nested_deep(name: str, before: str, after: str, depth: int) -> None:
    json = '{"@type":"NewsArticle","%s":' % name + before * depth + '"x"' + after * depth + ',"inLanguage":"de"}'
    article = read(f'<script type="application/ld+json">{json}</script>{ARTICLE}')
    assert article.title == (
        "x" if name == "headline" and depth == 3 and "@graph" not in before else "The harbour plan"
    )
    assert len(article.paragraphs) == 8
    # Python's own reader of JSON gives up somewhere below a thousand
    assert article.language == ("de" if depth < 100 and name != "@type" else article.language)


@pytest.mark.parametrize("srcset", ["a.jpg 1x, ", ",", " , ,", ", a.jpg", "b.jpg 1x, a.jpg 2x,", "a.jpg"])
def test_a_srcset_may_end_in_a_comma(srcset: str) -> None:
    pictures = walk.walk_page(parse_page(f"<p><img srcset='{srcset}'></p>".encode(), "text/html").tree).pictures
    assert [picture.url for picture in pictures] == (["a.jpg"] if "a" in srcset else [])


def test_a_long_title_is_cut() -> None:
    tree = parse_page(f"<title>{'harbour ' * 10_000}</title><h1>{'harbour ' * 10_000}</h1>".encode(), "").tree
    assert len(read_metadata(tree, LINK.url).title) <= 4_000


WORDS = st.text(st.sampled_from("ab -:|/ßİ–"), max_size=40)


@settings(max_examples=500)
@given(WORDS, WORDS, WORDS)
def test_the_shared_tail_of_two_titles_is_what_comparing_all_tails_finds(one: str, other: str, tail: str) -> None:
    def compare_all(first: str, second: str) -> str:
        for text, against in ((first, second), (second, first)):
            for match in re.finditer(r"(?<=[:\-–—|/])\s+", text):
                end = text[match.end() :]
                if len(end.split()) >= 3 and text_key(against).endswith(text_key(end)):
                    return end
        return ""

    assert _shared_tail(one + tail, other + tail) == compare_all(one + tail, other + tail)


@given(st.text(st.sampled_from("a é한日ไ。")))
def test_words_of_scripts_without_spaces_are_counted_by_character(text: str) -> None:
    assert count_words(text) == len(text.split()) + len(UNSPACED.findall(text)) // 2


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans())), st.integers(0, 12))
def test_the_picture_of_a_caption_is_the_nearest(given_: list[tuple[int, bool]], at: int) -> None:
    frame = Frame(None, "p", "p", 0, [])
    pictures = [Picture("u" * there, "", position, frame) for position, there in sorted(given_)]
    owner = next((p for p in reversed(pictures) if at - 4 <= p.position <= at and p.url), None)
    owner = owner or next((p for p in pictures if at < p.position <= at + 2 and p.url), None)
    assert _find_owner([p for p in pictures if p.url], at) is owner


@given(st.text(st.sampled_from("aZ0/%.-! "), max_size=12))
def test_links_to_authors_are_those_with_a_letter_in_the_last_part(path: str) -> None:
    before = re.search(r"/author/(?:name/)?[\w%.-]*[a-z][\w%.-]*/?$", f"/author/{path}")
    assert (AUTHOR_LINK.search(f"/author/{path}") is None) == (before is None)


def test_the_story_of_the_pages_is_read() -> None:
    """The pages of this test would prove little if their article were not found at all."""
    assert read(ARTICLE).paragraphs[0] == f"0 {(STORY * 3).strip()}"

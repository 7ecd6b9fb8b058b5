"""The language of an article is that of its body, and no model of another language ever reads it."""

from __future__ import annotations

import importlib
import pickle
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import structlog
from newsworld.stories import STORIES

from pipeline.config import Config
from pipeline.graph import reading
from pipeline.graph.reading import ReadPage, say_what_is_missing
from transforms.entities.models import model_to_install
from transforms.language import LanguageDetector, detect_language, read_language, read_tag, split_windows
from transforms.page.extract import extract
from transforms.records import Article, ArticleLink, Block, BlockKind, FeedEntry, FetchedPage
from transforms.urls import link_of

# the first four are of no story of tests/newsworld
ZULU = (
    "Uhulumeni umemezele ngoLwesibili ukuthi intela yekhofi izokwehliswa ngonyaka ozayo. Abantu abaningi eThekwini"
    " bajabule ngalesi sinqumo, kodwa abanye bathi akwanele. UMengameli uCyril Ramaphosa uthe umthetho omusha"
    " uzosiza imindeni ehluphekayo, futhi uzoqala ukusebenza ngenyanga kaMasingana."
)
BOKMAL = (
    "Regjeringen la tirsdag fram et forslag om å senke avgiften på kaffe fra neste år. Statsministeren sa at hun ikke"
    " visste hva det ville koste, men at barna og foreldrene deres kom til å merke det. I Bergen ble nyheten tatt godt"
    " imot av dem som driver kafeer."
)
PORTUGUESE = (
    "O governo anunciou na terça-feira que o imposto sobre o café será reduzido no próximo ano. Em São Paulo, os donos"
    " das padarias receberam a notícia com alegria, mas os produtores de Minas Gerais dizem que não muda nada."
)
YIDDISH = (
    "דער פרעזידענט האט געזאגט אז די רעגירונג וועט היינט באשליסן וועגן דעם נייעם געזעץ, און אז די מענטשן דארפן ווארטן."
)
ENGLISH = (
    "The government said on Tuesday that it would lower the tax on coffee next year. In Dublin, Orla Whelan of the"
    " European Commission welcomed the news, and so did those who own a café, but the growers say that it changes"
    " nothing for them."
)
GERMAN = " ".join(story for story in next(s for s in STORIES if s.language == "de").paragraphs)


def page(body: str, head: str = "", language: str = "", feed: str = "") -> FetchedPage:
    url = "https://news.example/a"
    html = f"""<!doctype html><html{f' lang="{language}"' if language else ""}><head><meta charset="utf-8">
    <title>One</title><meta property="og:type" content="article">{head}</head>
    <body><article><h1>One</h1>{"".join(f"<p>{part}</p>" for part in [body] * 3)}</article></body></html>"""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return FetchedPage(link_of(FeedEntry(url, language=feed), "", now), url, "text/html", html.encode(), now)


def read(page: FetchedPage) -> Article:
    return ReadPage(Config())(page)


# -- what reaches the model for entities


@pytest.mark.parametrize(("body", "language"), [(GERMAN, "de"), (ZULU, "zu")])
def test_a_page_that_claims_english_and_is_in_another_language_gets_no_english_entities(
    body: str, language: str
) -> None:
    article = read(page(body, '<meta property="og:locale" content="en_US">', "en-US"))
    assert (article.language, article.entities, article.entity_model) == (language, (), "")
    assert (article.language_tag, article.sources["language"]) == ("en-US", "text")


@pytest.mark.parametrize("language", ["", "de", "x-klingon"])
def test_an_english_page_gets_english_entities_whatever_it_claims(language: str) -> None:
    article = read(page(ENGLISH, language=language))
    assert article.language == "en"
    assert {"Dublin", "Orla Whelan", "European Commission"} <= {entity.name for entity in article.entities}


def test_numbers_and_code_are_in_no_language_and_get_no_entities() -> None:
    numbers = "03 - 12 - 17 - 22 - 41 - 49<br>5 8 19 23 44 48 Z 7 S 3<br>2026-01-01 100,000 200,000 3.5 %<br>" * 4
    code = "d41d8cd98f00b204e9800998ecf8427e 0xDEADBEEF a3f5c1 99be77 " * 8
    for body in (numbers, code):
        article = read(page(body, language="en"))
        assert (article.language, article.entity_model) == ("", "")
        assert "language" not in article.sources and article.sources["language_tag"] == "html lang"


# -- the page's word tips the scales where the text leaves it open


@pytest.mark.parametrize(
    ("text", "tag", "language", "is_claimed"),
    [
        ("Nein danke!", "de-AT", "de", True),
        ("Ok, super!", "fr", "fr", True),
        ("Nein danke!", "", "", False),
        (GERMAN, "en", "de", False),
        # the page's word for a part of a language, and no regions
        (BOKMAL, "", "no", False),
        (BOKMAL, "nb-NO", "nb", False),
        (BOKMAL, "no", "no", False),
        (PORTUGUESE, "pt-BR", "pt", False),
        (PORTUGUESE, "es", "pt", False),
        # a language that the detector does not know and takes for another one
        (YIDDISH, "yi", "yi", False),
        (ENGLISH, "yi", "en", False),
        ("", "en", "", False),
    ],
)
def test_the_word_of_the_page(text: str, tag: str, language: str, is_claimed: bool) -> None:
    found = detect_language(text, tag)
    assert (found.language, found.is_claimed) == (language, is_claimed)


def test_a_page_in_two_languages_is_in_the_one_that_most_of_it_is_in() -> None:
    german, english = [GERMAN] * 2, [ENGLISH] * 2
    for parts in (english + 5 * german, 5 * german + english, 3 * german + english + 2 * german):
        assert detect_language("\n\n".join(parts), "en").language == "de"
    assert detect_language("\n\n".join(5 * english + german), "de").language == "en"


def test_dozens_of_languages_are_told_from_a_few_sentences() -> None:
    """spaCy has example sentences in many languages; joined, they have as few as 300 characters."""
    codes = (
        "am ar bg bn ca cs da de el en es eu fa fi fr he hi hr hu hy id it ja ko lt nb ne nl pl pt ro ru sk sl sq sr sv"
    )
    wrong = {}
    for code in codes.split():
        text = "\n\n".join(importlib.import_module(f"spacy.lang.{code}.examples").sentences)
        found = detect_language(text, "").language
        if found != {"nb": "no"}.get(code, code):
            wrong[code] = found
    assert wrong == {}


def test_the_feeds_tag_is_used_where_the_page_has_none() -> None:
    given = page(GERMAN, feed="de_CH")
    article = LanguageDetector()(replace(extract(given), blocks=(Block(BlockKind.PARAGRAPH, "Nein danke!"),)))
    assert (article.language, article.language_tag) == ("de", "de-CH")
    assert (article.sources["language"], article.sources["language_tag"]) == ("feed", "feed")


# -- details


def test_no_more_than_eight_windows_are_read_of_any_body() -> None:
    assert list(split_windows("")) == []
    assert [len(part) for part in split_windows("x" * 600)] == [250, 250, 100]
    parts = list(split_windows("".join(map(chr, range(0x4E00, 0x4E00 + 20_000)))))
    assert [len(part) for part in parts] == [250] * 8
    assert (parts[0][0], parts[-1][-1]) == (chr(0x4E00), chr(0x4E00 + 19_999))


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("en", "en"),
        (" pt_BR ", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("en, de", "en"),
        ("de_DE.UTF-8", "de-DE"),
        ("English", ""),
        ("x-klingon", ""),
        ("{{ lang }}", ""),
        ("", ""),
    ],
)
def test_tags_are_read_as_they_are_spelled(text: str, tag: str) -> None:
    assert read_tag(text) == tag


def test_codes_that_stand_for_others() -> None:
    assert [read_language(code) for code in ("iw", "cn", "eng", "EN-us", "nb_NO")] == ["he", "zh", "en", "en", "nb"]


def test_it_is_pickled_without_its_model() -> None:
    assert len(pickle.dumps(LanguageDetector())) < 200


# -- what is missing


def article_in(language: str, model: str = "") -> Article:
    link = ArticleLink("https://news.example/a", "https://news.example/a", "1", "news.example")
    blocks = (Block(BlockKind.PARAGRAPH, "x"),)
    return Article(link, link.url, language=language, blocks=blocks, entity_model=model)


def test_what_to_install_is_said_once_for_each_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_said", set())
    with structlog.testing.capture_logs() as said:
        for language in ("de", "nb", "de", "sw", "sw", "", "zh"):
            say_what_is_missing(article_in(language))
        say_what_is_missing(article_in("fr", model="fr_core_news_sm"))
    assert [(line["log_level"], line["language"], line.get("install")) for line in said] == [
        ("warning", "de", "python -m spacy download de_core_news_sm"),
        ("warning", "nb", "python -m spacy download nb_core_news_sm"),
        ("warning", "sw", None),
        ("warning", "zh", "python -m spacy download zh_core_web_sm"),
    ]
    assert "spaCy has no model" in said[2]["event"]


def test_only_models_of_spacy_are_named() -> None:
    """The table of compatibility of spaCy 3.8 has a small model for these and no others."""
    codes = "ca da de el en es fi fr hr it ja ko lt mk nb nl pl pt ro ru sl sv uk zh"
    table = codes.split()
    named = {code: model_to_install(code) for code in [*table, "no", "nn", "sw", "zu", "tr", "ar", "xx", ""]}
    assert {code for code, name in named.items() if name} == {*table, "no"}
    assert {name.partition("_")[2] for name in named.values()} == {"core_news_sm", "core_web_sm", ""}
    assert (named["no"], named["en"]) == ("nb_core_news_sm", "en_core_web_sm")

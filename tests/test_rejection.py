"""Which pages are taken for something else than an article: section fronts, search results, consent walls, soft 404s.

A page with prose (60 words in paragraphs of 15 or more) is an article, whatever surrounds it.
"""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

import pytest
from test_extract import STORY, URL, extract_body, make_page

from transforms.errors import NotAnArticle
from transforms.page.extract import extract

HEADLINES = "".join(
    f"<li><a href='/n/{n}'>The council meets for the {n}th time about the new harbour</a></li>" for n in range(45)
)
MENU = f"<div class=latest><ul>{HEADLINES}</ul></div>"
TEXTS = {
    "en": ("Harbour plan approved", STORY),
    "zh": (
        "港口计划获批",
        (
            "市议会周二晚间开会，就居民讨论了两年的新港口计划进行表决，多数议员投了赞成票，只有三名议员反对。",
            "市长王丽在会后表示，首批船只将于三月抵达，渡轮公司已经签署租约，工程将耗资四千万元。",
            "以环保组织为首的反对者表示，他们将在月底前向地区法院提出上诉，要求停止在海湾施工。",
        ),
    ),
    "ko": (
        "항만 계획 승인",
        (
            "시의회는 화요일 저녁 회의를 열어 주민들이 2년 동안 논의해 온 새 항만 계획을 표결에 부쳤다.",
            "김민수 시장은 첫 배가 3월에 들어올 것이며 여객선 회사가 이미 임대 계약에 서명했다고 말했다.",
            "환경단체를 중심으로 한 반대 측은 이달 말까지 지방법원에 항소하겠다고 밝혔다.",
        ),
    ),
    "th": (
        "อนุมัติแผนท่าเรือ",
        (
            "สภาเมืองประชุมเมื่อเย็นวันอังคารเพื่อลงคะแนนเสียงแผนท่าเรือใหม่ซึ่งชาวบ้านถกเถียงกันมาสองปีแล้ว",
            "นายกเทศมนตรีกล่าวว่าเรือลำแรกจะมาถึงในเดือนมีนาคม และบริษัทเรือข้ามฟากได้ลงนามในสัญญาเช่าแล้ว",
            "ฝ่ายคัดค้านนำโดยกลุ่มอนุรักษ์กล่าวว่าจะยื่นอุทธรณ์ต่อศาลภูมิภาคก่อนสิ้นเดือนนี้",
        ),
    ),
}


def page(title: str, texts: tuple[str, ...], rest: str = "") -> str:
    story = "".join(f"<p>{text}</p>" for text in texts)
    return f"<title>{title}</title><body>{MENU}<article><h1>{title}</h1>{story}</article>{rest}{MENU}</body>"


@pytest.mark.parametrize(
    "url",
    [URL, "https://courier.example/", "https://courier.example/search/a?q=quay", "https://courier.example/?s=1"],
)
@pytest.mark.parametrize("language", TEXTS)
def test_an_article_among_many_headlines_is_kept(language: str, url: str) -> None:
    title, texts = TEXTS[language]
    article = extract_body(page(title, texts), url=url)
    assert tuple(article.paragraphs) == texts


@pytest.mark.parametrize(
    "title",
    ["Search for the missing ferry goes on", "Page not found: the lost chapters of Ellery", "Boeing 404 grounded", "404 not found", "Privacy for sale"],
)  # fmt: skip
def test_an_article_is_kept_whatever_its_title(title: str) -> None:
    texts = (f"{STORY[0]} Nobody asked for consent.", *STORY[1:])
    article = extract_body(page(title, texts), url="https://courier.example/search/7?q=quay")
    assert tuple(article.paragraphs) == texts


def test_an_article_about_cookies_without_a_date_is_kept() -> None:
    texts = tuple(f"{text} The law bans cookies that are set without consent." for text in STORY)
    article = extract_body(page("Cookies banned", texts))
    assert tuple(article.paragraphs) == texts


WALL = (
    "We and our 812 partners store cookies on your device and process personal data such as unique identifiers and browsing behaviour.",
    "With your consent we may use precise location data. You can withdraw your consent at any time on the page about privacy.",
    "Some of our partners do not ask for your consent, and rely on their legitimate interest instead. You can object to that.",
    "Your choice applies to this site only. Cookies that are needed to run the site cannot be switched off.",
)


@pytest.mark.parametrize(
    ("url", "title", "texts", "reason"),
    [
        ("https://courier.example/", "Ellery Courier", ("News from the coast, every day of the week and at any hour.",), "section front"),
        ("https://courier.example/sport", "Sport", ("All the sport of the coast in one place, and the results of the lower leagues on Mondays.",), "section front"),
        ("https://courier.example/search?q=quay", "Search results for quay", ("We found thirty articles with the word quay; the newest come first.",), "search result"),
        ("https://courier.example/suche?q=kai", "Suchergebnis", ("Wir haben dreißig Artikel mit diesem Wort gefunden.",), "search result"),
        (URL, "Page not found", ("We could not find the page that you asked for.", "It may have moved, or the address may be wrong; try the search or the front page.", "You can also write to us and tell us which link was broken."), "soft 404"),
        (URL, "ページが見つかりません", ("お探しのページは移動したか、削除された可能性があります。",), "soft 404"),
        (URL, "Before you continue", WALL, "consent wall"),
    ],
)  # fmt: skip
def test_other_pages_are_rejected(url: str, title: str, texts: tuple[str, ...], reason: str) -> None:
    with pytest.raises(NotAnArticle) as caught:
        extract(make_page(page(title, texts), url=url))
    assert caught.value.reason == reason


def test_a_list_of_teasers_is_a_section_front() -> None:
    teasers = "".join(
        f"<div class=teaser><h2><a href='/n/{n}'>The council meets for the {n}th time about the harbour</a></h2><p>A short line about it.</p></div>"
        for n in range(30)
    )
    for head in ("", '<script type=\'application/ld+json\'>{"@type":"CollectionPage"}</script>'):
        with pytest.raises(NotAnArticle) as caught:
            extract(make_page(f"<title>Sport</title>{head}<main>{teasers}</main>", url="https://courier.example/sport"))
        assert caught.value.reason == "section front"

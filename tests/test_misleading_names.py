"""Text that names of elements, dialogs, tables for layout and short lines must not take away, or that is not body."""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

import pytest
from test_extract import STORY, extract_body

from transforms.page.judge.cues import CUES
from transforms.page.judge.features import COLUMN, PageFacts, measure_blocks
from transforms.page.judge.layout import find_layout
from transforms.page.judge.walk import walk_page
from transforms.page.read.parse import parse_page
from transforms.records import BlockKind

LONG = (
    *STORY,
    "The work is expected to cost eleven million, of which the region pays a third; the rest comes from a loan.",
    "Traders said they would decide next week whether to accept the offer of free stalls in the old customs house.",
    "Fishermen will land their catch at the western basin instead, where the town has promised new cold stores.",
)
TITLE = "Harbour plan approved"
HEAD = f"<title>{TITLE}</title><body><ul class=menu><li><a href=/>Home</a><li><a href=/n>News</a></ul>"
FOOT = "<footer><p>© 2026 Ellery Courier. All rights reserved.</p></footer>"


def page(story: str, before: str = "", after: str = "") -> str:
    return f"<!doctype html>{HEAD}{before}<main><h1>{TITLE}</h1>{story}</main>{after}{FOOT}"


def paragraphs(texts: tuple[str, ...] = LONG, attributes: str = "") -> str:
    return "".join(f"<p{attributes}>{text}</p>" for text in texts)


# enough for trafilatura not to be asked
OTHERS = tuple(
    f"{text} It was the {n}th time that they had met about it, and not the last." for n, text in enumerate(STORY * 2, 5)
)


@pytest.mark.parametrize(
    "name", ["caption", "byline", "author-bio", "embed", "ad-free", "promo", "pull-quote", "related", "share", "legal", "tags"]
)  # fmt: skip
def test_a_name_that_most_paragraphs_have_removes_none(name: str) -> None:
    named = tuple(f"{text} {OTHERS[n % 6]}" for n, text in enumerate(LONG))
    each = "".join(f"<div class={name}><p>{text}</p></div>" for text in named)
    thirds = "".join(f"<div class={name}>{paragraphs(named[n : n + 2])}</div>" for n in (0, 2, 4))
    for story in (each, thirds, paragraphs(named, f" class={name}"), f"<div class={name}>{paragraphs(named)}</div>"):
        article = extract_body(page(paragraphs(OTHERS) + story))
        assert tuple(article.paragraphs) == (*OTHERS, *named)


@pytest.mark.parametrize("name", ["w-embed", "caption", "ad-text", "paywall-promo"])
def test_features_do_not_believe_a_name_that_holds_most_of_the_text(name: str) -> None:
    cues = [COLUMN[f"inside:{cue}"] for cue in CUES if cue not in ("body", "article")]
    for count, believed in ((len(LONG), False), (1, True)):
        story = "".join(f"<div class={name}><p>{text}</p></div>" for text in LONG[:count]) + paragraphs(LONG[count:])
        walk = walk_page(parse_page(page(story).encode()).tree)
        features = measure_blocks(walk, PageFacts((TITLE,)), find_layout(walk, (TITLE,)))
        told = [i for i, block in enumerate(walk.blocks) if block.text in LONG]
        assert len(told) == len(LONG) and features[told][:, cues].any() == believed


def test_comments_in_name_only_are_the_article() -> None:
    for story in (
        "".join(f"<div class=comments-open><p>{text}</p></div>" for text in LONG),
        f"<div class=comments>{paragraphs()}</div>",
    ):
        assert tuple(extract_body(page(story)).paragraphs) == LONG


@pytest.mark.parametrize("tag", ["figure", "form", "nav", "blockquote", "aside", "footer"])
def test_a_tag_around_most_paragraphs_removes_none(tag: str) -> None:
    named = tuple(f"{text} {OTHERS[n % 6]}" for n, text in enumerate(LONG))
    for story in (f"<{tag}>{paragraphs(named)}</{tag}>", "".join(f"<{tag}><p>{text}</p></{tag}>" for text in named)):
        assert tuple(extract_body(page(paragraphs(OTHERS) + story)).paragraphs) == (*OTHERS, *named)


def test_a_quote_in_a_figure_is_no_caption() -> None:
    quotes = [f"We have waited {n} years for somebody to look under that quay, and now we know why nobody did. It would have cost us half of what it costs now." for n in (10, 20)]  # fmt: skip
    figures = [f"<figure><blockquote><p>{quote}</p></blockquote><figcaption>Ana Duarte, mayor</figcaption></figure>" for quote in quotes]  # fmt: skip
    article = extract_body(page(paragraphs(LONG[:3]) + figures[0] + paragraphs(LONG[3:5]) + figures[1] + paragraphs(LONG[5:])))  # fmt: skip
    assert tuple(article.paragraphs) == (*LONG[:3], quotes[0], *LONG[3:5], quotes[1], *LONG[5:])
    assert {block.reason for block in article.removed if block.text.startswith("Ana Duarte")} == {"caption"}


def test_captions_and_comments_are_still_removed() -> None:
    figure = "<figure><img src=a.jpg><figcaption>The quay at low tide on a morning in the spring of this year.</figcaption></figure>"
    thread = "".join(
        f"<div class=comment><b>reader{n}</b><p>I have lived beside this harbour for {n} years, and nobody ever asked me about it. {text}</p><a href=#>Reply</a></div>"
        for n, text in enumerate(LONG * 2, 11)
    )
    for texts in (LONG, LONG[:2]):
        story = f"<div class=text>{figure}{paragraphs(texts)}</div><div class=comments><h3>Comments</h3>{thread}</div>"
        assert tuple(extract_body(page(story)).paragraphs) == texts


CONSENT = "".join(
    f"<p>{text}</p>"
    for text in (
        "We and our partners store cookies on your device and process personal data such as unique identifiers and browsing behaviour.",
        "With your consent we may use precise location data and identification through device scanning, as described in the privacy policy.",
        "Some partners do not ask for your consent and rely on their legitimate business interest instead; you can object to that at any time.",
        "Your preferences apply to this website only. You can change them whenever you come back, by clicking on the button at the bottom.",
        "Strictly necessary cookies are needed for the website to function and cannot be switched off in our systems by anybody.",
        "Performance cookies allow us to count visits and sources of traffic, so that we can measure and improve how our site performs.",
        "Functional cookies enable the website to provide enhanced functionality and personalisation, and may be set by us or by others.",
        "Targeting cookies may be set through our site by our advertising partners, who build a profile of your interests from them.",
    )
)
SIGN_UP = (
    "<h2>Join us</h2><p>Sign up to our newsletter and get the best stories of the coast in your inbox every morning at seven.</p>"
    "<p>By signing up you agree to our terms of service and confirm that you have read how we use what you tell us.</p>"
)
DIALOGS = ["<dialog open>{}</dialog>", "<div role=dialog>{}</div>", "<div role=alertdialog>{}</div>", "<section aria-modal=true>{}</section>", "<div class='modal fade'><div class=modal-body>{}</div></div>"]  # fmt: skip


@pytest.mark.parametrize("dialog", DIALOGS)
def test_a_dialog_over_the_article_is_not_the_article(dialog: str) -> None:
    for text in (CONSENT, SIGN_UP):
        for story in (paragraphs(), f"<div>{paragraphs()}</div>"):
            over = dialog.format(text)
            for markup in (page(story, before=over), page(story, after=over), page(story + over)):
                article = extract_body(markup)
                assert tuple(article.paragraphs) == LONG
    inside = extract_body(page(paragraphs(LONG[:4]) + dialog.format(SIGN_UP) + paragraphs(LONG[4:])))
    assert [block.rule for block in inside.removed if block.text.startswith("Sign up")] == [
        "in a dialog, or behind one"
    ]


TEASERS = "".join(
    f"<div class=teaser><h3><a href=/n/{n}>The ferry is late for the {n}th time</a></h3><p>The ferry from the island came in {n} minutes late again, and nobody at the company would say why.</p></div>"
    for n in range(3, 12)
)


@pytest.mark.parametrize("dialog", DIALOGS)
@pytest.mark.parametrize("behind", ["", TEASERS])
def test_an_article_in_a_dialog_is_kept(dialog: str, behind: str) -> None:
    article = extract_body(f"{HEAD}{behind}{dialog.format(f'<h1>{TITLE}</h1>{paragraphs()}')}{FOOT}")
    assert tuple(article.paragraphs) == LONG


def test_a_table_for_layout_holds_paragraphs() -> None:
    cell = "<br><br>".join(LONG)
    table = f"<table width=760><tr><td>{cell}</td></tr></table>"
    assert tuple(extract_body(page(table)).paragraphs) == LONG
    rows = "".join(f"<tr><td>{text}</td></tr>" for text in LONG)
    assert tuple(extract_body(page(f"<table>{rows}</table>")).paragraphs) == LONG
    data = "".join(f"<tr><td>Ships in {year}</td><td>{year - 700}</td></tr>" for year in range(2000, 2010))
    article = extract_body(page(f"{paragraphs()}<table>{data}</table>"))
    assert tuple(article.paragraphs) == LONG
    assert BlockKind.TABLE in {block.reason for block in article.removed}


SHORT = {
    "en": "The council met on Tuesday.|Ships will arrive in March.|Opponents said they would appeal.|The work takes three years.|Nobody spoke against it.|The ferry company signed.",
    "ko": "시의회는 화요일에 회의를 열었다.|첫 배는 3월에 들어온다.|반대 측은 항소하겠다고 밝혔다.|공사에는 3년이 걸린다.|예산에 반대한 사람은 없었다.|여객선 회사는 계약에 서명했다.",
    "zh": "市议会周二晚间开会。|船只将于三月抵达。|反对者表示将上诉。|工程历时三年完成。|无人反对这项预算。|渡轮公司已经签约。",
    "ja": "市議会は火曜日に開かれた。|船は三月に到着する。|反対派は控訴すると述べた。|工事は三年かかる。|予算に反対はなかった。|フェリー会社は署名した。",
    "th": "สภาเมืองประชุมวันอังคาร|เรือจะมาถึงในเดือนมีนาคม|ฝ่ายคัดค้านจะยื่นอุทธรณ์|งานใช้เวลาสามปีเต็ม|ไม่มีใครคัดค้านงบประมาณ|บริษัทเรือลงนามแล้ว",
    "ar": "اجتمع المجلس مساء الثلاثاء.|ستصل السفن في مارس المقبل.|قال المعارضون إنهم سيستأنفون الحكم.|تستغرق الأعمال ثلاث سنوات كاملة.|لم يعارض أحد الميزانية الجديدة.|وقعت شركة العبارات العقد.",
    "he": "המועצה התכנסה ביום שלישי בערב.|האוניות יגיעו במרץ הקרוב.|המתנגדים אמרו שיערערו על ההחלטה.|העבודות יימשכו שלוש שנים.|איש לא התנגד לתקציב החדש.|חברת המעבורות כבר חתמה.",
    "hi": "परिषद की बैठक मंगलवार को हुई।|जहाज़ मार्च में आएँगे।|विरोधियों ने कहा कि वे अपील करेंगे।|काम में तीन साल लगेंगे।|किसी ने बजट का विरोध नहीं किया।|कंपनी ने समझौते पर दस्तखत किए।",
    "km": "ក្រុមប្រឹក្សាបានជួបប្រជុំគ្នានៅល្ងាចថ្ងៃអង្គារ។|នាវាដំបូងនឹងមកដល់នៅខែមីនា។|អ្នកប្រឆាំងនឹងប្តឹងឧទ្ធរណ៍។|ការងារនឹងចំណាយពេលបីឆ្នាំ។",
    "lo": "ສະພາເມືອງໄດ້ປະຊຸມໃນຕອນແລງວັນອັງຄານເພື່ອລົງຄະແນນສຽງກ່ຽວກັບແຜນທ່າເຮືອໃໝ່|ນາຍົກເທດສະມົນຕີກ່າວວ່າເຮືອລຳທຳອິດຈະມາຮອດໃນເດືອນມີນາ|ຜູ້ຄັດຄ້ານກ່າວວ່າພວກເຂົາຈະອຸທອນຕໍ່ສານກ່ອນທ້າຍເດືອນ|ວຽກງານຈະໃຊ້ເວລາສາມປີ",
    "my": "မြို့တော်ကောင်စီသည်အင်္ဂါနေ့ညနေတွင်အစည်းအဝေးကျင်းပခဲ့သည်။|ပထမဆုံးသင်္ဘောများသည်မတ်လတွင်ရောက်ရှိမည်။|ဆန့်ကျင်သူများကအယူခံဝင်မည်ဟုဆိုသည်။|အလုပ်သည်သုံးနှစ်ကြာမည်။",
}  # fmt: skip


@pytest.mark.parametrize("language", SHORT)
@pytest.mark.parametrize("form", ["<p>{}</p>", "{}<br><br>", "<div>{}</div>", "<span>{}</span><br><br>"])
@pytest.mark.parametrize("cell", [False, True])
def test_a_text_of_short_lines_is_text_in_any_script(language: str, form: str, cell: bool) -> None:
    lines = SHORT[language].split("|")
    story = "".join(form.format(line) for line in lines)
    story = f"<table><tr><td>{story}</td></tr></table>" if cell else f"<div class=view>{story}</div>"
    article = extract_body(f"<!doctype html><html lang={language}><title>x</title><body>{story}</body>")
    # the classifier may be wrong about single lines
    assert 2 * len(set(lines) & set(article.paragraphs)) >= len(lines)


def test_a_notice_is_still_no_text() -> None:
    from transforms.errors import NoText

    for text in (
        "You need to enable JavaScript to run this app.",
        "Access denied. Reference 18.",
        "Loading. Please wait.",
    ):
        with pytest.raises(NoText):
            extract_body(f"<title>x</title><body><div id=app><p>{text}</p></div></body>")


def post(name: str, n: int, date: str) -> str:
    """A comment, or a teaser of another article, without a telling name."""
    text = f"{STORY[n % len(STORY)]} That is at least what my neighbour told me about it on evening {n}."
    return f"<tr><td>{name} {n}, {date}</td></tr><tr><td><div class=x4>{text}</div></td></tr>"


@pytest.mark.parametrize(("date", "kind"), [("6 January 2012 14:0{}", "comment"), ("0{}.01.2012", "related")])
def test_what_stands_below_the_article_under_dates_is_no_part_of_it(date: str, kind: str) -> None:
    posts = "".join(post("Reader", n, date.format(n)) for n in range(1, 9))
    article = extract_body(page(f"<div>{paragraphs()}</div><table class=z>{posts}</table>"))
    assert tuple(article.paragraphs) == LONG
    assert {block.reason for block in article.removed if "neighbour" in block.text} == {kind}


def test_dated_posts_that_are_the_article_stay() -> None:
    parts = "".join(f"<div><b>{n} March 2012</b></div><div>{text}</div>" for n, text in enumerate(OTHERS, 1))
    chronicle = f"<article>{paragraphs()}<section>{parts}</section></article>"
    assert {text for text in extract_body(page(chronicle)).paragraphs if text in OTHERS} == set(OTHERS)
    posts = "".join(f"<p>{n} March 2012, 10:0{n}</p><p>{text}</p>" for n, text in enumerate(LONG, 1))
    assert {text for text in extract_body(page(posts)).paragraphs if text in LONG} == set(LONG)


def test_full_texts_of_related_articles_are_no_part_of_this_one() -> None:
    others = [
        tuple(
            f"{text} So it was in {town}, and so it stayed for many years after that, whatever anybody said."
            for text in LONG
        )
        for town in ("Marsh End", "Tessaly", "Brackenford")
    ]
    cards = "".join(f"<li class=related-item><div class=rich-text>{paragraphs(other)}</div></li>" for other in others)
    article = extract_body(page(f"<div class=rich-text>{paragraphs((*LONG, *OTHERS))}</div><ul>{cards}</ul>"))
    assert tuple(article.paragraphs) == (*LONG, *OTHERS)


def test_the_rest_of_an_article_behind_read_more_stays() -> None:
    story = f"<div>{paragraphs(LONG)}</div><div class=read-more>{paragraphs(OTHERS)}</div>"
    assert tuple(extract_body(page(story)).paragraphs) == (*LONG, *OTHERS)

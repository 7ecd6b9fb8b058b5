"""What is body and what is removed, by policy, by kind and by words."""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.page.boilerplate import DEFAULT, BodyPolicy, Standfirst, strip_boilerplate
from transforms.page.judge.phrases import PHRASE_KINDS, find_phrases
from transforms.records import Article, ArticleLink, Block, BlockKind

LINK = ArticleLink(url="https://a.example/1", canonical_url="https://a.example/1", article_id="1", host="a.example")
STORY = "The council met on Tuesday evening to vote on the new harbour plan, which has been debated for two years."
SCORE = 0.9


def make_article(*blocks: Block | str, title: str = "Harbour plan approved") -> Article:
    made = (b if isinstance(b, Block) else Block(BlockKind.PARAGRAPH, b) for b in blocks)
    return Article(link=LINK, url=LINK.url, title=title, blocks=tuple(made))


@pytest.mark.parametrize("kind", list(BlockKind))
def test_default_policy(kind: BlockKind) -> None:
    article = strip_boilerplate(make_article(Block(kind, "Words of a block", score=SCORE)))
    body = {BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.LIST_ITEM, BlockKind.QUOTE, BlockKind.LIVE_POST}
    assert bool(article.blocks) == (kind in body)
    assert [r.reason for r in article.removed] == ([] if kind in body else [kind.value])


def test_tables_and_embeds_are_options() -> None:
    article = make_article(Block(BlockKind.TABLE, "2024", score=SCORE), Block(BlockKind.EMBED, "A post", score=SCORE))
    assert strip_boilerplate(article).paragraphs == []
    assert strip_boilerplate(article, BodyPolicy(tables=True)).paragraphs == ["2024"]
    assert strip_boilerplate(article, BodyPolicy(embeds=True)).paragraphs == ["A post"]


def test_a_standfirst_opens_the_body_only_in_a_sectioned_article() -> None:
    plain = make_article(
        Block(BlockKind.STANDFIRST, "In short", score=SCORE), Block(BlockKind.PARAGRAPH, STORY, score=SCORE)
    )
    sectioned = replace(plain, blocks=(*plain.blocks, Block(BlockKind.HEADING, "Who pays", score=SCORE)))
    assert strip_boilerplate(plain).paragraphs == [STORY]
    assert strip_boilerplate(sectioned).paragraphs == ["In short", STORY, "Who pays"]
    assert "In short" in strip_boilerplate(plain, BodyPolicy(standfirst=Standfirst.ALWAYS)).paragraphs
    assert "In short" not in strip_boilerplate(sectioned, BodyPolicy(standfirst=Standfirst.NEVER)).paragraphs


def test_a_standfirst_that_is_a_quarter_of_the_rest_is_the_first_paragraph_of_a_short_item() -> None:
    for count, kept in ((8, True), (9, False)):
        rest = Block(BlockKind.PARAGRAPH, " ".join(["word"] * 4 * count), score=SCORE)
        article = make_article(Block(BlockKind.STANDFIRST, " ".join(["first"] * 8), score=SCORE), rest)
        assert len(strip_boilerplate(article).paragraphs) == 1 + kept


def test_a_removed_block_names_the_rule_that_decided() -> None:
    article = make_article(
        Block(BlockKind.RELATED, "More news", "related by name", 0.02),
        Block(BlockKind.OTHER, "Something", score=0.114),
        Block(BlockKind.OTHER, "No more", score=0.0),
        Block(BlockKind.CAPTION, "A quay"),
    )
    removed = strip_boilerplate(article).removed
    assert [(r.position, r.reason, r.rule) for r in removed] == [
        (0, "related", "related by name"), (1, "other", "score:0.11"), (2, "other", "score:0.00"),
        (3, "caption", "kind:caption"),
    ]  # fmt: skip


def test_scored_blocks_are_not_judged_by_words_again() -> None:
    text = "Read more about the harbour"
    assert strip_boilerplate(make_article(Block(BlockKind.PARAGRAPH, text, score=SCORE))).paragraphs == [text]
    assert strip_boilerplate(make_article(STORY, text)).paragraphs == [STORY]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Read more: The ferry is late again", "related"), ("Lesen Sie auch: Die Fähre", "related"),
        ("Auch interessant", "related"), ("Czytaj także: Prom znowu spóźniony", "related"),
        ("À lire aussi : le ferry en retard", "related"), ("Lee también: el ferry", "related"),
        ("Leia também: a balsa", "related"), ("Leggi anche: il traghetto", "related"), ("Lees ook: de veerboot", "related"),
        ("Læs også: Færgen er forsinket", "related"), ("Les også: Ferga er forsinket", "related"),
        ("Läs också: Färjan är sen", "related"), ("Čtěte také: Trajekt má zpoždění", "related"),
        ("Читайте также: Паром опоздал", "related"), ("Читайте також: Пором запізнився", "related"),
        ("İlgili haber: Feribot", "related"), ("関連記事", "related"), ("相关阅读", "related"), ("관련 기사", "related"),
        ("Subscribe now to continue reading.", "promo"), ("Jetzt abonnieren und weiterlesen", "promo"),
        ("Abonnez-vous à notre newsletter", "promo"), ("Suscríbete a nuestro boletín", "promo"),
        ("Zapisz się na newsletter", "promo"), ("Подпишитесь на нашу рассылку", "promo"), ("会員登録はこちら", "promo"),
        ("Follow our live blog for the latest", "live_pointer"), ("Advertisement", "ad"), ("Anzeige", "ad"),
        ("Реклама", "ad"), ("広告", "ad"), ("Follow us on Facebook and Instagram", "social"),
        ("All rights reserved.", "legal"), ("12 comments", "comment"),
        ("The quay at low tide on Monday. Photo: Jon Vance", "caption"),
        ("The quay at low tide on Monday. JON VANCE/Getty", "caption"), ("Harbour plan approved", "headline"),
        ("* * *", "other"),
    ],
)  # fmt: skip
def test_words_reveal_the_kind_of_a_block(text: str, reason: str) -> None:
    article = strip_boilerplate(make_article(STORY, STORY.replace("Tuesday", "Monday"), text))
    assert [(r.text, r.reason) for r in article.removed] == [(text, reason)]


@pytest.mark.parametrize(
    "text",
    [
        "“Read more books and fewer newspapers,” the minister told the students of the old grammar school on Friday.",
        "The company said that subscribers to its newsletter had grown by a third since the summer of last year.",
        "Follow the river north and you will reach the village, which has not changed in a hundred years.",
        "Photographs of the quay were shown to the board, which then decided to close it for eighteen months.",
        "She covers her face with her hands, and has done so since the day that the letter arrived from Vantor.",
        "All rights of passage were reserved to the crown by a treaty that both countries signed in 1763.",
    ],
)
def test_sentences_of_a_story_are_kept(text: str) -> None:
    story = (STORY, text, STORY.replace("Tuesday", "Monday"))
    assert strip_boilerplate(make_article(*story)).paragraphs == list(story)


TEXT = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            STORY,
            "Read more",
            "• Unlimited access to",
            "Subscribe now",
            "Photo: dpa",
            "Harbour plan approved",
            "広告",
            "• x",
        ]
    ),
)
BLOCKS = st.lists(
    st.builds(
        Block,
        kind=st.sampled_from(BlockKind),
        text=TEXT,
        rule=st.sampled_from(["", "form"]),
        score=st.none() | st.floats(0, 1),
    ),
    max_size=25,
)
POLICIES = st.builds(
    BodyPolicy,
    kinds=st.frozensets(st.sampled_from(BlockKind)),
    tables=st.booleans(),
    embeds=st.booleans(),
    standfirst=st.sampled_from(Standfirst),
)


@given(BLOCKS, POLICIES)
def test_no_block_is_lost_or_invented(blocks: list[Block], policy: BodyPolicy) -> None:
    article = strip_boilerplate(make_article(*blocks), policy)
    gone = {r.position: r for r in article.removed}
    left = iter(article.blocks)
    assert [gone[i].text if i in gone else next(left).text for i in range(len(blocks))] == [b.text for b in blocks]
    assert next(left, None) is None
    assert all(r.rule and r.reason in set(BlockKind) for r in article.removed)


@given(BLOCKS)
def test_kept_blocks_have_kinds_of_the_policy(blocks: list[Block]) -> None:
    article = strip_boilerplate(make_article(*blocks))
    assert {b.kind for b in article.blocks} <= DEFAULT.kinds | {BlockKind.STANDFIRST}


@given(st.text(max_size=600))
def test_phrases_are_known_kinds(text: str) -> None:
    assert set(find_phrases(text)) <= set(PHRASE_KINDS)

"""The explanation of an article: every block in its place, kept or struck through."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from lxml import html

from pipeline.cli.console import PrintableConsole
from pipeline.cli.explain import explain, explain_html, interleave
from transforms.page.boilerplate import strip_boilerplate
from transforms.records import Article, ArticleLink, Block, BlockKind

LINK = ArticleLink(url="https://a.example/1", canonical_url="https://a.example/1", article_id="1", host="a.example")
STORY = "The council met on Tuesday evening to vote on the new harbour plan, which has been debated for two years."


def make_article() -> Article:
    blocks = (
        Block(BlockKind.HEADLINE, "Quay <closed>", "same text as the title", 0.02),
        Block(BlockKind.PARAGRAPH, STORY, score=0.99),
        Block(BlockKind.PROMO, "Sign up & save", "promo words", 0.03),
        Block(BlockKind.HEADING, "Who pays", score=0.88),
    )
    return Article(link=LINK, url=LINK.url, title="Quay <closed>", blocks=blocks, sources={"title": "h1"})


def test_blocks_are_in_page_order() -> None:
    rows = interleave(strip_boilerplate(make_article()))
    assert [row.text for row in rows] == [block.text for block in make_article().blocks]


def test_the_terminal_shows_reasons_and_strikes_out() -> None:
    out = StringIO()
    console = PrintableConsole(out, force_terminal=True, color_system="standard", width=110, highlight=False)
    explain(strip_boilerplate(make_article()), console)
    text = out.getvalue()
    assert "promo" in text
    assert "promo words" in text
    assert text.index("closed") < text.index("The council") < text.index("Sign up") < text.index("Who pays")
    struck = next(line for line in text.splitlines() if "Sign up" in line)
    assert ";9;" in struck or "\x1b[9" in struck or ";9m" in struck
    assert "\x1b[" in text


def test_the_page_is_html_with_everything_escaped(tmp_path: Path) -> None:
    page = explain_html(strip_boilerplate(make_article()))
    tree = html.document_fromstring(page)
    assert tree.findtext(".//h1") == "Quay <closed>"
    assert [s.text for s in tree.iter("s")] == ["Quay <closed>", "Sign up & save"]
    assert [p.text for p in tree.iter("p")] == [STORY]
    assert [b.text for b in tree.iter("b")] == ["headline", "promo"]

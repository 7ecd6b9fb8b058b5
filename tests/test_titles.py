"""The title of an article: whole, without the site's name."""

from __future__ import annotations

import json

import pytest

from transforms.page.read.metadata import read_metadata
from transforms.page.read.parse import parse_page
from transforms.page.read.titles import strip_site_name

URL = "https://www.kurier-boersen.example/a/quay"


def title_of(graph: str = "", heading: str = "", linked: str = "", document: str = "", site: str = "") -> str:
    head = f'<meta property="og:title" content="{graph}">' if graph else ""
    head += f'<meta property="og:site_name" content="{site}">' if site else ""
    head += f"<title>{document}</title>" if document else ""
    if linked:
        head += (
            f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle", "headline": linked})}</script>'
        )
    headings = "".join(f"<h1>{text}</h1>" for text in heading.split("/") if text)
    page = parse_page(f"<html><head>{head}</head><body>{headings}<p>text</p></body></html>".encode(), "text/html", URL)
    return read_metadata(page.tree, URL).title


@pytest.mark.parametrize(
    ("title", "site", "host", "clean"),
    [
        ("Kai gesperrt | Börsen-Kurier", "", "www.boersen-kurier.example", "Kai gesperrt"),
        ("Quai fermé - L'Écho", "", "lecho.example", "Quai fermé"),
        ("Quay closed - ABC Sport News", "", "www.abc.example", "Quay closed"),
        # not the name of the site, and part of a quotation
        ("Quay closed - ABC wins the cup", "", "www.abc.example", "Quay closed - ABC wins the cup"),
        ("Minister: „Das war falsch – Kurier“", "Kurier", "", "Minister: „Das war falsch – Kurier“"),
        ('"Read the small print - Courier"', "Courier", "", '"Read the small print - Courier"'),
        ('"Read the small print" - Courier', "Courier", "", '"Read the small print"'),
        ('A 24" screen - Courier', "Courier", "", 'A 24" screen'),
    ],
)
def test_the_site_name_goes_but_nothing_of_a_quotation(title: str, site: str, host: str, clean: str) -> None:
    assert strip_site_name(title, site, host) == clean


def test_a_heading_tells_the_title_from_what_follows_it() -> None:
    heading = "Quay closed for eighteen months"
    assert title_of(graph=f"{heading} | Coast of the North", heading=heading) == heading
    assert title_of(graph=f"{heading} - Life & Style - NX News", heading=heading) == heading
    assert title_of(graph=f"{heading} | NX News") == heading
    # a kicker before the bar is part of the headline, and so is a second half
    assert title_of(graph="Port Ellery | The quay closes for eighteen months") == (
        "Port Ellery | The quay closes for eighteen months"
    )
    assert title_of(graph="A guide to insurance for homes | Costs, savings and more") == (
        "A guide to insurance for homes | Costs, savings and more"
    )


def test_the_name_of_the_site_is_no_title() -> None:
    heading = "Quay closed for eighteen months"
    assert title_of(heading="Kurier Börsen", document=heading, site="Kurier Börsen") == heading
    assert title_of(heading=f"Kurier-Boersen/{heading}", document=f"Kurier-Boersen {heading}") == heading


def test_a_title_shortened_for_search_engines_is_read_from_the_heading() -> None:
    heading = "The quay of Port Ellery is closed for eighteen months, says the harbour master, and ferries will sail"
    assert title_of(linked=heading[:96], graph=heading[:96], heading=heading) == heading
    assert title_of(linked="The quay of Port Ellery is…", heading=heading) == heading
    # a shorter headline is a choice, not a cut
    assert title_of(linked="The quay of Port Ellery is closed", heading=heading) == "The quay of Port Ellery is closed"


def test_a_kicker_is_not_cut_at_a_dash_in_a_quotation() -> None:
    graph = "Hafen „jetzt – für immer zu“"
    assert title_of(graph=graph, heading="Port Ellery „nun – für immer zu“") == graph


def test_markup_and_entities_are_no_part_of_a_title() -> None:
    assert title_of(linked="Salt &amp;amp; <em>Tide</em>") == "Salt & Tide"

"""The name of a site: never empty, and in one spelling for as many pages of a host as possible."""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

import pytest
from smallpages import linked, meta, read, tell

LINKED = linked(publisher={"name": "Ellery Courier"})


@pytest.mark.parametrize(
    ("head", "title", "name", "source"),
    [
        # last resorts
        ("", "Quay closed", "ellerycourier.example", "host"),
        ("", "Quay closed | Ellery Courier", "Ellery Courier", "title"),
        (meta("og:site_name", "ELLERYCOURIER.EXAMPLE"), "Quay closed", "ellerycourier.example", "og:site_name"),
        # a domain is a name only where there is no other
        (meta("og:site_name", "ellerycourier.example") + LINKED, "Quay closed", "Ellery Courier", "json-ld publisher"),
        # most places agree on this spelling
        (meta("og:site_name", "elleryCourier") + LINKED, "Quay closed - Ellery Courier", "Ellery Courier", "json-ld publisher"),
        (meta("og:site_name", "The Ellery Courier") + LINKED, "Quay closed", "The Ellery Courier", "og:site_name"),
        # taglines, marks and entities
        (meta("og:site_name", "Ellery Courier | News from the coast"), "Quay closed", "Ellery Courier", "og:site_name"),
        (meta("og:site_name", "Ellery Courier® – News, Sports, Weather"), "Quay closed", "Ellery Courier", "og:site_name"),
        (meta("og:site_name", "How to close a quay | Ellery Courier"), "Quay closed", "Ellery Courier", "og:site_name"),
        (meta("og:site_name", "Salt &amp;amp; Tide"), "Quay closed", "Salt & Tide", "og:site_name"),
        # the headline is no name, and neither is the agency that wrote the text
        (meta("og:site_name", "Quay closed"), "Quay closed", "ellerycourier.example", "host"),
        (meta("og:site_name", "Courier") + linked(publisher={"name": "Associated Press"}), "Quay closed", "Courier", "og:site_name"),
    ],
)  # fmt: skip
def test_site_name(head: str, title: str, name: str, source: str) -> None:
    page = tell(head=head, title=title).replace(f"<h1>{title}</h1>", "<h1>Quay closed</h1>")
    article = read(page, url="https://www.ellerycourier.example/coast/quay")
    assert (article.site_name, article.sources["site_name"], article.title) == (name, source, "Quay closed")


def test_mobile_pages_have_the_host_of_the_others() -> None:
    for host in ("www.ellerycourier.example", "m.ellerycourier.example", "amp.ellerycourier.example"):
        assert read(tell(), url=f"https://{host}/quay").site_name == "ellerycourier.example"

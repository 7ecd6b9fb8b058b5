"""Whether an article is opinion, as its publisher says."""

from __future__ import annotations

import pytest
from smallpages import linked, meta, read, tell

SITE = "https://www.courier.example"


@pytest.mark.parametrize(
    ("page", "url", "source"),
    [
        (tell(head=linked(**{"@type": "OpinionNewsArticle"})), "/coast/quay", "json-ld"),
        (tell(head=meta("article:opinion", "true")), "/coast/quay", "meta article:opinion"),
        (tell(head=linked(articleSection="Opinion")), "/coast/quay", "section"),
        (tell(head=linked(articleSection=["Coast", "Meinung"])), "/coast/quay", "section"),
        (tell(head=meta("article:section", "Ideas and Opinion")), "/coast/quay", "section"),
        (tell(), "/opinion/2026/03/quay", "url"),
        (tell(), "/kose-yazilari/lee/quay", "url"),
        (tell(), "/%E7%A4%BE%E8%AA%AC/quay", "url"),
        (tell(title="Kommentar: Der Kai gehört der Stadt"), "/coast/quay", "title"),
        (tell(title="Opinion | The quay belongs to the town"), "/coast/quay", "title"),
        (tell().replace("<h1>", "<h1><span>Meinung</span> "), "/coast/quay", "kicker"),
        (tell().replace("<h1>", "<p><a href='/m'>Opinion</a></p><h1>"), "/coast/quay", "kicker"),
        (tell(above="<p class='byline'>Ein Kommentar von Ann Lee</p>"), "/coast/quay", "byline"),
        (tell().replace("lang='en'", "lang='fr'"), "/tribune/quay", "url"),
    ],
)  # fmt: skip
def test_opinion(page: str, url: str, source: str) -> None:
    article = read(page, url=SITE + url)
    assert (article.is_opinion, article.sources["is_opinion"]) == (True, source)


@pytest.mark.parametrize(
    ("page", "url"),
    [
        (tell(), "/coast/quay"),
        (tell(), "/coast/opinion-poll-on-the-quay"),
        (tell(), "/tribune/quay"),
        (tell(head=linked(**{"@type": "AnalysisNewsArticle"}, articleSection="Analysis")), "/analysis/quay"),
        (tell(title="Opinion poll: most want the quay"), "/coast/quay"),
        (tell(below="<p><a href='/opinion/tide'>Opinion: the tide</a></p>"), "/coast/quay"),
    ],
)
def test_not_opinion(page: str, url: str) -> None:
    assert not read(page, url=SITE + url).is_opinion

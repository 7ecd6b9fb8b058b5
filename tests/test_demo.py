"""The demo's news site over real sockets, its pages through extraction, and the demo as a whole."""

import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.demo.newspapers import (
    COURIER,
    EDITED_TITLE,
    MERIDIAN,
    NEWSPAPERS,
    OBSERVER,
    Edition,
    Story,
    render_page,
)
from pipeline.cli.demo.show import interleave_blocks
from pipeline.cli.demo.site import DemoSite
from transforms.feeds.reader import parse_feed
from transforms.page.boilerplate import strip_boilerplate
from transforms.page.extract import extract
from transforms.records import Article, FeedEntry, FetchedPage, ParsedFeed
from transforms.urls import link_of

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
FETCHED = [(p, s) for p in NEWSPAPERS for s in p.stories if s.file and not s.path.startswith(p.disallowed)]
NAMES = [f"{publisher.feed_format}-{story.file}" for publisher, story in FETCHED]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def get(url: str, **headers: str) -> tuple[int, HTTPMessage, bytes]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with OPENER.open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read()


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite(NOW) as site:
        yield site


def read_feed(site: DemoSite, publisher: str) -> ParsedFeed:
    edition = site.editions[publisher]
    url = edition.base + edition.newspaper.feed_path
    status, headers, body = get(url)
    assert status == 200
    return parse_feed(body, url, headers["Content-Type"], NOW)


# -- the site


@pytest.mark.parametrize("publisher", NEWSPAPERS, ids=lambda publisher: publisher.feed_format)
def test_each_feed_names_its_stories(site: DemoSite, publisher: Any) -> None:
    feed = read_feed(site, publisher.name)
    base = site.editions[publisher.name].base
    assert feed.kind == publisher.feed_format
    assert feed.title == publisher.name
    assert [(e.url, e.title, e.published_at) for e in feed.entries] == [
        (base + s.path, s.title, NOW - timedelta(hours=s.hours_ago)) for s in publisher.stories
    ]
    assert [e.authors for e in feed.entries] == [(s.author,) for s in publisher.stories]


def test_every_page_is_served_and_complete(site: DemoSite) -> None:
    for publisher, story in FETCHED:
        status, headers, body = get(site.editions[publisher.name].base + story.path)
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        text = body.decode()
        assert "<h1" in text
        assert story.title in text
        assert "{{" not in text


def test_the_listed_address_of_one_feed_has_moved(site: DemoSite) -> None:
    assert [get(feed)[0] for feed in site.feeds] == [301, 200, 200]
    _, headers, _ = get(site.feeds[0])
    assert get(headers["Location"])[0] == 200


def test_pages_that_are_not_articles_are_served(site: DemoSite) -> None:
    base = site.editions[COURIER.name].base
    assert get(f"{base}/news/2026/council-minutes")[0] == 404
    status, headers, body = get(f"{base}/files/harbour-report.pdf")
    assert (status, headers["Content-Type"], body[:5]) == (200, "application/pdf", b"%PDF-")
    assert b"Disallow: /members/" in get(f"{base}/robots.txt")[2]
    assert any(story.path.startswith("/members/") for story in COURIER.stories)


def test_an_unchanged_feed_is_not_sent_again(site: DemoSite) -> None:
    for edition in site.editions.values():
        feed = edition.base + edition.newspaper.feed_path
        _, headers, _ = get(feed)
        status, _, body = get(feed, If_None_Match=headers["ETag"])
        assert (status, body) == (304, b"")


def test_an_edit_changes_one_page_and_its_feed(site: DemoSite) -> None:
    feed = site.editions[MERIDIAN.name].base + MERIDIAN.feed_path
    etag = get(feed)[1]["ETag"]
    pages = {url: get(url)[2] for url in addresses(site)}
    before = {entry.url: entry for entry in read_feed(site, MERIDIAN.name).entries}
    at = NOW + timedelta(minutes=1)
    site.edit(at)
    assert [url for url, body in pages.items() if get(url)[2] != body] == [site.edited_url]
    assert get(feed, If_None_Match=etag)[0] == 200
    after = {entry.url: entry for entry in read_feed(site, MERIDIAN.name).entries}
    changed = [url for url in after if after[url] != before[url]]
    assert changed == [site.edited_url]
    assert after[site.edited_url].updated_at == at
    assert after[site.edited_url].title == EDITED_TITLE


def addresses(site: DemoSite) -> list[str]:
    return [site.editions[publisher.name].base + story.path for publisher, story in FETCHED]


def test_publishers_differ_by_address(site: DemoSite) -> None:
    assert len({edition.base for edition in site.editions.values()}) == 3


def test_a_closed_site_no_longer_answers() -> None:
    with DemoSite(NOW) as site:
        base = site.editions[COURIER.name].base
    with pytest.raises(urllib.error.URLError):
        get(base)


# -- its pages, as extraction should see them


@dataclass(frozen=True)
class Truth:
    """Beginnings of sentences that are body, of sentences that are not, and text that captions must contain."""

    body: tuple[str, ...]
    removed: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    # what a publisher's layout puts around every article must be removed from each


CHROME = {
    COURIER.name: (
        "We and our 112 partners",
        "Support local reporting",
        "Quay café reopens",
        "tidewatcher",
        "Well written, thank you",
        "You must be logged in",
        "All rights reserved",
        "4 min read",
    ),
    MERIDIAN.name: (
        "Markets at a glance",
        "Olive harvest in Andalusia",
        "Growers around Jaén",
        "Subscribe to Meridian Wire",
        "Terms of use",
    ),
    OBSERVER.name: (
        "Alpine Observer uses cookies",
        "Marmots wake",
        "Rangers in the Engadine",
        "Five good stories",
        "Reproduction only",
    ),
}

TRUTH = {
    "courier-harbour-wall": Truth(
        ("A stretch of Port Ellery's harbour wall", "Fishing fleet counts the cost", "Ms Whelan said that the work"),
        (
            "Get the day's local news",
            "Sign up for our free newsletter",
            "Storm Brigid: what we know so far",
            "Advertisement",
            "Report warned of weak harbour wall",
            "Waves pour through the gap",
            "Nuala Brennan/Harbour Courier",
            "Crews winched the Stella Maris",
        ),
        ("Waves pour through the gap in the north wall", "Crews winched the Stella Maris"),
    ),
    "courier-winter-ferry": Truth(
        ("The ferry to Inishkeel will sail every day", "On the island the school will mark"),
        ("Ciara Madigan is a senior reporter", "Follow us on Facebook", "File photo: Nuala Brennan"),
        ("The Realt na Mara can carry 48 passengers",),
    ),
    "courier-rovers-brest": Truth(
        ("Ellery Rovers came within two minutes", "“She told me to stand where the ball", "The winners meet either"),
        ("Picture: Sportpix", "Have your say"),
    ),
    "courier-storm-known": Truth(
        ("Storm Brigid has crossed the west", "Where was it worst?", "Emergencies at sea", "The World Meteorological"),
        ("Follow our live blog", "Download the Courier app", "Do you have pictures"),
    ),
    "meridian-glaciers": Truth(
        ("Nineteen countries agreed on Thursday", "The countries will meet again in Innsbruck"),
        ("A survey team of the University", "Subscribe to our climate newsletter", "Editing by", "Our Standards"),
    ),
    "meridian-freighter": Truth(
        ("A cargo ship with 14 people", "The European Maritime Safety Agency"),
        ("The Kapella Borealis seen from the coast path", "Read also", "Editing by"),
    ),
    "solar-desalination": Truth(("A field of solar panels the size of", "Morocco wants to take half")),
    "meridian-lisbon-atlas": Truth(
        ("An atlas drawn in 1571", "The sheets will be photographed"),
        ("Curator Teresa Vilhena unpacks", "Enjoying this story?", "Writing by"),
    ),
    "observer-nachtzuege": Truth(
        ("Wer am Abend in Bern", "Der Ständerat berät im März"),
        ("Ein Nachtzug wartet im Hauptbahnhof", "Lesen Sie auch", "Jetzt unseren kostenlosen Newsletter"),
        ("Ein Nachtzug wartet im Hauptbahnhof Zürich",),
    ),
    "observer-seed-vault": Truth(
        ("The coldest room in Grenoble", "A price for rust", "In the meantime she has begun"),
        (
            "Each jar holds two thousand seeds",
            "Listen to this story",
            "What the vault on Svalbard",
            "Léa Fontaine is a writer",
            "Share this story",
        ),
        ("Each jar holds two thousand seeds",),
    ),
    "observer-rhine-engineers": Truth(
        ("At twenty past five every morning", "What the engineers can do about it"),
        ("Read on with a subscription", "This article is for subscribers only", "Already a subscriber"),
    ),
}


def extract_story(publisher: Any, story: Story, edited_at: datetime | None = None) -> Article:
    edition = Edition(publisher, "http://127.0.0.9:8000", NOW, edited_at)
    url = edition.base + story.path
    link = link_of(FeedEntry(url, title=story.title), edition.base + publisher.feed_path, NOW)
    body = render_page(edition, story).encode()
    return strip_boilerplate(extract(FetchedPage(link, url, "text/html; charset=utf-8", body, NOW)))


@pytest.mark.parametrize(("publisher", "story"), FETCHED, ids=NAMES)
def test_the_body_is_the_article_and_nothing_else(publisher: Any, story: Story) -> None:
    article, truth = extract_story(publisher, story), TRUTH[story.file]
    assert [text for text in truth.body if text not in article.body] == []
    assert [text for text in (*truth.removed, *CHROME[publisher.name]) if text in article.body] == []
    assert story.title not in article.paragraphs


@pytest.mark.parametrize(("publisher", "story"), FETCHED, ids=NAMES)
def test_the_metadata_of_a_page_is_read(publisher: Any, story: Story) -> None:
    article = extract_story(publisher, story)
    assert article.title == story.title
    assert article.authors == (story.author,)
    assert article.published_at == NOW - timedelta(hours=story.hours_ago)
    assert article.language == story.language
    assert article.site_name == publisher.name
    assert article.section == story.section
    assert article.is_paywalled is not story.is_free


@pytest.mark.parametrize(("publisher", "story"), FETCHED, ids=NAMES)
def test_captions_are_paired_with_their_pictures(publisher: Any, story: Story) -> None:
    captions = [image.caption for image in extract_story(publisher, story).images]
    wanted = TRUTH[story.file].captions
    assert [text for text in wanted if not any(text in caption for caption in captions)] == []


def test_copies_have_the_same_body() -> None:
    copies = [extract_story(p, s) for p, s in FETCHED if s.file == "solar-desalination"]
    assert len(copies) == 2
    assert len({(article.title, article.body) for article in copies}) == 1
    assert len({article.link.article_id for article in copies}) == 2


def test_the_edited_version_is_extracted_with_its_changes() -> None:
    (story,) = [story for story in MERIDIAN.stories if story.edited_file]
    at = NOW + timedelta(minutes=1)
    first, second = extract_story(MERIDIAN, story), extract_story(MERIDIAN, story, at)
    assert second.title == EDITED_TITLE
    assert "winched to safety" in second.body
    assert "winched to safety" not in first.body
    assert second.modified_at == at


# -- the demo


def test_blocks_are_in_page_order() -> None:
    removed = [{"position": p, "reason": r, "text": t} for p, r, t in ((3, "promo", "x"), (0, "headline", "h"))]
    assert list(interleave_blocks(["a", "b", "c"], removed)) == [
        ("headline", "h"),
        ("", "a"),
        ("", "b"),
        ("promo", "x"),
        ("", "c"),
    ]
    assert list(interleave_blocks([], removed)) == [("headline", "h"), ("promo", "x")]


@pytest.mark.slow
def test_the_demo_ingests_edits_and_shows(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "demo", "--db", f"sqlite:///{tmp_path}/demo.db"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parent.parent)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    database = sqlite3.connect(tmp_path / "demo.db")

    def ask(query: str) -> list[tuple[Any, ...]]:
        return database.execute(query).fetchall()

    assert ask("select count(*), sum(revision) from articles") == [(12, 13)]
    assert ask(
        "select revision, title from revisions where article_id in (select article_id from articles"
        " where revision = 2) order by revision"
    ) == [(1, MERIDIAN.stories[0].title), (2, EDITED_TITLE)]
    assert ask("select reason from urls where outcome = 'rejected' order by reason") == [
        ("content type",),
        ("http 404",),
        ("robots",),
    ]
    assert ask("select count(*) from urls where outcome is null or outcome = 'failed'") == [(0,)]
    copies = "select count(*) from articles group by content_hash having count(*) > 1"
    assert ask(copies) == [(2,)]
    assert ask("select count(*) > 100 from mentions") == [(1,)]
    assert ask("select entity_model from articles where language = 'de'") == [("",)]
    database.close()
    for said in (
        "Second round, after one article was edited",
        "answered “not modified”",
        EDITED_TITLE,
        "no model for this language",
        "15 URLs = 12 articles + 3 rejected + 0 failed + 0 under way + 0 lost",
        f"newsbeam audit --db sqlite:///{tmp_path}/demo.db",
    ):
        assert said in done.stdout
    # pages that were not edited are not fetched again: 21 requests, with each robots.txt and the move, then the feeds
    assert "5 requests" in done.stdout

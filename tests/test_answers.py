"""The answer to a poll: a feed, or something that names feeds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from transforms.errors import FeedUnreadable
from transforms.feeds.answers import LIST, children_of, is_web_address, named_feeds, read_answer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = "https://a.example/"
RSS = b"<rss version='2.0'><channel><title>A</title><item><link>https://a.example/1</link></item></channel></rss>"
OPML = b"<opml version='2.0'><body><outline xmlUrl='https://a.example/f'/></body></opml>"
PAGE = b"<html><head><link rel=alternate type='application/rss+xml' href=/f></head><body>Hi</body></html>"
TEXT = b"# ours\nhttps://a.example/f\nhttps://b.example/f # theirs\n"
INDEX = b"""<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>
    <sitemap><loc>https://a.example/1.xml</loc></sitemap><sitemap><loc>https://a.example/2.xml</loc></sitemap>
</sitemapindex>"""


def test_a_feed_is_read_as_a_feed() -> None:
    feed = read_answer(RSS, BASE, "application/rss+xml", NOW)
    assert [entry.url for entry in feed.entries] == ["https://a.example/1"]
    assert not any(entry.is_feed for entry in feed.entries)


@pytest.mark.parametrize(
    ("body", "feeds"),
    [
        (OPML, ["https://a.example/f"]),
        (PAGE, ["https://a.example/f"]),
        (TEXT, ["https://a.example/f", "https://b.example/f"]),
    ],
)
def test_feeds_listed_by_a_person_are_polled_at_once(body: bytes, feeds: list[str]) -> None:
    answer = read_answer(body, BASE, "", NOW)
    assert answer.kind == LIST
    assert children_of(answer.kind, answer.entries, NOW) == [(feed, NOW) for feed in feeds]


def test_feeds_of_a_sitemap_index_are_spread_out() -> None:
    index = read_answer(INDEX, BASE, "", NOW)
    children = children_of(index.kind, index.entries, NOW)
    assert {url for url, _ in children} == {"https://a.example/1.xml", "https://a.example/2.xml"}
    assert max(at for _, at in children) > NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>Welcome</body></html>", b"Hello world", b"https://a.example/f\nHi"]
)
def test_anything_else_is_unreadable(body: bytes) -> None:
    assert named_feeds(body, BASE) == ()
    with pytest.raises(FeedUnreadable):
        read_answer(body, BASE, "", NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("https://a.example/f", True), ("https://a.example/a b", False), ("mailto:a@a.example", False), ("f.xml", False)],
)
def test_an_address_is_one_word_with_a_scheme_that_can_be_fetched(text: str, expected: bool) -> None:
    assert is_web_address(text) == expected

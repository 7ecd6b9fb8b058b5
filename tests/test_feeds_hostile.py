"""Bodies that are not feeds, and malicious feeds."""

import contextlib
import gzip
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_feeds import ATOM, INDEX, JSON, NEWS_SITEMAP, NOW, RDF, RSS_090, RSS_20, URL, rss_of

from transforms.errors import FeedUnreadable
from transforms.feeds.formats.last_resort import read_with_feedparser
from transforms.feeds.formats.markup import open_document
from transforms.feeds.reader import READERS, parse_feed


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty body"),
        (b" \n ", "empty body"),
        (b"<html><body>Welcome</body></html>", "an HTML page"),
        (b"<!DOCTYPE html>\n<!-- x --><HTML><rss></HTML>", "an HTML page"),
        (b"<opml version='2.0'><body/></opml>", "OPML"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "<svg>"),
        (b"%PDF-1.7 \x00\x01", "not a feed of a known format"),
        (b"\x89PNG\r\n", "not a feed of a known format"),
        (b"Not found", "not a feed of a known format"),
        (b'{"error": "x"}', "JSON without items"),
        (b"{" * 100_000, "not JSON"),
        (b'{"items": ' + b"[" * 100_000, "not JSON"),
        (b"[1]", "not a feed of a known format"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
        (gzip.compress(RSS_20)[:-9], "gzip is truncated"),
    ],
)
def test_anything_but_a_feed_is_refused_in_one_line(body: bytes, words: str) -> None:
    with pytest.raises(FeedUnreadable) as caught:
        parse_feed(body, URL, "text/xml", NOW)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


BOMB = "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
DOCTYPE = f"<!DOCTYPE r [<!ENTITY a '{'lol' * 1000}'>{BOMB}<!ENTITY x SYSTEM 'file:///etc/passwd'> <!-- ]> --> ]>"


@pytest.mark.parametrize(
    "template",
    [
        "<?xml version='1.0'?>{}<rss><channel><title>{}</title><item><title>{}</title><link>http://n/a</link></item></channel></rss>",
        "{}<rss><channel x='{}'><item><title y='{}'>T</title><link>http://n/a</link></item></channel></rss>",
        "{}<feed xmlns='http://www.w3.org/2005/Atom'><title>{}</title><entry><title>{}</title><link href='http://n/a'/></entry></feed>",
        "{}<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
        "<channel><title>{}</title></channel><item><title>{}</title><link>http://n/a</link></item></r:RDF>",
        "{}<urlset><url a='{}'><loc>http://n/a</loc><news><title>{}</title></news></url></urlset>",
        "{}<rss><channel><title>{} & broken</title><item><title>{}</title><link>http://n/a</link></item>",
        "junk {}<rss><channel><title>{}</title><item><title>{}</title><link>http://n/a</link></item></channel></rss>",
        "<rss>{}<channel><title>{}</title><item><title>{}</title><link>http://n/a</link></item></channel></rss>",
    ],
)
@pytest.mark.parametrize("entity", ["&i;", "&x;"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_harmless(template: str, entity: str, encoding: str) -> None:
    with open("/etc/passwd") as secret:
        line = secret.readline().strip()
    started = time.process_time()
    feed = parse_feed(template.format(DOCTYPE, entity, entity).encode(encoding), URL, "text/xml", NOW)
    assert time.process_time() - started < 1
    text = repr(feed)
    assert [entry.url for entry in feed.entries] == ["http://n/a"]
    assert "lollol" not in text
    assert line not in text


def test_a_body_is_never_mistaken_for_a_file_name() -> None:
    with pytest.raises(FeedUnreadable):
        parse_feed(b"/etc/passwd", URL, "text/xml", NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"<rss>" + b"<" * 100_000,
        b"<rss>" + b"&" * 100_000,
        b"<rss>" + b"<item>" * 8_000,
        b"<rss><!--" * 50_000,
        b"<rss><channel><item><title>" + b"<!--" * 100_000,
        b"<rss><![CDATA[" * 30_000,
        b"<!DOCTYPE " + b"<!--" * 100_000,
        b"<!DOCTYPE rss [" + b"'<" * 100_001,
        b"<!DOCTYPE " * 100_000,
        b"<rss>" + b"<!DOCTYPE " * 30_000,
        b"<rss>" + b"<!ENTITY x '" * 30_000,
        b"\n" * 1_000_000 + b"<rss>",
        b"<rss>" + b"\n" * 1_000_000 + b"&",
        b"<rss>" + b"<a b=" * 15_000,
        b"<rss version='2.0'><channel><item><pubDate>"
        + b"1" * 500_000
        + b"</pubDate><link>x</link></item></channel></rss>",
        b"<rss version='2.0'><channel>" + b"<item><link>http://x/</link></item>" * 2_000,
        b"<urlset>" + b"<url>" * 20_000,
        b"<feed>" + b"<div>" * 4_000,
    ],
    ids=lambda body: body[:24].decode().strip(),
)
def test_hostile_bytes_take_bounded_time(body: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(FeedUnreadable):
        parse_feed(body, URL, "text/xml", NOW)
    assert time.process_time() - started < 5


pieces = st.sampled_from(
    [
        RSS_20,
        RSS_090,
        RDF,
        ATOM,
        JSON,
        NEWS_SITEMAP,
        INDEX,
        b"<rss>",
        b"<item>",
        b"<link>",
        b"</item>",
        b"&",
        b"<![CDATA[",
        b"<?xml version='1.0' encoding='utf-16'?>",
        b"<!DOCTYPE x [",
        b"]>",
        b"\x1f\x8b\x08",
        b"<feed",
        b'{"items":[',
        b"<guid>",
    ]
)
cuts = st.builds(
    lambda body, start, end: body[start : len(body) - end], pieces, st.integers(0, 400), st.integers(0, 400)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=40) | pieces | cuts, max_size=6).map(b"".join), st.text(max_size=20))
def test_any_bytes_are_a_feed_or_unreadable(body: bytes, content_type: str) -> None:
    try:
        feed = parse_feed(body, URL, content_type, NOW)
    except FeedUnreadable as exc:
        assert str(exc)
    else:
        assert feed.kind in ("rss", "rdf", "atom", "json", "sitemap", "sitemap_index")
        assert all(entry.url for entry in feed.entries)
        repr(feed).encode()
        assert "\x00" not in "".join(entry.url + entry.title for entry in feed.entries)


texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
rows = st.lists(st.tuples(texts.filter(lambda t: not set(t) & set("<&")), texts.map("http://news.example/{}".format)))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows)
def test_titles_and_addresses_survive_a_round_trip(items: list[tuple[str, str]]) -> None:
    entries = parse_feed(rss_of(items), URL, "", NOW).entries
    assert [(entry.title, entry.url) for entry in entries] == items


def test_every_format_is_in_one_registry() -> None:
    assert set(READERS) == {"rss", "rdf", "channel", "feed", "{", "urlset", "sitemapindex"}


def test_feedparser_is_asked_last_and_reads_only_a_part() -> None:
    item = "<item><title>A &amp; B</title><link>/{n}</link><pubDate>Sun, 01 Mar 2026 09:30:00 GMT</pubDate></item>"
    body = "<rss><channel><title>News</title>" + "".join(item.format(n=n) for n in range(5_000))
    document = open_document(body.encode(), "https://a.example/feed", "", None)
    feed = read_with_feedparser(document, "rss")
    first = feed.entries[0]
    assert (feed.title, first.url, first.title) == ("News", "https://a.example/0", "A & B")
    assert first.published_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert feed.truncated and 1_000 < len(feed.entries) < 5_000
    nothing = open_document(b"<rss><channel><item></item></channel></rss>", "https://a.example/feed", "", None)
    with pytest.raises(FeedUnreadable, match="no address"):
        read_with_feedparser(nothing, "rss")

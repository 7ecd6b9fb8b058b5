"""Titles of entries and feeds in every place and form where feeds put them."""

import base64
import itertools

import pytest
from test_feeds import ATOM, NOW, RSS_090, RSS_091, RSS_20, URL
from test_feeds import RDF as RDF_10

from transforms.feeds.reader import parse_feed
from transforms.records import ParsedFeed

ATOM_10 = "http://www.w3.org/2005/Atom"
ATOM_03 = "http://purl.org/atom/ns#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
SPACES = (
    f'xmlns:a10="{ATOM_10}" xmlns:a03="{ATOM_03}" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:dcold="http://purl.org/dc/elements/1.0/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:own="http://news.example/ns"'
)
# a frame for each format: "{head}" stands among the fields of the feed, "{fields}" among those of an entry
FRAMES = {
    "RSS 0.91": f'<rss version="0.91" {SPACES}><channel>{{head}}<item><link>/a</link>{{fields}}</item></channel></rss>',
    "RSS 2.0": f'<rss version="2.0" {SPACES}><channel>{{head}}<item><link>/a</link>{{fields}}</item></channel></rss>',
    "RSS 2.0 in a namespace": f'<rss xmlns="http://backend.userland.com/rss2" {SPACES}><channel>{{head}}<item>'
    "<link>/a</link>{fields}</item></channel></rss>",
    "RSS 0.90": f'<r:RDF xmlns:r="{RDF}" xmlns="http://my.netscape.com/rdf/simple/0.9/" {SPACES}><channel>{{head}}'
    "</channel><item><link>/a</link>{fields}</item></r:RDF>",
    "RSS 1.0": f'<r:RDF xmlns:r="{RDF}" xmlns="http://purl.org/rss/1.0/" {SPACES}><channel>{{head}}</channel><item>'
    "<link>/a</link>{fields}</item></r:RDF>",
    "Atom 0.3": f'<feed version="0.3" xmlns="{ATOM_03}" {SPACES}>{{head}}<entry><link href="/a"/>{{fields}}</entry>'
    "</feed>",
    "Atom 1.0": f'<feed xmlns="{ATOM_10}" {SPACES}>{{head}}<entry><link href="/a"/>{{fields}}</entry></feed>',
    "CDF": f'<CHANNEL {SPACES}>{{head}}<ITEM HREF="/a">{{fields}}</ITEM></CHANNEL>',
}
TITLE = "<title>Harbour plan</title>"


def read(frame: str, title: str) -> ParsedFeed:
    return parse_feed(FRAMES[frame].format(head=title, fields=title).encode(), URL, "", NOW)


@pytest.mark.parametrize("mistake", ["", "& "])
@pytest.mark.parametrize(
    "name", ["title", "a10:title", "a03:title", "dc:title", "dcold:title", "media:title", "itunes:title"]
)
@pytest.mark.parametrize("frame", FRAMES)
def test_a_title_is_found_in_every_format_and_module(frame: str, name: str, mistake: str) -> None:
    feed = read(frame, f"{mistake}<{name}>Harbour plan</{name}>")
    assert feed.title == "Harbour plan"
    assert [(entry.url, entry.title) for entry in feed.entries] == [("http://news.example/a", "Harbour plan")]


@pytest.mark.parametrize(
    "other",
    [
        "<media:title>Photograph</media:title>",
        "<media:content><media:title>Photograph</media:title></media:content>",
        "<media:group><media:title>Photograph</media:title></media:group>",
        "<itunes:title>Episode</itunes:title>",
        "<dc:title>Record</dc:title>",
        "<own:title>Unknown</own:title>",
        "<image><title>Logo</title></image>",
        "<textInput><title>Search</title></textInput>",
        "<source><title>Agency</title></source>",
        "<author><title>Dr</title></author>",
        "<title/>",
        "<title>   </title>",
    ],
)
@pytest.mark.parametrize("frame", FRAMES)
def test_the_format_s_own_title_goes_before_others(frame: str, other: str) -> None:
    for order in itertools.permutations((TITLE, other)):
        feed = read(frame, "".join(order))
        assert (feed.title, feed.entries[0].title) == ("Harbour plan", "Harbour plan")


@pytest.mark.parametrize("other", ["<image><title>Logo</title></image>", "<own:title>Unknown</own:title>", ""])
def test_the_title_of_something_else_is_none(other: str) -> None:
    feed = read("RSS 2.0", other)
    assert (feed.title, feed.entries[0].title) == ("", "")


def test_the_feed_s_title_may_stand_after_the_items() -> None:
    body = b"<rss><channel><item><title>A</title><link>/a</link></item><title>Example</title></channel></rss>"
    assert parse_feed(body, URL, "", NOW).title == "Example"


ENCODED = base64.b64encode(b"Harbour <b>plan</b> &amp; vote").decode()


@pytest.mark.parametrize(
    ("element", "title"),
    [
        ("<title>Harbour plan &amp;amp; vote</title>", "Harbour plan & vote"),
        ("<title>Harbour plan &amp; vote</title>", "Harbour plan & vote"),
        ("<title><![CDATA[Harbour plan &amp; vote]]></title>", "Harbour plan & vote"),
        ("<title><![CDATA[Harbour plan & vote]]></title>", "Harbour plan & vote"),
        ("<title>\n Harbour \t plan\n</title>", "Harbour plan"),
        ("<title>Harbour &lt;b&gt;plan&lt;/b&gt;, vote</title>", "Harbour plan, vote"),
        ("<title>Harbour <b>plan</b>, vote</title>", "Harbour plan, vote"),
        ("<title><b>Harbour</b> <i>plan</i></title>", "Harbour plan"),
        ("<title>Harbour<br/>plan</title>", "Harbour plan"),
        ("<title><p>Harbour</p><p>plan</p></title>", "Harbour plan"),
        ('<title type="html">&lt;p&gt;Harbour&lt;/p&gt;&lt;p&gt;plan&lt;/p&gt;</title>', "Harbour plan"),
        (
            '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Harbour <em>pl</em>an</div></title>',
            "Harbour plan",
        ),
        ('<title mode="xml" type="application/xhtml+xml"><div>Harbour plan</div></title>', "Harbour plan"),
        (f'<title mode="base64" type="text/html">{ENCODED}</title>', "Harbour plan & vote"),
        (f'<title type="application/octet-stream">\n{ENCODED}\n</title>', "Harbour plan & vote"),
        ('<title mode="base64">not base64!</title>', "not base64!"),
        ("<title>Harbour&lt;script&gt;alert('&lt;b&gt;')&lt;/script&gt; plan</title>", "Harbour plan"),
        ("<title>Harbour plan&lt;script&gt;alert(1)</title>", "Harbour plan"),
        ("<title>Harbour plan&lt;!-- a &gt; b --&gt;</title>", "Harbour plan"),
        ("<title>Harbour plan&lt;!-- a</title>", "Harbour plan"),
        ("<title>Harbour<script>alert(1)</script> plan</title>", "Harbour plan"),
        ("<title>The harbour&#146;s plan</title>", "The harbour\u2019s plan"),
        ("<title>Profit &lt; loss &gt; 5</title>", "Profit < loss > 5"),
        ("<title>\u6e2f<b>\u8a08</b>\u753b</title>", "\u6e2f\u8a08\u753b"),
    ],
)
@pytest.mark.parametrize("frame", ["RSS 2.0", "Atom 1.0", "RSS 1.0"])
def test_markup_in_a_title(frame: str, element: str, title: str) -> None:
    feed = read(frame, element)
    assert (feed.title, feed.entries[0].title) == (title, title)


@pytest.mark.parametrize(
    ("links", "url"),
    [
        ('<link href="b" rel="alternate"/>', "http://news.example/feeds/b"),
        ('<link href="b"/>', "http://news.example/feeds/b"),
        ('<link href="pdf" type="application/pdf"/><link href="b" type="text/html"/>', "http://news.example/feeds/b"),
        ('<link rel="self" href="s"/><link rel="alternate" href="b"/>', "http://news.example/feeds/b"),
        ('<link rel="self" href="s"/>', "http://news.example/feeds/s"),
        ('<link rel="enclosure" href="s.mp3"/><id>http://news.example/b</id>', "http://news.example/b"),
        ('<link rel="related" href="http://other.example/"/><id>http://news.example/b</id>', "http://news.example/b"),
        ('<link xml:base="http://news.example/x/" href="b"/>', "http://news.example/x/b"),
        ("<link>http://news.example/b</link>", "http://news.example/b"),
        ('<guid>http://news.example/b</guid><link href=""/>', "http://news.example/b"),
    ],
)
def test_the_address_of_an_entry(links: str, url: str) -> None:
    body = f"<feed xmlns='{ATOM_10}'><entry><title>T</title>{links}</entry></feed>"
    assert [entry.url for entry in parse_feed(body.encode(), URL, "", NOW).entries] == [url]


@pytest.mark.parametrize(
    ("item", "url", "title"),
    [
        ("<title>A<link>http://n/a</link></item>", "http://n/a", "A"),
        ("<title>A</title></height><link>http://n/a</link></item>", "http://n/a", "A"),
        ("<title>A</title><link>http://n/a</link>", "http://n/a", "A"),
        ("<title>A < B</title><link>http://n/a</link></item>", "http://n/a", "A < B"),
        ("<title>A</title><link href=http://n/a?x=1&y=2 rel=alternate></item>", "http://n/a?x=1&y=2", "A"),
        ("<title>A&copy=2</title><link>http://n/a?b=1&copy=2</link></item>", "http://n/a?b=1&copy=2", "A&copy=2"),
        ("<TITLE>A</TITLE><LINK>http://n/a</LINK></ITEM>", "http://n/a", "A"),
        ("<title><![CDATA[A</title><link>http://n/a</link></item>", "http://n/a", "A"),
        ("<odd:title>no</odd:title><title>A</title><link>http://n/a</link></item>", "http://n/a", "A"),
        ("<dc:title>A</dc:title><link>http://n/a</link></item>", "http://n/a", "A"),
    ],
)
def test_a_broken_item(item: str, url: str, title: str) -> None:
    body = (
        f"<rss version='2.0'><channel><item>{item}<item><title>Next</title><link>http://n/next</link></item></channel>"
    )
    entries = parse_feed(body.encode(), URL, "", NOW).entries
    assert [(entry.url, entry.title) for entry in entries] == [(url, title), ("http://n/next", "Next")]


@pytest.mark.parametrize(
    "fields",
    [
        "<foo><title>A</title><link>http://n/a</link>",
        "<title>A</title><br><foo><link>http://n/a</link>",
        "<description>Text <p> of the harbour<guid>1</guid><title>A</title><link>http://n/a</link>",
        "<description>Text <p>more</p><category>x</category><title>A</title><link>http://n/a</link></item>",
        "<author>Ana<title>A</title><link>http://n/a</link>",
        "<title>A<pubDate>Sat, 28 Feb 2026 10:00:00 GMT<link>http://n/a",
    ],
)
def test_a_field_without_its_end_tag_hides_no_other(fields: str) -> None:
    start = "<rss version='2.0'><channel><title>Example</title><image><title>Logo</title>"
    body = f"{start}<item>{fields}</item><item><title>Next</title><link>http://n/next</link></item></channel></rss>"
    feed = parse_feed(body.encode(), URL, "", NOW)
    assert feed.title == "Example"
    assert [(entry.url, entry.title) for entry in feed.entries] == [("http://n/a", "A"), ("http://n/next", "Next")]


def test_items_may_lie_within_other_elements() -> None:
    item = "<item><title>A</title><link>/a</link><media:item><title>B</title></media:item></item>"
    body = f"<rss {SPACES}><channel><title>Example</title><articles><own:list>{item}{item}</own:list></articles>{item}"
    feed = parse_feed(f"{body}</channel></rss>".encode(), URL, "", NOW)
    assert (feed.title, [entry.title for entry in feed.entries]) == ("Example", ["A", "A", "A"])


@pytest.mark.parametrize("body", [RSS_20, RSS_091, RSS_090, RDF_10, ATOM])
def test_both_readings_agree_on_a_well_formed_feed(body: bytes) -> None:
    # the loose reading starts with the first mistake, here behind everything else
    assert parse_feed(body + b"<", URL, "", NOW) == parse_feed(body, URL, "", NOW)

import gzip
import json
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import pytest

from transforms.feeds.reader import parse_feed
from transforms.records import FeedEntry

URL = "http://news.example/feeds/top.xml"
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NINE = datetime(2026, 2, 28, 9, 0, 0, tzinfo=UTC)
TEN = datetime(2026, 2, 28, 10, 30, 0, tzinfo=UTC)

RSS_20 = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0">
<channel><title>The Example &amp; Times</title><link>http://news.example/</link><language>en-gb</language><ttl>30</ttl>
<item><title><![CDATA[Harbour <b>plan</b> &amp; vote]]></title><link>http://news.example/a?x=1&amp;y=2</link>
  <guid isPermaLink="false">tag:1</guid><pubDate>Sat, 28 Feb 2026 10:00:00 +0100</pubDate>
  <dc:creator>Ana Duarte</dc:creator><dc:creator>Bo Lind</dc:creator><category>Politics</category>
  <category>Harbour</category><description>&lt;p&gt;Short &amp;amp; plain.&lt;/p&gt;</description>
  <content:encoded><![CDATA[<p>long</p>]]></content:encoded></item>
<item><title>Second</title><link>/b</link><guid isPermaLink="false">http://news.example/not-a-link</guid></item>
<item><title>Permalink</title><guid>http://news.example/c</guid><author>jo@news.example (Jo March)</author></item>
<item><title>No permalink</title><guid isPermaLink="false">http://news.example/never</guid></item>
<item><title>Burnt</title><link>http://feeds.example/~r/1</link>
  <feedburner:origLink>http://news.example/d</feedburner:origLink><guid>20260101</guid></item>
<item><title>No link at all</title></item>
</channel></rss>"""

RSS_091 = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">
<rss version="0.91"><channel><title>Caf\xe9</title><language>fr</language>
<item><title>Le pr\xe9sident</title><link>http://news.example/a</link><description>Bonjour</description></item>
</channel></rss>"""

RSS_090 = b"""<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">
<channel><title>Old</title><link>http://news.example/</link></channel>
<item><title>One</title><link>http://news.example/a</link></item></rdf:RDF>"""

RDF = b"""<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">
<channel rdf:about="http://news.example/"><title>RDF News</title><link>http://news.example/</link>
<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency></channel>
<item rdf:about="http://news.example/a"><title>One</title><link>http://news.example/a</link>
<dc:date>2026-02-28T10:00:00+01:00</dc:date><dc:creator>Ana Duarte</dc:creator><dc:subject>Sea</dc:subject></item>
</rdf:RDF>"""

ATOM = b"""<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="http://news.example/base/">
<title type="html">Atom &amp;amp; Co</title><id>urn:x</id><updated>2026-02-28T10:30:00Z</updated>
<entry><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Big <em>news</em></div></title>
<link rel="self" href="http://news.example/a.atom"/><link rel="alternate" href="a"/><id>urn:1</id>
<published>2026-02-28T09:00:00Z</published><updated>2026-02-28T10:30:00Z</updated>
<author><name>Ana Duarte</name></author><author><name>Bo Lind</name></author><category term="sea" label="Sea"/>
<summary>Short</summary></entry>
<entry><title>Second</title><link href="http://news.example/b"/><id>urn:2</id><updated>2026-02-28T10:30:00Z</updated></entry>
</feed>"""

JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "JSON News",
        "language": "en",
        "items": [
            {
                "id": "1",
                "url": "/a",
                "title": "One",
                "date_published": "2026-02-28T10:00:00+01:00",
                "date_modified": "2026-02-28T10:30:00Z",
                "authors": [{"name": "Ana Duarte"}, {"name": "Bo Lind"}],
                "tags": ["Sea", "Harbour"],
                "summary": "Short",
            },
            {"id": "http://news.example/b", "content_text": "Two", "author": {"name": "Jo"}},
            {"id": 7, "title": "no link"},
            "nonsense",
        ],
    }
).encode()

NEWS_SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>http://news.example/a</loc><lastmod>2026-02-28T10:30:00Z</lastmod>
<news:news><news:publication><news:name>Example Times</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2026-02-28T10:00:00+01:00</news:publication_date><news:title>One &amp; only</news:title>
<news:keywords>Sea, Harbour</news:keywords></news:news><image:image><image:loc>http://i/x.jpg</image:loc></image:image></url>
<url><loc>http://news.example/old</loc><news:news><news:publication_date>2026-01-29</news:publication_date>
<news:title>Old</news:title></news:news></url>
<url><loc>http://news.example/edge</loc><news:news><news:publication_date>2026-01-30T12:00:00Z</news:publication_date>
<news:publication><news:language>en</news:language></news:publication><news:title>Edge</news:title></news:news></url>
</urlset>"""

SITEMAP = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc> http://news.example/a </loc><lastmod>2026-02-28T09:00:00Z</lastmod></url>
<url><loc>http://news.example/b?x=1&y=2</loc></url><url><lastmod>2026-02-28</lastmod></url>
<url><loc>http://news.example/1998</loc><lastmod>1998-05</lastmod></url></urlset>"""

INDEX = b"""<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><!-- made by hand -->
<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<sitemap><loc>http://news.example/news-1.xml.gz</loc><lastmod>2026-02-28T09:00:00Z</lastmod></sitemap>
<sitemap><loc>/news-2.xml</loc></sitemap>
<sitemap><loc>http://news.example/2019-05.xml</loc><lastmod>2019-06-01</lastmod></sitemap></sitemapindex>"""


def rss_of(items: list[tuple[str, str]]) -> bytes:
    body = "".join(f"<item><title>{escape(t)}</title><link>{escape(u)}</link></item>" for t, u in items)
    return f"<rss version='2.0'><channel><title>x</title>{body}</channel></rss>".encode()


def test_rss_20() -> None:
    feed = parse_feed(RSS_20, URL, "application/rss+xml", NOW)
    assert (feed.kind, feed.title, feed.language, feed.ttl_s) == ("rss", "The Example & Times", "en-gb", 1800)
    assert feed.entries == (
        FeedEntry(
            url="http://news.example/a?x=1&y=2",
            title="Harbour plan & vote",
            guid="tag:1",
            published_at=NINE,
            authors=("Ana Duarte", "Bo Lind"),
            summary="Short & plain.",
            tags=("Politics", "Harbour"),
            language="en-gb",
        ),
        FeedEntry(url="http://news.example/b", title="Second", guid="http://news.example/not-a-link", language="en-gb"),
        FeedEntry(
            url="http://news.example/c",
            title="Permalink",
            guid="http://news.example/c",
            authors=("Jo March",),
            language="en-gb",
        ),
        FeedEntry(url="http://news.example/d", title="Burnt", guid="20260101", language="en-gb"),
    )


def test_rss_091_with_a_label_and_a_public_document_type() -> None:
    feed = parse_feed(RSS_091, URL, "text/xml", NOW)
    assert (feed.kind, feed.title, feed.language) == ("rss", "Café", "fr")
    assert feed.entries == (
        FeedEntry(
            url="http://news.example/a",
            title="Le président",
            summary="Bonjour",
            language="fr",
        ),
    )


def test_rss_090() -> None:
    feed = parse_feed(RSS_090, URL, "", NOW)
    assert (feed.kind, feed.title) == ("rdf", "Old")
    assert feed.entries == (FeedEntry(url="http://news.example/a", title="One"),)


def test_rdf() -> None:
    feed = parse_feed(RDF, URL, "", NOW)
    assert (feed.kind, feed.title, feed.ttl_s) == ("rdf", "RDF News", 1800)
    assert feed.entries == (
        FeedEntry(
            url="http://news.example/a",
            title="One",
            guid="http://news.example/a",
            published_at=NINE,
            authors=("Ana Duarte",),
            tags=("Sea",),
        ),
    )


def test_atom() -> None:
    feed = parse_feed(ATOM, URL, "application/atom+xml", NOW)
    assert (feed.kind, feed.title, feed.language) == ("atom", "Atom & Co", "de")
    assert feed.entries == (
        FeedEntry(
            url="http://news.example/base/a",
            title="Big news",
            guid="urn:1",
            published_at=NINE,
            updated_at=TEN,
            authors=("Ana Duarte", "Bo Lind"),
            summary="Short",
            tags=("Sea",),
            language="de",
        ),
        FeedEntry(
            url="http://news.example/b", title="Second", guid="urn:2", published_at=TEN, updated_at=TEN, language="de"
        ),
    )


@pytest.mark.parametrize(("said", "language"), [("pt-BR", "pt-BR"), ("English", "de"), ("", "de")])
def test_an_entry_may_have_a_language_of_its_own(said: str, language: str) -> None:
    body = ATOM.replace(b"<entry>", f"<entry xml:lang='{said}'>".encode(), 1)
    assert [entry.language for entry in parse_feed(body, URL, "", NOW).entries] == [language, "de"]


def test_json_feed() -> None:
    feed = parse_feed(JSON, URL, "application/feed+json", NOW)
    assert (feed.kind, feed.title, feed.language) == ("json", "JSON News", "en")
    assert feed.entries == (
        FeedEntry(
            url="http://news.example/a",
            title="One",
            guid="1",
            published_at=NINE,
            updated_at=TEN,
            authors=("Ana Duarte", "Bo Lind"),
            summary="Short",
            tags=("Sea", "Harbour"),
            language="en",
        ),
        FeedEntry(
            url="http://news.example/b", guid="http://news.example/b", authors=("Jo",), summary="Two", language="en"
        ),
    )


def test_news_sitemap_leaves_out_entries_older_than_thirty_days() -> None:
    feed = parse_feed(NEWS_SITEMAP, URL, "application/xml", NOW)
    assert (feed.kind, feed.title, feed.language) == ("sitemap", "Example Times", "en")
    assert feed.entries == (
        FeedEntry(
            url="http://news.example/a",
            title="One & only",
            published_at=NINE,
            updated_at=TEN,
            tags=("Sea", "Harbour"),
            language="en",
        ),
        FeedEntry(
            url="http://news.example/edge",
            title="Edge",
            published_at=datetime(2026, 1, 30, 12, tzinfo=UTC),
            language="en",
        ),
    )


def test_plain_sitemap_with_a_bare_ampersand() -> None:
    feed = parse_feed(SITEMAP, URL, "application/xml", NOW)
    assert feed.kind == "sitemap"
    assert feed.entries == (
        FeedEntry(url="http://news.example/a", updated_at=NINE),
        FeedEntry(url="http://news.example/b?x=1&y=2"),
    )


@pytest.mark.parametrize("body", [INDEX, gzip.compress(INDEX), gzip.compress(INDEX[:99]) + gzip.compress(INDEX[99:])])
def test_sitemap_index_names_feeds(body: bytes) -> None:
    feed = parse_feed(body, URL, "application/x-gzip", NOW)
    assert feed.kind == "sitemap_index"
    assert feed.entries == (
        FeedEntry(url="http://news.example/news-1.xml.gz", updated_at=NINE, is_feed=True),
        FeedEntry(url="http://news.example/news-2.xml", is_feed=True),
    )


@pytest.mark.parametrize(
    ("body", "url", "title"),
    [
        (  # unescaped & and missing end tags
            "<?xml version='1.0'?><rss version='2.0'><channel><title>Broken & unescaped</title>"
            "<item><title>A & B</title><link>http://news.example/a?x=1&y=2</link></item>",
            "http://news.example/a?x=1&y=2",
            "A & B",
        ),
        (
            "<rss version='2.0'><channel><item><title>A&nbsp;B &eacute;</title><link>http://news.example/a</link></item></channel></rss>",
            "http://news.example/a",
            "A B é",
        ),
        (  # the same, but with CDATA that must stay unchanged
            "<rss><channel><title>A & B &AMP &#38; &nosuch;</title><item><title><![CDATA[A&amp;B]]></title>"
            "<link><![CDATA[http://news.example/a?x=1&y=2]]></link></item></channel></rss>",
            "http://news.example/a?x=1&y=2",
            "A&B",
        ),
        (  # warnings printed before the feed
            "<br />\n<b>Warning</b>: x in /y on line 3<br />\n<?xml version='1.0'?>\n<rss version='2.0'><channel><item>"
            "<title>A</title><link>http://news.example/a</link></item></channel></rss>",
            "http://news.example/a",
            "A",
        ),
        (  # a script added by a proxy
            "<rss version='2.0'><channel><item><title>A</title><link>http://news.example/a</link></item></channel></rss>"
            "<script>x</script>",
            "http://news.example/a",
            "A",
        ),
        (  # control characters
            "<rss version='2.0'><channel><item><title>A\x0bB</title><link>http://news.example/a</link></item></channel></rss>",
            "http://news.example/a",
            "AB",
        ),
        (
            "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>A & B</title><link href='/a?x=1&y=2'/></entry>",
            "http://news.example/a?x=1&y=2",
            "A & B",
        ),
        (
            "  \n\n <!-- c --> <rss version='2.0'><channel><item><title>A</title><link>http://news.example/a</link></item></channel></rss>",
            "http://news.example/a",
            "A",
        ),
    ],
)
def test_broken_feeds_yield_their_items(body: str, url: str, title: str) -> None:
    feed = parse_feed(body.encode(), URL, "text/xml", NOW)
    assert [(entry.url, entry.title) for entry in feed.entries] == [(url, title)]


def test_a_broken_item_has_all_fields_of_a_whole_one() -> None:
    whole = parse_feed(RSS_20, URL, "", NOW)
    broken = parse_feed(RSS_20.replace(b"</channel></rss>", b""), URL, "", NOW)
    assert (broken.kind, broken.title, broken.language, broken.ttl_s) == ("rss", whole.title, whole.language, 1800)
    assert broken.entries[0] == whole.entries[0]
    assert [entry.url for entry in broken.entries] == [entry.url for entry in whole.entries]


@pytest.mark.parametrize("reference", ["&#xD800;", "&#0;", "&#x110000;", "&#9999999;", "&#11;"])
def test_an_invalid_character_reference_is_a_replacement_character(reference: str) -> None:
    for body in (
        f"<rss><channel><item><title>a{reference}b</title><link>http://n/a</link></item></channel></rss>",
        f"<urlset><url><loc>http://n/a</loc><news><title>a{reference}b</title></news></url><x></urlset>",
    ):
        assert parse_feed(body.encode(), URL, "", NOW).entries[0].title == "a\ufffdb"


def test_links_are_kept_whatever_their_scheme() -> None:
    body = rss_of([("gopher", "gopher://127.0.0.1/x"), ("bad", "http://[::g]/x"), ("file", "file:///etc/passwd")])
    assert [entry.url for entry in parse_feed(body, URL, "", NOW).entries] == [
        "gopher://127.0.0.1/x",
        "http://[::g]/x",
        "file:///etc/passwd",
    ]


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", "iso-8859-1", "text/xml; charset=windows-1251"),
        ("utf-8-sig", "utf-16", ""),
        ("utf-16", "utf-16", ""),
        ("utf-16-le", "utf-16", ""),
        ("utf-16-be", "utf-8", ""),
        ("utf-32-le", "utf-32", ""),
        ("utf-32-be", "utf-8", "text/xml; charset=utf-8"),
        ("windows-1251", "windows-1251", ""),
        ("windows-1251", "utf-8", "text/xml; charset=windows-1251"),
        ("windows-1251", "windows-1251", "text/xml; charset=unicode_escape"),
        ("koi8-r", "KOI8-R", "text/xml; charset=utf-8"),
        ("koi8-r", "csKOI8R", ""),
        ("cp866", "IBM866", ""),
        ("cp866", "866", ""),
        ("mac-cyrillic", "x-mac-cyrillic", ""),
    ],
)
def test_charset(encoding: str, declared: str, content_type: str) -> None:
    text = rss_of([("Президент Ж", "http://news.example/a")]).decode()
    body = f"<?xml version='1.0' encoding='{declared}'?>{text}".encode(encoding)
    assert parse_feed(body, URL, content_type, NOW).entries[0].title == "Президент Ж"


@pytest.mark.parametrize("label", ["cp037", "ibm500", "ebcdic-cp-be"])
def test_ebcdic(label: str) -> None:
    body = f"<?xml version='1.0' encoding='{label}'?>{rss_of([('[é]', 'http://news.example/a')]).decode()}"
    codec = "cp037" if label == "cp037" else "cp500"
    assert parse_feed(body.encode(codec), URL, "", NOW).entries[0].title == "[é]"


def test_one_bad_byte_does_not_spoil_the_rest() -> None:
    body = rss_of([("Málaga – León", "http://news.example/a")]).replace(b"<title>", b"<title>\xff")
    assert parse_feed(body, URL, "", NOW).entries[0].title == "\ufffdMálaga – León"


def test_japanese_in_seven_bits_is_decoded() -> None:
    body = rss_of([("日本", "http://news.example/a")]).decode().encode("iso-2022-jp")
    assert parse_feed(body, URL, "text/xml; charset=iso-2022-jp", NOW).entries[0].title == "日本"

"""One feed takes at most a few seconds of CPU and some 300 MB, whatever it holds."""

import gzip
import os
import re
import resource
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from test_feeds import NOW, URL

from transforms.errors import FeedError, FeedTooComplex, FeedUnreadable
from transforms.feeds.discovery import read_opml
from transforms.feeds.formats.markup import MAX_INFLATED
from transforms.feeds.formats.rows import MAX_ENTRIES
from transforms.feeds.reader import parse_feed

HEAD = b"<rss version='2.0'><channel><title>Example</title>"
END = b"</channel></rss>"
ITEM = b"<item><title>T</title><link>http://news.example/%d</link></item>"
NEWS = b"http://www.google.com/schemas/sitemap-news/0.9"

MAX_CPU_S = 4.0
MAX_GROWTH_MB = 300


@dataclass(frozen=True)
class Reading:
    """What a body came to, in a process of its own; `grown_mb` is the growth of its largest resident size."""

    cpu_s: float = 0.0
    grown_mb: float = 0.0
    entries: int = 0
    truncated: bool = False
    error: str = ""


def read_alone(body: bytes) -> Reading:
    """Parse a body in a forked process that may use 10 s of CPU and 1 GB more than it inherits."""
    source, sink = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(sink, msgspec.json.encode(_read(body)))
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    os.close(sink)
    with os.fdopen(source, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    assert told, f"killed: status {status}"
    return msgspec.json.decode(told, type=Reading)


def _read(body: bytes) -> Reading:
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    # what tests before this one have left in the process counts too
    limit = inherited_bytes() + (1 << 30)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    entries, truncated, error = 0, False, ""
    try:
        feed = parse_feed(body, URL, "text/xml", NOW)
        entries, truncated = len(feed.entries), feed.truncated
    except FeedError as exc:
        error = f"{type(exc).__name__}: {exc}"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return Reading(time.process_time() - started, grown / 1024, entries, truncated, error)


def inherited_bytes() -> int:
    """Return what the limit of data counts in this process so far, where the system says so."""
    status = Path("/proc/self/status")
    found = re.search(r"^VmData:\s*(\d+) kB", status.read_text(), re.M) if status.exists() else None
    return int(found[1]) * 1024 if found else 0


def items(count: int) -> bytes:
    return b"".join(ITEM % i for i in range(count))


def attributes(count: int) -> bytes:
    return b" ".join(b"a%d='x'" % i for i in range(count))


FEEDS: dict[str, Callable[[], bytes]] = {
    "many items": lambda: gzip.compress(HEAD + items(700_000) + END, 1),
    "many items, broken": lambda: gzip.compress(HEAD + b"& " + items(700_000), 1),
    "many empty items": lambda: gzip.compress(HEAD + b"<item/>" * 7_000_000 + END, 1),
    "much text": lambda: gzip.compress(
        HEAD + items(1) + "<item><link>/</link><title>\U0001f600\x01".encode() + b"x " * 24_000_000, 1
    ),
    "many empty urls": lambda: gzip.compress(b"<urlset>" + b"<url/>" * 7_000_000 + b"</urlset>", 1),
    "junk dates": lambda: (
        HEAD
        + b"".join(
            b"<item><link>/%d</link><pubDate>%d Foo %d bar 12:%d baz %d qux</pubDate></item>" % (i, i, i * 7, i, i * 3)
            for i in range(9_000)
        )
        + END
    ),
    "long dates": lambda: HEAD + (b"<item><link>/</link><pubDate>" + b"1 " * 5_000 + b"</pubDate></item>") * 900 + END,
    "titles of scripts": lambda: gzip.compress(
        HEAD + (b"<item><link>/</link><title><![CDATA[" + b"<script>" * 2_400 + b"]]></title></item>") * 2_000 + END, 1
    ),
    "titles of references": lambda: (
        HEAD + (b"<item><link>/</link><title><![CDATA[" + b"&amp;" * 190 + b"]]></title></item>") * 10_000 + END
    ),
    "bases": lambda: HEAD + b"<item xml:base='http://n/'><link xml:base='1/' href='x'/></item>" * 100_000 + END,
    "many authors": lambda: HEAD + b"<item><link>/</link>" + b"<author>x@y (z)</author>" * 200_000 + b"</item>" + END,
    "namespaces": lambda: (
        HEAD + b"".join(b"<n:x xmlns:n='u%d'/>" % i for i in range(100_000)) + b"<item><link>/</link></item>" + END
    ),
    "long addresses": lambda: (
        HEAD + items(1) + (b"<item><link>http://n/" + b"a/../" * 100_000 + b"</link></item>") * 20 + END
    ),
    "addresses of dots": lambda: HEAD + (b"<item><link>" + b"a/../" * 1_500 + b"</link></item>") * 1_300 + END,
    "keywords": lambda: (
        b"<urlset>"
        + b"<url><loc>/</loc><n:news xmlns:n='%s'><n:keywords>%s</n:keywords></n:news></url>"
        % (NEWS, b"a," * 5_000)
        * 900
        + b"</urlset>"
    ),
    "JSON authors": lambda: b'{"items":[{"url":"/","authors":[' + b'{"name":"x"},' * 200_000 + b"{}]}]}",
}

HOPELESS: dict[str, tuple[Callable[[], bytes], str]] = {
    "root attributes": (lambda: b"<rss %s><channel/></rss>" % attributes(70_000), "more than 500 attributes"),
    "attributes, broken": (lambda: b"<rss %s><channel>" % attributes(70_000), "more than 500 attributes"),
    "elements": (lambda: HEAD + b"<a/>" * 2_500_000 + END, "more than 500000 elements"),
    "names": (lambda: HEAD + b"".join(b"<a%d/>" % i for i in range(900_000)) + END, "more than 500000 elements"),
    "depth": (lambda: HEAD + b"<item>" + b"<a>" * 3_000_000, "more than 1000000 tags"),
    "depth, well-formed": (lambda: HEAD + b"<a>" * 1_200_000 + b"</a>" * 1_200_000 + END, "more than 1000000 tags"),
    "brackets": (lambda: b"<rss>" + b"<" * 10_000_000, "more than 1000000 tags"),
    "open comments": (lambda: HEAD + b"<!--" * 2_400_000, "more than 1000000 tags"),
    "open quotes": (lambda: b"<rss>" + b"<a b=\"' " * 1_200_000, "more than 1000000 tags"),
    "spaces": (lambda: gzip.compress(b"<rss>" + b" " * 60_000_000), "too long"),
    "much JSON": (lambda: gzip.compress(b'{"items":[' + b" " * 60_000_000), "too long"),
    "JSON arrays": (lambda: b'{"items":[' + b"[]," * 3_300_000 + b"[]]}", "more than 1000000 JSON values"),
}


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_is_read_within_bounds(name: str) -> None:
    reading = read_alone(FEEDS[name]())
    assert not reading.error
    assert reading.entries or "empty" in name
    assert reading.cpu_s < MAX_CPU_S
    assert reading.grown_mb < MAX_GROWTH_MB


@pytest.mark.parametrize("name", HOPELESS)
def test_a_feed_beyond_the_bounds_is_refused_in_one_line(name: str) -> None:
    make, words = HOPELESS[name]
    reading = read_alone(make())
    assert reading.error.startswith("FeedTooComplex")
    assert words in reading.error
    assert "\n" not in reading.error
    assert reading.cpu_s < MAX_CPU_S
    assert reading.grown_mb < MAX_GROWTH_MB


@pytest.mark.parametrize(
    "body",
    [
        HEAD + items(MAX_ENTRIES + 5) + END,
        HEAD + b"&x " + items(MAX_ENTRIES + 5),
        b"<urlset>" + b"<url><loc>/a</loc></url>" * (MAX_ENTRIES + 5) + b"</urlset>",
        b'{"items":[' + b'{"url":"/"},' * (MAX_ENTRIES + 5) + b'{"url":"/"}]}',
    ],
    ids=["well-formed", "broken", "sitemap", "JSON"],
)
def test_the_first_entries_are_read_and_the_feed_says_that_there_are_more(body: bytes) -> None:
    feed = parse_feed(body, URL, "", NOW)
    assert (len(feed.entries), feed.truncated) == (MAX_ENTRIES, True)


@pytest.mark.parametrize("start", [b"", b"&x "], ids=["well-formed", "broken"])
def test_of_a_very_long_feed_the_whole_entries_of_the_first_part_are_read(start: bytes) -> None:
    row = b"<item><link>http://news.example/0123456789</link><description>" + b"x" * 9_990 + b"</description></item>"
    feed = parse_feed(gzip.compress(HEAD + start + row * 3_000 + END, 1), URL, "", NOW)
    assert (len(feed.entries), feed.truncated) == (MAX_INFLATED // len(row), True)
    assert {entry.url for entry in feed.entries} == {"http://news.example/0123456789"}


def test_a_feed_that_is_read_whole_is_not_truncated() -> None:
    assert not parse_feed(HEAD + items(3) + END, URL, "", NOW).truncated


def test_html_without_end_tags_is_not_too_deep() -> None:
    body = HEAD + b"<item><link>/a</link><description>" + b"<p>Text<br>" * 400 + b"</description></item>" + items(2)
    assert len(parse_feed(body, URL, "", NOW).entries) == 3


def test_a_list_of_feeds_with_too_many_attributes_is_refused() -> None:
    started = time.process_time()
    with pytest.raises(FeedTooComplex):
        read_opml(b"<opml><body><outline %s/></body></opml>" % attributes(70_000))
    assert time.process_time() - started < 1


@pytest.mark.parametrize("label", ["punycode", "idna", "unicode_escape", "utf-7", "rot13", "zlib", "undefined"])
def test_a_codec_that_is_no_charset_is_not_used(label: str) -> None:
    body = f"<?xml version='1.0' encoding='{label}'?>".encode() + HEAD + b"<item><link>/a</link></item>" + END
    for spoilt in (body, body.replace(b"Example", b"Caf\xe9")):
        feed = parse_feed(spoilt, URL, f"text/xml; charset={label}", NOW)
        assert [entry.url for entry in feed.entries] == ["http://news.example/a"]
        assert feed.title in ("Example", "Café")


def test_a_page_is_still_no_feed() -> None:
    with pytest.raises(FeedUnreadable):
        parse_feed(b"<html " + attributes(70_000) + b">", URL, "", NOW)

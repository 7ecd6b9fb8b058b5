import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import InvalidUrl, NewsbeamError, UnsupportedScheme
from transforms.records import FeedEntry
from transforms.urls import (
    TRACKING_PARAMETERS,
    article_id,
    canonical_url,
    host_of,
    link_of,
    url_key,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

hosts = st.sampled_from(
    ["example.com", "EXAMPLE.com", "bücher.example", "www.example.com.", "10.0.0.1", "[::1]", "a_b.example", "☃.net"]
)
ports = st.sampled_from(["", ":", ":80", ":443", ":8080", ":0080"])
pieces = st.text(st.characters(), max_size=12)
pairs = st.tuples(st.sampled_from(["id", "utm_source", "ref", "UTM_X", "fbclid", "a%20b", "ü", ""]), pieces)


@st.composite
def web_addresses(draw: st.DrawFn) -> str:
    query = "&".join(f"{name}={value}" for name, value in draw(st.lists(pairs, max_size=4)))
    scheme = draw(st.sampled_from(["http", "https", "HTTP", "httpS"]))
    path = "/".join(draw(st.lists(pieces, max_size=4)))
    return f"{scheme}://{draw(hosts)}{draw(ports)}/{path}?{query}#{draw(pieces)}"


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM:443/A/b", "https://example.com/A/b"),
        ("http://example.com:80/", "http://example.com/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("http://example.com:/x", "http://example.com/x"),
        ("http://example.com:08080/x", "http://example.com:8080/x"),
        (f"http://example.com:{'0' * 5000}81/x", "http://example.com:81/x"),
        ("  http://example.com/a\n/b\t ", "http://example.com/a/b"),
        ("http:\\\\example.com\\a", "http://example.com/a"),
        ("http:example.com/a", "http://example.com/a"),
        ("http://example.com/a#comments", "http://example.com/a"),
        ("http://example.com/a?#x", "http://example.com/a"),
        ("http://example.com/a?utm_source=rss&id=7&fbclid=x&b=Q", "http://example.com/a?id=7&b=Q"),
        ("http://example.com/a?b=2&a=1&b=1", "http://example.com/a?b=2&a=1&b=1"),
        ("http://example.com/a?UTM_Source=x&mtm_campaign=y", "http://example.com/a"),
        ("http://example.com/a?utm%5Fsource=x", "http://example.com/a"),
        ("http://example.com/a?utm=1&reference=2", "http://example.com/a?utm=1&reference=2"),
        ("http://www.example.com/a?ref=example.com", "http://www.example.com/a"),
        ("http://example.com/a?ref=https%3A%2F%2Fexample.com%2F&x", "http://example.com/a?x"),
        ("http://example.com/a?ref=other.example", "http://example.com/a?ref=other.example"),
        ("http://example.com/a?ref=7", "http://example.com/a?ref=7"),
        ("http://example.com/a?id=", "http://example.com/a?id="),
        ("http://example.com/a?id", "http://example.com/a?id"),
        ("http://example.com/A%2fB", "http://example.com/A%2FB"),
        ("http://example.com/é b", "http://example.com/%C3%A9%20b"),
        ("http://example.com/100%", "http://example.com/100%"),
        ("http://example.com/a/../b/./c/..", "http://example.com/b/"),
        ("http://example.com/../../a", "http://example.com/a"),
        ("http://example.com/a/%2E%2e/b", "http://example.com/b"),
        ("http://example.com//a//b", "http://example.com//a//b"),
        ("http://Bücher.example/ß", "http://xn--bcher-kva.example/%C3%9F"),
        ("http://☃.net/", "http://xn--n3h.net/"),
        ("http://ex%41mple.com/", "http://example.com/"),
        ("http://under_score.example/", "http://under_score.example/"),
        ("http://[::0001]:8080/x", "http://[::1]:8080/x"),
        ("http://user:pass@example.com/", "http://user:pass@example.com/"),
        ("http://user:p:a=s;s^@example.com/", "http://user:p:a=s;s^@example.com/"),
        ("http://a@b:c@example.com/", "http://a%40b:c@example.com/"),
        ("http://user:@example.com/", "http://user@example.com/"),
        ("http://user::@example.com/", "http://user::@example.com/"),
        ("http://example.com/a^b?c^d", "http://example.com/a^b?c^d"),
        ("http://example.com/a%5eb", "http://example.com/a%5Eb"),
        ("http://example.com/a?'\"<>`{}|", "http://example.com/a?%27%22%3C%3E`{}|"),
        ("http://example.com/a b#c d ", "http://example.com/a%20b"),
        # https://url.spec.whatwg.org/#concept-ipv4-parser
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://:@example.com/", "http://example.com/"),
        ("http://example.com?utm_source=a?b", "http://example.com/"),
        ("http://example.com/\ud800", "http://example.com/%3F"),
    ],
)
def test_key(url: str, key: str) -> None:
    assert canonical_url(url) == key
    assert canonical_url(key) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://example.com/a", "https://example.com/a"),
        ("http://example.com/a", "http://example.com/a/"),
        ("http://example.com/a", "http://example.com/A"),
        ("http://example.com/?id=a", "http://example.com/?id=A"),
        ("http://example.com/?a=1&b=2", "http://example.com/?b=2&a=1"),
        ("http://www.example.com/a", "http://example.com/a"),
        ("http://example.com/a%2Fb", "http://example.com/a/b"),
    ],
)
def test_urls_that_may_be_two_articles_have_different_keys(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize("name", sorted(TRACKING_PARAMETERS))
def test_every_tracking_parameter_is_removed(name: str) -> None:
    assert canonical_url(f"https://example.com/a?id=1&{name.upper()}=x") == "https://example.com/a?id=1"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", InvalidUrl),
        ("/a/b", InvalidUrl),
        ("//example.com/a", InvalidUrl),
        ("http://", InvalidUrl),
        ("http:///?x", InvalidUrl),
        ("http://exa mple.com/", InvalidUrl),
        ("http://example.com:70000/", InvalidUrl),
        ("http://example.com:port/", InvalidUrl),
        ("http://example.com:-1/", InvalidUrl),
        (f"http://{'ü' * 5000}/", InvalidUrl),
        ("http://[::g]/", InvalidUrl),
        ("http://256.1.1.1/", InvalidUrl),
        ("http://www.example.1/", InvalidUrl),
        ("http://{s}.tile.example/", InvalidUrl),
        ('http://example.com"/', InvalidUrl),
        ("http://a%00b/", InvalidUrl),
        ("gopher://127.0.0.1/x", UnsupportedScheme),
        ("file:///etc/passwd", UnsupportedScheme),
        ("javascript:alert(1)", UnsupportedScheme),
        ("mailto:a@example.com", UnsupportedScheme),
    ],
)
def test_an_address_that_cannot_be_fetched_has_its_own_error(url: str, error: type[NewsbeamError]) -> None:
    with pytest.raises(error):
        canonical_url(url)
    assert url_key(url) == url


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(web_addresses())
def test_canonical_is_idempotent_and_ascii(url: str) -> None:
    key = canonical_url(url)
    assert canonical_url(key) == key
    assert key.isascii()
    assert "#" not in key
    assert not any(pair.lower().startswith("utm_") for pair in key.partition("?")[2].split("&"))
    assert host_of(url) == host_of(key) != ""


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(st.characters())
    | st.builds(str.__add__, st.sampled_from(["http://", "https:", "http://%41"]), st.text(st.characters()))
)
def test_any_text_has_a_key_that_can_be_stored(url: str) -> None:
    try:
        canonical_url(url)
    except NewsbeamError as exc:
        assert isinstance(exc, InvalidUrl | UnsupportedScheme)
    key = url_key(url)
    assert url_key(key) == key
    assert "\x00" not in key
    key.encode()
    assert len(article_id(key)) == 32
    assert host_of(url) == host_of(url).lower()


def test_a_key_can_be_stored_in_a_database() -> None:
    assert url_key("gopher://a\x00b\ud800") == "gopher://a\ufffdb\ufffd"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Example.com:8080/a", "example.com"),
        ("http://u:p@example.com", "example.com"),
        ("http://[::1]:80/", "::1"),
        ("gopher://127.0.0.1/x", "127.0.0.1"),
        ("file:///etc/passwd", ""),
        ("nonsense", ""),
    ],
)
def test_host(url: str, host: str) -> None:
    assert host_of(url) == host


def test_article_id_is_the_head_of_sha_256() -> None:
    assert article_id("http://example.com/a") == "5bd48fa66118084cc32779267a31116d"


def test_link_keeps_the_spelling_and_the_feeds_hints() -> None:
    entry = FeedEntry(
        url="http://Example.com/a?utm_source=rss", title="T", authors=("A",), language="en", published_at=NOW
    )
    link = link_of(entry, "http://example.com/feed", NOW)
    assert (link.url, link.canonical_url, link.host) == (entry.url, "http://example.com/a", "example.com")
    assert link.article_id == article_id("http://example.com/a")
    assert (link.feed_url, link.discovered_at, link.title, link.authors, link.published_at, link.language) == (
        "http://example.com/feed",
        NOW,
        "T",
        ("A",),
        NOW,
        "en",
    )


def test_a_host_longer_than_dns_allows_is_refused_at_once() -> None:
    cjk = "\u6e2f"
    hosts = ["a" * 64, "a." * 128, cjk * 990, f"{cjk * 64}.example", "\u3002".join([cjk * 60] * 5), "%E6%B8%AF" * 990]
    started = time.process_time()
    for host in hosts * 10:
        for url in (f"http://{host}/a", f"http://user:p@{host}:80/a", f"http:\\\\{host}\\a"):
            with pytest.raises(InvalidUrl):
                canonical_url(url)
            assert len(url_key(url)) <= len(url)
    assert time.process_time() - started < 1


def test_a_host_as_long_as_dns_allows_is_kept() -> None:
    host = ".".join(["a" * 63] * 3) + "." + "b" * 61
    assert canonical_url(f"http://{host}/a") == f"http://{host}/a"
    assert canonical_url(f"http://{host}./a") == f"http://{host}./a"
    assert canonical_url(f"http://{'u' * 300}:p@news.example/") == f"http://{'u' * 300}:p@news.example/"
    assert canonical_url("http://[0000:0000:0000:0000:0000:0000:0000:0001]/" + "a" * 300).startswith("http://[::1]/a")

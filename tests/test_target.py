import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import InvalidUrl, NewsbeamError, UnsupportedScheme
from transforms.fetch.target import follow_location, parse_target


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://A.example", "http://a.example/"),
        (" https://a.example:443/X?utm_source=rss&b=%20c#frag ", "https://a.example/X?utm_source=rss&b=%20c"),
        ("http://a.example:8080/ä?ö=ü", "http://a.example:8080/%C3%A4?%C3%B6=%C3%BC"),
        ("http://a.example/a b?c d", "http://a.example/a%20b?c%20d"),
        ("http://a.example/x/../../y/./z", "http://a.example/y/z"),
        ("http://a.example/x/%2e%2e/private", "http://a.example/private"),
        ("http://münchen.example/", "http://xn--mnchen-3ya.example/"),
        ("http://%61.example/", "http://a.example/"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://[2001:DB8::0:1]/", "http://[2001:db8::1]/"),
        ("http://user:secret@a.example/", "http://a.example/"),
        ("http://a.example?q=1", "http://a.example/?q=1"),
        ("http://a.example/?a=b?c", "http://a.example/?a=b?c"),
        ("http:\\\\a.example\\x", "http://a.example/x"),
        ("http://a.example/a\n b?c\td", "http://a.example/a%20b?cd"),
    ],
)
def test_an_address_is_read_as_a_browser_reads_it(url: str, asked: str) -> None:
    assert parse_target(url).url == asked


def test_the_host_follows_the_last_at_sign() -> None:
    target = parse_target("http://good.example:80@127.0.0.1/")
    assert target.host == "127.0.0.1"
    assert target.userinfo == "good.example:80"
    assert "good.example" not in repr(target)


def test_one_host_has_one_pace_whatever_the_port_scheme_and_trailing_dot() -> None:
    assert parse_target("https://a.example.:444/").site == parse_target("http://A.example/").site


@pytest.mark.parametrize(
    "url", ["gopher://a.example/", "file:///etc/passwd", "ftp://a.example/", "javascript:alert(1)"]
)
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(UnsupportedScheme):
        parse_target(url)


@pytest.mark.parametrize(
    "url", ["", "a.example/x", "http://", "http:///", "http://a b.example/", "http://a.example:99999/", "http://[::1/"]
)
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl):
        parse_target(url)


def test_an_overlong_address_is_refused() -> None:
    with pytest.raises(InvalidUrl):
        parse_target("http://a.example/" + "x" * 20_000)


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("/y", "https://a.example/y"),
        ("y?z", "https://a.example/b/y?z"),
        ("//c.example", "https://c.example/"),
        ("http://c.example/ü", "http://c.example/%C3%BC"),
        (" ?q ", "https://a.example/b/c?q"),
    ],
)
def test_a_location_is_resolved_against_its_page(location: str, asked: str) -> None:
    assert follow_location(parse_target("https://a.example/b/c"), location).url == asked


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=80))
def test_any_text_is_a_target_or_a_known_error(text: str) -> None:
    for url in (text, f"http://{text}", f"http://a.example/{text}", f"http://a.example/?{text}"):
        try:
            target = parse_target(url)
        except NewsbeamError:
            continue
        assert all(0x21 <= ord(character) <= 0x7E for character in target.path + target.netloc)
        assert parse_target(target.url).url == target.url


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=80))
def test_any_location_is_a_target_or_a_known_error(text: str) -> None:
    try:
        target = follow_location(parse_target("http://a.example/b/c"), text)
    except NewsbeamError:
        return
    assert target.scheme in ("http", "https")

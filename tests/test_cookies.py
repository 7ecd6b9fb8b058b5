import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.fetch.cookies import CookieJar
from transforms.fetch.target import parse_target

WWW = parse_target("https://www.news.example/a")


@pytest.mark.parametrize(
    ("line", "url", "sent"),
    [
        ("a=1; Path=/; HttpOnly", "https://www.news.example/b", "a=1"),
        ("a=1", "http://www.news.example/b", "a=1"),
        ("a=1; Secure", "http://www.news.example/b", ""),
        ("a=1; Secure", "https://www.news.example/b", "a=1"),
        ("a=1", "https://news.example/", ""),
        ("a=1", "https://x.www.news.example/", ""),
        ("a=1; Domain=.news.example", "https://news.example/", "a=1"),
        ("a=1; domain=NEWS.example", "https://m.news.example/", "a=1"),
        ("a=1; Domain=other.example", "https://other.example/", ""),
        ("a=1; Domain=ews.example", "https://ews.example/", ""),
        ("a=b=c", "https://www.news.example/b", "a=b=c"),
        ("a=1; Max-Age=0", "https://www.news.example/b", ""),
        ("a=1; Max-Age=-5", "https://www.news.example/b", ""),
        ("a=1; Max-Age=60", "https://www.news.example/b", "a=1"),
        ("just words", "https://www.news.example/b", ""),
        ("=1", "https://www.news.example/b", ""),
        ("a=\r\nX-Evil: 1", "https://www.news.example/b", ""),
        ("a=é", "https://www.news.example/b", ""),
        ("a=" + "x" * 5_000, "https://www.news.example/b", ""),
    ],
)
def test_a_cookie_is_sent_only_where_it_belongs(line: str, url: str, sent: str) -> None:
    jar = CookieJar()
    jar.store(WWW, [line])
    assert jar.header(parse_target(url)) == sent


def test_the_last_value_counts_and_the_number_is_limited() -> None:
    jar = CookieJar()
    jar.store(WWW, ["a=1", "b=2", "a=3", *(f"c{n}=x" for n in range(100)), "a=4"])
    sent = jar.header(WWW)
    assert sent.startswith("a=4; b=2; c0=x")
    assert sent.count("=") == 30


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_line_is_stored_or_ignored(lines: list[str]) -> None:
    jar = CookieJar()
    jar.store(WWW, lines)
    header = jar.header(WWW)
    assert header.isascii()
    assert header.isprintable()

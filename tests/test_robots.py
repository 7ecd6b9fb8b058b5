import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import NewsbeamError, RobotsUnavailable
from transforms.fetch.robots import (
    MAX_REMEMBERED,
    MAX_REMEMBERED_BYTES,
    MAX_ROBOTS_BYTES,
    RobotsCache,
    RobotsRules,
    allow_all,
    product_of,
    read_robots,
)
from transforms.fetch.target import Target, parse_target

SITE = "https://news.example"


@pytest.mark.parametrize(
    ("user_agent", "product"),
    [("newsbeam/0.1 (+https://a.example)", "newsbeam"), ("News-Beam_x 2", "News-Beam_x"), ("1", "*"), ("", "*")],
)
def test_the_product_token_is_the_first_word(user_agent: str, product: str) -> None:
    assert product_of(user_agent) == product


def test_our_own_group_takes_precedence_over_the_wildcard() -> None:
    rules = read_robots(b"User-agent: *\nDisallow: /\n\nUser-agent: NewsBeam\nDisallow: /private/\n", "newsbeam")
    assert rules.allows(f"{SITE}/a")
    assert not rules.allows(f"{SITE}/private/a")


def test_the_longest_rule_decides() -> None:
    rules = read_robots(b"User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /*.pdf$\n", "newsbeam")
    assert not rules.allows(f"{SITE}/a/c")
    assert rules.allows(f"{SITE}/a/b/c")
    assert not rules.allows(f"{SITE}/x.pdf")
    assert rules.allows(f"{SITE}/x.pdf?y")


def test_a_group_for_another_crawler_does_not_apply() -> None:
    rules = read_robots(b"User-agent: beam\nDisallow: /\n", "newsbeam")
    assert rules.allows(f"{SITE}/a")


def test_a_byte_order_mark_and_bad_bytes_do_no_harm() -> None:
    rules = read_robots(b"\xef\xbb\xbfUser-agent: *\n# \xff\xfe\nDisallow: /x\nCrawl-delay: 2.5\n", "newsbeam")
    assert not rules.allows(f"{SITE}/x")
    assert rules.crawl_delay_s == 2.5


def test_only_the_first_500_kib_count() -> None:
    body = b"User-agent: *\n" + b"#" * MAX_ROBOTS_BYTES + b"\nDisallow: /\n"
    assert read_robots(body, "newsbeam").allows(f"{SITE}/a")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=2_000))
def test_any_bytes_are_read(body: bytes) -> None:
    rules = read_robots(b"User-agent: *\nDisallow: " + body, "newsbeam")
    assert rules.allows(f"{SITE}/robots.txt")
    assert rules.allows(f"{SITE}/a/b?c=d") in (True, False)
    assert rules.crawl_delay_s >= 0


def test_without_a_robots_txt_everything_is_allowed() -> None:
    assert allow_all("newsbeam").allows(f"{SITE}/private/")


class Web:
    """Counts how often each robots.txt is fetched; all have the same size."""

    def __init__(self, answer: RobotsRules | NewsbeamError) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def fetch(self, target: Target) -> RobotsRules | NewsbeamError:
        self.asked.append(target.host)
        await asyncio.sleep(0)
        return self.answer


def find_all(web: Web, hosts: list[str]) -> None:
    async def find() -> None:
        cache = RobotsCache(web.fetch)
        for host in hosts:
            targets = [parse_target(f"http://{host}/{n}") for n in range(3)]
            assert await asyncio.gather(*map(cache.find, targets)) == [web.answer] * 3

    asyncio.run(find())


@pytest.mark.parametrize("answer", [allow_all("newsbeam"), RobotsUnavailable("x")])
def test_one_fetch_serves_waiting_and_later_requests(answer: RobotsRules | NewsbeamError) -> None:
    web = Web(answer)
    find_all(web, ["a.example", "b.example", "a.example"])
    assert web.asked == ["a.example", "b.example"]


@pytest.mark.parametrize(("size", "kept"), [(1, MAX_REMEMBERED), (MAX_REMEMBERED_BYTES // 10, 10)])
def test_the_cache_is_limited_by_number_and_by_size(size: int, kept: int) -> None:
    hosts = [f"site{n}.example" for n in range(kept + 1)]
    web = Web(RobotsRules(None, "newsbeam", size=size))
    find_all(web, [*hosts, hosts[-1], hosts[1], hosts[0]])
    assert web.asked == [*hosts, hosts[0]]

"""Which parts of an answer the fetcher reads, and which it leaves unread."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from test_fetch import POLICY, fetch_all, fetch_one
from tinyserver import Seen, TinyServer, answer

from transforms.errors import (
    ContentTypeRejected,
    TooLarge,
)
from transforms.fetch.fetcher import Fetcher, FetchPolicy
from transforms.records import FetchedPage

# Bodies.


def test_a_decompression_bomb_takes_little_memory() -> None:
    bomb = answer(200, gzip.compress(b"<p>" + b"0" * 100_000_000, 1), content_encoding="gzip")
    with TinyServer({"*": lambda seen: bomb}) as server, Fetcher(POLICY) as fetcher:
        tracemalloc.start()
        try:
            with pytest.raises(TooLarge):
                fetcher.fetch_page(f"{server.base}/a")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    # the limit is 10 MB, held once, in pieces
    assert peak < 25_000_000


def test_the_limit_of_a_body_is_exact() -> None:
    policy = FetchPolicy(host_delay_s=0, allow_private_addresses=True, max_body_bytes=1_000)

    async def stream(body: bytes) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
        yield body

    routes = {
        "/fits": lambda seen: answer(200, b"x" * 1_000),
        "/long": lambda seen: answer(200, b"x" * 1_001),
        "/stream-fits": lambda seen: stream(b"x" * 1_000),
        "/stream-long": lambda seen: stream(b"x" * 1_001),
        "/gzip-long": lambda seen: answer(200, gzip.compress(b"x" * 1_001), content_encoding="gzip"),
    }
    with TinyServer(routes) as server, Fetcher(policy) as fetcher:
        found = fetch_all(fetcher, [server.base + path for path in routes])
    kinds = [type(outcome) for outcome in found]
    assert kinds == [FetchedPage, TooLarge, FetchedPage, TooLarge, TooLarge]


@pytest.mark.parametrize(
    ("content_type", "body", "page_like"),
    [
        ("text/html; charset=utf-8", b"hello", True),
        ("TEXT/HTML", b"<p>", True),
        ("application/xhtml+xml", b"<html>", True),
        ("text/html, text/html", b"<p>", True),
        ("", b"<!DOCTYPE html><title>x</title>", True),
        ("text/plain", b"\n<html lang=en>", True),
        ("application/octet-stream", b"<!-- x --><html>", True),
        ("text/plain", b"plain words", False),
        ("", b"\x00\x01\x02", False),
        ("application/pdf", b"%PDF-1.7", False),
        ("text/html", b"%PDF-1.7", False),
        ("text/html", b"\x89PNG\r\n", False),
        ("image/jpeg", b"", False),
        ("application/json", b"{}", False),
        ("application/rss+xml", b"<rss>", False),
        ("video/mp4", b"", False),
        ("text/html", b"", True),
        ("", b"", True),
    ],
)
def test_only_what_can_be_an_article_is_read(content_type: str, body: bytes, page_like: bool) -> None:
    with TinyServer({"*": lambda seen: answer(200, body, content_type=content_type)}) as server:
        if page_like:
            assert fetch_one(f"{server.base}/a").body == body
        else:
            with pytest.raises(ContentTypeRejected):
                fetch_one(f"{server.base}/a")


def test_an_answer_that_is_not_an_article_is_not_read_to_its_end() -> None:
    async def film(seen: Seen) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n"
        while True:
            yield b"\0" * 65_536

    with TinyServer({"*": film}) as server, pytest.raises(ContentTypeRejected):
        fetch_one(f"{server.base}/a")

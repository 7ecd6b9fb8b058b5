import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import FeedUnreadable
from transforms.feeds.discovery import find_feeds, read_feed_list, read_opml

URL = "http://news.example/section/index.html"

PAGE = b"""<!doctype html><html><head><meta charset=iso-8859-1><title>x</title>
<link rel="stylesheet" href="/s.css"><link rel=alternate type="application/rss+xml" title="All" href="/feed.xml">
<link rel="Alternate home" type="application/atom+xml; charset=utf-8" href="atom?a=1&amp;b=2">
<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1" title="JSON">
<link rel="alternate" type="application/feed+json" href="//cdn.example/feed.json">
<link rel="alternate" type="application/json" href="/feed.json">
<link rel="alternate" hreflang="de" href="/de/"><link rel="alternate" type="application/rss+xml">
<link rel=alternate type="application/rss+xml" href="/feed.xml"></head><body>caf\xe9</body></html>"""


def test_feeds_of_a_page_are_absolute_and_in_page_order() -> None:
    assert find_feeds(PAGE, URL) == (
        "http://news.example/feed.xml",
        "http://news.example/section/atom?a=1&b=2",
        "http://cdn.example/feed.json",
        "http://news.example/feed.json",
    )


def test_the_base_of_a_page_applies() -> None:
    page = b"<base href='http://other.example/x/'><link rel=alternate type=application/rss+xml href=feed>"
    assert find_feeds(page, URL) == ("http://other.example/x/feed",)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary() | st.binary().map(b"<html><link rel=alternate type=application/rss+xml href=".__add__))
def test_any_page_gives_a_tuple(page: bytes) -> None:
    assert isinstance(find_feeds(page, URL), tuple)


def test_opml_is_read_through_nested_outlines() -> None:
    body = b"""<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY e "x">]><opml version="2.0">
      <head><title>&e;</title></head><body>
      <outline text="Papers"><outline type="rss" text="A & B" xmlUrl="http://a.example/feed?x=1&y=2"/>
      <outline text="More"><outline xmlurl=" http://b.example/feed "/></outline></outline>
      <outline type="rss" xmlUrl="http://b.example/feed"/><outline text="empty" xmlUrl=""/></body></opml>"""
    assert read_opml(body) == ("http://a.example/feed?x=1&y=2", "http://b.example/feed")


@pytest.mark.parametrize("body", [b"", b"http://a.example/feed", b"<rss/>"])
def test_anything_but_opml_is_refused(body: bytes) -> None:
    with pytest.raises(FeedUnreadable):
        read_opml(body)


def test_a_feed_list_has_one_address_per_line() -> None:
    text = "\ufeff# papers\nhttp://a.example/feed\n\n  http://b.example/feed#top  # Bee\r\n"
    text += "http://a.example/feed\nlocal.opml\t# x"
    assert read_feed_list(text) == ("http://a.example/feed", "http://b.example/feed#top", "local.opml")

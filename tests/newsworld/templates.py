"""Render stories as pages, with templates modelled on those of real content management systems.

What surrounds the story (menus, promos, related boxes, comments) is taken from CLUTTER, so that tests can check that
none of it became part of an article.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from newsworld.stories import Story

CLUTTER = {
    "cookies": "We and our 84 partners store information on your device to measure how our pages are used.",
    "newsletter": "Sign up for our morning newsletter and get the day's stories in your inbox.",
    "related": "Council tax to rise by four per cent, draft budget shows",
    "most read": "Ten walks to take before the clocks go back",
    "comment": "tidewatcher: about time somebody wrote this down, well done.",
    "share": "Share this article on WhatsApp",
    "legal": "All rights reserved. Reproduction without written permission is prohibited.",
    "app": "Download our app to read without interruption.",
    "subscribe": "Subscribe now to continue reading. Cancel at any time.",
}
Template = Callable[["PageFacts"], str]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The data for a template; `published` is in seconds since the epoch."""

    story: Story
    paragraphs: tuple[str, ...]
    url: str
    base: str
    publisher: str
    published: float

    @property
    def published_iso(self) -> str:
        return datetime.fromtimestamp(self.published, UTC).isoformat(timespec="seconds")


def _linked_data(page: PageFacts, kind: str = "NewsArticle", **more: object) -> str:
    story = page.story
    data = {
        "@context": "https://schema.org",
        "@type": kind,
        "headline": story.title,
        "description": story.standfirst,
        "datePublished": page.published_iso,
        "author": [{"@type": "Person", "name": story.author}],
        "publisher": {"@type": "Organization", "name": page.publisher},
        "mainEntityOfPage": page.url,
        "inLanguage": story.language,
        **more,
    }
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def _open_graph(page: PageFacts) -> str:
    story = page.story
    return (
        f'<meta property="og:type" content="article"><meta property="og:title" content="{escape(story.title)}">'
        f'<meta property="og:site_name" content="{page.publisher}"><meta property="og:url" content="{page.url}">'
        f'<meta property="og:description" content="{escape(story.standfirst)}">'
        f'<meta property="article:published_time" content="{page.published_iso}">'
        f'<meta name="author" content="{escape(story.author)}">'
    )


def _document(page: PageFacts, head: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{page.story.language}">\n<head><meta charset="utf-8">'
        f"<title>{escape(page.story.title)} | {page.publisher}</title>"
        f'<link rel="canonical" href="{page.url}">{head}</head>\n<body>\n{body}\n</body>\n</html>\n'
    )


def _menu(page: PageFacts) -> str:
    links = "".join(
        f'<li><a href="/{word.lower()}/">{word}</a></li>' for word in ("News", "Sport", "Culture", "Weather")
    )
    return f'<header class="site-header"><a href="/">{page.publisher}</a><nav><ul>{links}</ul></nav></header>'


def _footer(page: PageFacts) -> str:
    return f'<footer class="site-footer"><p>© {page.publisher}. {CLUTTER["legal"]}</p></footer>'


def _figure(page: PageFacts) -> str:
    story = page.story
    return (
        f'<figure><img src="/images/{story.slug}.jpg" width="1200" height="675" alt="{escape(story.caption)}">'
        f"<figcaption>{escape(story.caption)} <span class='credit'>{escape(story.credit)}</span></figcaption></figure>"
    )


def _text(page: PageFacts, tag: str = "p", between: str = "") -> str:
    rows = [f"<{tag}>{escape(paragraph)}</{tag}>" for paragraph in page.paragraphs]
    if page.story.subhead:
        rows.insert(2, f"<h2>{escape(page.story.subhead)}</h2>")
    rows.insert(-1, between)
    return "\n".join(row for row in rows if row)


def magazine(page: PageFacts) -> str:
    """JSON-LD, a lead picture, and a related box within the text."""
    related = f'<aside class="related-box"><h3>Related</h3><a href="/n/tax">{CLUTTER["related"]}</a></aside>'
    body = f"""{_menu(page)}<main><article><h1>{escape(page.story.title)}</h1>
<p class="standfirst">{escape(page.story.standfirst)}</p>
<div class="byline">By <a rel="author" href="/authors/1">{escape(page.story.author)}</a>
<time datetime="{page.published_iso}">today</time></div>{_figure(page)}
<div class="article-body">{_text(page, between=related)}</div>
<div class="newsletter-signup"><p>{CLUTTER["newsletter"]}</p></div></article></main>{_footer(page)}"""
    return _document(page, _open_graph(page) + _linked_data(page), body)


def wordpress(page: PageFacts) -> str:
    """Open Graph only, with entry-content, a sidebar and comments."""
    body = f"""<div id="cookie-notice" role="dialog"><p>{CLUTTER["cookies"]}</p><button>Accept</button></div>
{_menu(page)}<main id="content"><article class="post hentry">
<header><h1 class="entry-title">{escape(page.story.title)}</h1>
<span class="posted-on"><time class="entry-date published" datetime="{page.published_iso}">today</time></span>
<span class="author vcard">{escape(page.story.author)}</span></header>
<div class="entry-content">{_text(page)}</div>
<div class="sharedaddy"><a href="#">{CLUTTER["share"]}</a></div></article>
<section id="comments" class="comments-area"><h2>1 comment</h2><ol class="comment-list"><li class="comment">
<p>{CLUTTER["comment"]}</p></li></ol></section></main>
<aside class="widget-area"><h2>Most read</h2><ul><li><a href="/n/walks">{CLUTTER["most read"]}</a></li></ul></aside>
{_footer(page)}"""
    return _document(page, _open_graph(page), body)


def microdata(page: PageFacts) -> str:
    """schema.org data as attributes."""
    story = page.story
    body = f"""{_menu(page)}<div itemscope itemtype="https://schema.org/NewsArticle">
<h1 itemprop="headline">{escape(story.title)}</h1>
<span itemprop="author" itemscope itemtype="https://schema.org/Person">
<span itemprop="name">{escape(story.author)}</span></span>
<meta itemprop="datePublished" content="{page.published_iso}">{_figure(page)}
<div itemprop="articleBody">{_text(page)}</div></div>
<div class="most-read"><a href="/n/walks">{CLUTTER["most read"]}</a></div>{_footer(page)}"""
    return _document(page, "", body)


def components(page: PageFacts) -> str:
    """Nested containers as rendered by a JavaScript framework, with a promo between paragraphs."""
    blocks = "".join(
        f'<div data-component="text-block" class="css-1x{number}"><div class="css-9k"><p>{escape(text)}</p></div></div>'
        for number, text in enumerate(page.paragraphs)
    )
    promo = f'<div data-component="promo-block" class="app-promo"><p>{CLUTTER["app"]}</p></div>'
    body = f"""<div id="root"><div class="css-0">{_menu(page)}<main><article>
<div data-component="headline-block"><h1>{escape(page.story.title)}</h1></div>
<div data-component="byline-block"><span>{escape(page.story.author)}</span></div>
<div data-component="image-block">{_figure(page)}</div>{blocks}{promo}</article></main>{_footer(page)}</div></div>"""
    return _document(page, _linked_data(page) + '<script>window.__STATE__={"user":null}</script>', body)


def plain(page: PageFacts) -> str:
    """Markup of the 1990s: tables, no class names, line breaks instead of paragraphs."""
    text = "<br><br>\n".join(escape(paragraph) for paragraph in page.paragraphs)
    body = f"""<table width="100%"><tr><td colspan="2"><a href="/">{page.publisher}</a></td></tr>
<tr><td valign="top"><a href="/news">News</a><br><a href="/sport">Sport</a></td>
<td><h1>{escape(page.story.title)}</h1><p class="author">By {escape(page.story.author)}</p>{text}</td></tr></table>
<p><small>{CLUTTER["legal"]}</small></p>"""
    return _document(page, f'<meta name="date" content="{page.published_iso}">', body)


def live_blog(page: PageFacts) -> str:
    """A live blog: a summary, and a post for each paragraph."""
    posts = "".join(
        f'<article class="live-post" id="post-{number}"><time datetime="{page.published_iso}">{number + 9}:15</time>'
        f"<div class='post-body'><p>{escape(text)}</p></div></article>"
        for number, text in enumerate(page.paragraphs)
    )
    updates = [{"@type": "BlogPosting", "articleBody": text} for text in page.paragraphs]
    body = f"""{_menu(page)}<main><h1>{escape(page.story.title)}</h1>
<p class="standfirst">{escape(page.story.standfirst)}</p><div class="live-blog">{posts}</div></main>{_footer(page)}"""
    return _document(page, _linked_data(page, "LiveBlogPosting", liveBlogUpdate=updates), body)


def paywall(page: PageFacts) -> str:
    """The first paragraphs of a story, and an invitation to pay for the rest."""
    head = _open_graph(page) + _linked_data(page, isAccessibleForFree=False)
    body = f"""{_menu(page)}<main><article><h1>{escape(page.story.title)}</h1>
<div class="byline">{escape(page.story.author)}</div><div class="article-body">
{"".join(f"<p>{escape(text)}</p>" for text in page.paragraphs[:2])}</div>
<div class="paywall-offer"><p>{CLUTTER["subscribe"]}</p><a href="/subscribe">Subscribe</a></div></article></main>
{_footer(page)}"""
    return _document(page, head, body)


def gallery(page: PageFacts) -> str:
    """Text between many pictures."""
    rows = "".join(
        f"""<p>{escape(text)}</p><figure class="gallery-item"><img src="/images/{page.story.slug}-{number}.jpg"
width="900" height="600" alt=""><figcaption>Picture {number + 1}: {escape(page.story.caption)}</figcaption></figure>"""
        for number, text in enumerate(page.paragraphs)
    )
    body = f"""{_menu(page)}<main><article><h1>{escape(page.story.title)}</h1>
<p class="byline">{escape(page.story.author)}</p><div class="article-body">{rows}</div></article></main>
{_footer(page)}"""
    return _document(page, _open_graph(page) + _linked_data(page), body)

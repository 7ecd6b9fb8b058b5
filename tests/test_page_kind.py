"""What kind of page a page is, and what decided; an article with prose stays one whatever its markup says.

The pages of each kind are built as publishers, shops and boards build theirs; the traps are articles that declare
themselves something else.
"""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

import json
from typing import Any

import pytest
from smallpages import STORY, URL, linked, meta, read, tell

from transforms.errors import NotAnArticle
from transforms.records import PageKind

LONG = "".join(f"<p>{paragraph} It was the {n}th meeting on it.</p>" for n in range(6) for paragraph in STORY)
NOTE = "<p>The harbour master explains in four minutes why the quay has been closed since March, and when it opens again.</p>"


def page(body: str, head: str = "", title: str = "Quay closed") -> str:
    return f"<!doctype html><html lang=en><head><title>{title}</title>{head}</head><body><main><h1>{title}</h1>{body}</main></body></html>"


def node(type_: str, **fields: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": type_, **fields})}</script>'


def kind(text: str, url: str = URL) -> tuple[PageKind, str]:
    article = read(text, url)
    return article.page_kind, article.sources.get("page_kind", "")


POSTS = "".join(
    f"<div class=live-post><h4>{hour}:{minute:02}</h4><p>{STORY[minute % 3]} That was at {minute} past.</p></div>"
    for hour, minute in ((18, 41), (18, 20), (17, 55), (17, 30), (17, 2), (16, 44))
)
LATEST = "".join(f"<p>{hour} p.m.</p><p>{STORY[hour % 3]}</p><p>___</p>" for hour in (9, 7, 4))
TEASERS = "".join(
    f"<div class=card><h2><a href='/n/{n}'>The council meets for the {n}th time about the harbour</a></h2><p>What was said on evening {n}.</p></div>"
    for n in range(14)
)
PICTURES = "".join(
    f"<figure><img src='/p/{n}.jpg' width=1200><figcaption>The quay, seen from pier {n}</figcaption></figure>"
    for n in range(12)
)
SHOWN = "".join(f"<p><img src='/p/{n}.jpg'></p>" for n in range(5))
PLAYER = "<iframe src='https://video.example/embed/93'></iframe>"
ANSWERS = "".join(
    f"<div class=post-body><p>{text}</p></div><p class=user>user{n}, {n + 1} March 2026</p>"
    for n, text in enumerate(STORY)
)
THREAD = "<ol>" + "".join(
    f"<li class=comment><div class=comment-body><p>Reader {n} on March {n}, 2026 said:</p><p>{text}</p></div></li>"
    for n, text in enumerate(STORY)
) + "</ol>"  # fmt: skip
PRODUCT = node("Product", name="Lamp", offers={"@type": "Offer", "price": "29.00", "priceCurrency": "EUR"})
PITCH = "<p>A lamp of brass and oak for the desk, made to order in our workshop, with a shade of linen and a cord two metres long.</p>"
CALLS = "<a href=/demo>Book a demo</a><p>Sail plans in minutes, for crews of every size and harbours of every kind, on any device.</p><a href=/try>Start your free trial</a><p>More than four hundred harbours plan their berths with us, and not one has gone back to paper.</p><a href=/start>Get started</a>"
TERMS = "".join(
    f"<p>{n}. You may use the service only as these terms allow, and we may end it at any time without notice to you.</p>"
    for n in range(9)
)

PAGES = {
    "live blog that declares itself": (PageKind.LIVE_BLOG, page(POSTS, node("LiveBlogPosting", headline="Quay closed")), URL, "LiveBlogPosting"),
    "live blog by its posts": (PageKind.LIVE_BLOG, page(POSTS), URL, "posts with times"),
    "live blog of an agency": (PageKind.LIVE_BLOG, page(LATEST, title="The Latest: Quay closed after storm"), URL, "posts with times"),
    "video by og:type": (PageKind.VIDEO, page(NOTE, meta("og:type", "video.other")), URL, "og:type of a video"),
    "video by linked data": (PageKind.VIDEO, page(NOTE, node("VideoObject", name="Quay closed")), URL, "VideoObject or PodcastEpisode"),
    "video by its player": (PageKind.VIDEO, page(PLAYER + NOTE), URL, "player with little text"),
    "video by its title": (PageKind.VIDEO, page(NOTE, title="Video: Quay closed"), URL, "title's words"),
    "Chinese video": (PageKind.VIDEO, page("<p>港务局长用四分钟解释了码头为何自三月起关闭，以及何时重新开放。</p>", title="视频丨码头关闭"), URL, "title's words"),
    "podcast": (PageKind.VIDEO, page(PLAYER + "".join(f"<p>{text}</p>" for text in STORY * 2), title="Harbour Podcast: Quay closed"), URL, "player, and the title's words"),
    "gallery that declares itself": (PageKind.GALLERY, page(NOTE + PICTURES, node("ImageGallery", name="Quay closed")), URL, "ImageGallery"),
    "gallery by its pictures": (PageKind.GALLERY, page(NOTE + PICTURES + NOTE.replace("four", "six")), URL, "many pictures and little prose"),
    "gallery by its title": (PageKind.GALLERY, page(NOTE + SHOWN + NOTE.replace("four", "six"), title="The quay in photos"), URL, "many pictures and little prose"),
    "index by its links": (PageKind.INDEX, page(NOTE + TEASERS), URL, "links under the headline"),
    "index that declares a list": (PageKind.INDEX, page("".join(f"<p>{text} That was so in April too.</p>" for text in STORY) + TEASERS, node("ItemList", itemListElement=[{"@type": "ListItem", "position": n} for n in range(14)])), URL, "declared list"),
    "front of a site": (PageKind.INDEX, page(f"<p>{STORY[0]}</p><p>{STORY[1]}</p><p>{STORY[2]}</p>{TEASERS}"), "https://www.courier.example/", "front of a site"),
    "page of a tag": (PageKind.INDEX, page(f"<p>{STORY[0]}</p><p>{STORY[1]}</p><p>{STORY[2]}</p>{TEASERS}"), "https://www.courier.example/tag/harbour", "page of a tag, a category or an author"),
    "product that declares itself": (PageKind.PRODUCT, page(PITCH, PRODUCT, title="Lamp"), "https://shop.example/lamp", "Product with an offer"),
    "product in microdata": (PageKind.PRODUCT, page(f"<div itemscope itemtype='https://schema.org/Product'>{PITCH}<div itemscope itemtype='https://schema.org/Offer'>29 €</div></div>", title="Lamp"), "https://shop.example/lamp", "Product with an offer"),
    "product by og:type": (PageKind.PRODUCT, page(PITCH, meta("og:type", "product"), title="Lamp"), "https://shop.example/lamp", "og:type of an offer"),
    "product by its cart": (PageKind.PRODUCT, page(PITCH + "<button>In den Warenkorb</button>", title="Lampe"), "https://shop.example/lampe", "cart"),
    "job": (PageKind.PRODUCT, page(LONG, node("JobPosting", title="Pilot")), URL, "JobPosting or RealEstateListing"),
    "landing page": (PageKind.PRODUCT, page(CALLS, title="Berthly"), "https://berthly.example/planner", "landing page"),
    "question and answers": (PageKind.FORUM, page(ANSWERS, node("QAPage", mainEntity={"@type": "Question", "name": "Why?"})), URL, "QAPage or DiscussionForumPosting"),
    "question in microdata": (PageKind.FORUM, page(f"<div itemscope itemtype='https://schema.org/QAPage'>{ANSWERS}</div>"), URL, "QAPage or DiscussionForumPosting"),
    "thread of a board": (PageKind.FORUM, page(ANSWERS), "https://boats.example/forum/quay-closed.22", "posts on a board"),
    "board by its software": (PageKind.FORUM, page(ANSWERS, "<meta name=generator content='Discourse 3.2'>"), "https://boats.example/t/22", "posts on a board"),
    "open thread": (PageKind.FORUM, page(NOTE + THREAD, title="September open thread"), URL, "thread of comments"),
    "terms": (PageKind.NOTICE, page(TERMS, title="Terms of Service"), "https://www.courier.example/legal/3", "title of a notice"),
    "terms of an offer": (PageKind.NOTICE, page(TERMS, title="Custom Sets Promo Terms"), "https://shop.example/pages/sets-terms-conditions", "title and address of a notice"),
    "German privacy policy": (PageKind.NOTICE, page(TERMS, meta("og:type", "article"), title="Datenschutzerklärung"), "https://kurier.example/recht", "title of a notice"),
    "Japanese terms": (PageKind.NOTICE, page("<p>本サービスの利用には以下の条件が適用されます。当社はいつでもサービスを終了することができます。</p>", title="利用規約"), "https://kurier.example/rules", "title of a notice"),
    "about us": (PageKind.NOTICE, page(LONG, title="Who writes the Courier"), "https://www.courier.example/en/about-us", "address of a notice"),
    "login": (PageKind.NOTICE, page("<form><input type=password></form><p>Use the address that you gave us when you subscribed to the paper.</p>", title="Log in to read on"), URL, "form for a password"),
    "error with a date": (PageKind.NOTICE, page("<p>We could not find the page that you asked for. It may have moved, or the address may be wrong; try the search or the front page.</p>", meta("article:published_time", "2026-03-04T18:20:00Z"), title="Page not found"), URL, "title of an error"),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_each_kind(name: str) -> None:
    expected, text, url, source = PAGES[name]
    assert kind(text, url) == (expected, source)


def test_every_kind_has_a_page() -> None:
    assert {expected for expected, *_ in PAGES.values()} == set(PageKind) - {PageKind.ARTICLE}


COMMENTS = f"<section class=comments><h2>Comments</h2>{THREAD}</section>"
RELATED = f"<section><h2>More from the coast</h2>{TEASERS}</section>"
TRAPS = {
    "a story": tell(),
    "a story among teasers": tell(below=RELATED),
    "a VideoObject beside it": page(LONG, linked(headline="Quay closed") + node("VideoObject", name="Quay closed")),
    "only a VideoObject": page(LONG, node("VideoObject", name="Quay closed")),
    "og:type of a video": page(LONG, meta("og:type", "video.other")),
    "a player above it": page(PLAYER + LONG),
    "a player in the sidebar": tell(below=f"<aside>{PLAYER}</aside>"),
    "the frame of an advertisement": page(NOTE + "<iframe src='https://ads.example/ads/embed/3'></iframe>" + NOTE),
    "a review with its Product": page(LONG, node("Review", headline="Quay closed", itemReviewed={"@type": "Product", "name": "Lamp", "offers": {"price": "29"}}) + meta("og:type", "article")),
    "a best-of list with prices": page(LONG * 2 + "<button>Buy now</button>", PRODUCT + PRODUCT.replace("Lamp", "Bulb")),
    "a Product for subscriptions": tell(head=linked(headline="Quay closed") + PRODUCT),
    "a CollectionPage": tell(head=linked(headline="Quay closed") + node("CollectionPage", name="Coast")),
    "only a CollectionPage": page(LONG, node("CollectionPage", name="Coast")),
    "an ItemList": page(LONG * 2, node("ItemList", itemListElement=[{"@type": "ListItem", "position": n} for n in range(10)])),
    "an ItemList of others": page(LONG, node("ItemList", itemListElement=[{"@type": "ListItem", "position": n} for n in range(10)])),
    "a FAQPage": tell(head=linked(headline="Quay closed") + node("FAQPage", mainEntity=[{"@type": "Question", "name": "Why?", "acceptedAnswer": {"@type": "Answer", "text": "Storm."}}])),
    "only a FAQPage": page(LONG, node("FAQPage")),
    "a QAPage": tell(head=linked(headline="Quay closed") + node("QAPage")),
    "comments": tell(below=COMMENTS),
    "a podcast in the title of a short story": tell(title="Harbour podcast wins prize"),
    "an ImageGallery beside it": page(LONG, linked(headline="Quay closed") + node("ImageGallery", name="Pictures")),
    "a story with pictures": page(PICTURES.join((LONG, LONG))),
    "photos in the title": page(LONG + SHOWN, title="Photos show the closed quay"),
    "a video in the title": page(LONG, title="Video shows ferry ramming quay"),
    "a podcast in the title": page(LONG, title="The best podcast microphones"),
    "a live show in the title": page(LONG, title="Harbour Live: the band that came back"),
    "times in the story": page(LONG + f"<p>18:41</p><p>{STORY[0]}</p>"),
    "measures that look like times": page("".join(f"<p>{n}.{n}5 GB/s</p><p>{STORY[n % 3]}</p>" for n in range(1, 9))),
    "an article about privacy": page(LONG, title="Perfect Privacy"),
    "an article about terms": page(LONG, title="How we read terms of service"),
    "an error in the title": page(LONG, title="Page not found: the lost chapters of Ellery"),
    "a review of a film called Contact": page(LONG, linked(headline="Contact"), title="Contact"),
    "calls beside it": page(LONG + CALLS, linked(headline="Quay closed")),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAPS)
def test_an_article_stays_an_article(name: str) -> None:
    assert kind(TRAPS[name]) == (PageKind.ARTICLE, "")


@pytest.mark.parametrize(
    "url",
    [
        "https://www.courier.example/forum/quay", "https://www.courier.example/topics/quay", "https://www.courier.example/tag-der-see/quay",
        "https://www.courier.example/category/coast/2026/quay", "https://www.courier.example/films/contact", "https://www.courier.example/?p=42",
    ],
)  # fmt: skip
def test_an_address_alone_decides_nothing(url: str) -> None:
    assert kind(tell(below=COMMENTS + RELATED), url) == (PageKind.ARTICLE, "")


def test_the_kind_rejects_nothing() -> None:
    article = read(page(TERMS, title="Terms of Service"))
    assert article.page_kind is PageKind.NOTICE
    assert len(article.paragraphs) >= 9


def test_a_section_front_is_rejected_as_before() -> None:
    with pytest.raises(NotAnArticle):
        read(page(TEASERS * 2, node("CollectionPage")), "https://www.courier.example/sport")


def test_a_live_blog_keeps_its_posts() -> None:
    article = read(page(POSTS, node("LiveBlogPosting", headline="Quay closed")))
    assert {block.kind.value for block in article.blocks} >= {"live_post"}

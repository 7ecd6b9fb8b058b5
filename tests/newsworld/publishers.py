"""Well-behaved publishers, each with a template, a language and a feed format."""

from __future__ import annotations

from dataclasses import dataclass, replace

from newsworld import templates
from newsworld.answers import Answer, Request, always, compressed, decoded, html
from newsworld.feeds import FORMATS, Entry, opml, sitemap_index
from newsworld.sites import Site, World, front_page
from newsworld.stories import Story, stories_in
from newsworld.templates import PageFacts, Template

PAGES = 36
CORRECTION = "Correction: an earlier version of this story named the wrong day of the week."
HOUR_S = 3600.0
# how a publisher's feed is found: in the list to start from, or through something in that list
DIRECT, HOME_PAGE, OPML, SITEMAP_INDEX = "direct", "home page", "opml", "sitemap index"


@dataclass(frozen=True, slots=True)
class Publisher:
    """A publisher and how its site is made."""

    name: str
    template: Template
    feed_kind: str
    language: str = "en"
    found: str = DIRECT


PUBLISHERS = (
    Publisher("brackenford-post.example", templates.magazine, "rss"),
    Publisher("valley-times.example", templates.wordpress, "atom"),
    Publisher("norddienst.example", templates.microdata, "rss", "de"),
    Publisher("la-cote.example", templates.magazine, "json", "fr"),
    Publisher("diario-del-sur.example", templates.components, "news sitemap", "es"),
    Publisher("ink-and-paper.example", templates.plain, "rdf"),
    Publisher("rolling.example", templates.live_blog, "atom"),
    Publisher("gazette.example", templates.wordpress, "rss", found=HOME_PAGE),
    Publisher("archive.example", templates.components, "sitemap", found=SITEMAP_INDEX),
    Publisher("members-only.example", templates.paywall, "rss"),
    Publisher("listed.example", templates.microdata, "json", found=OPML),
    Publisher("photo-desk.example", templates.gallery, "rss"),
)


def add_publishers(world: World, pages: int | None) -> None:
    """Add publishers with the given number of pages in all; from the 37th page on, stories repeat slightly changed."""
    count = PAGES if pages is None else pages
    for place, publisher in enumerate(PUBLISHERS):
        numbers = range(place, count, len(PUBLISHERS))
        if numbers:
            _add_publisher(world, publisher, place, len(numbers))


def _add_publisher(world: World, publisher: Publisher, place: int, pages: int) -> None:
    site = world.add_site(publisher.name)
    stories = stories_in(publisher.language)
    _, content_type, path = FORMATS[publisher.feed_kind]
    feed_url = site.base + path
    entries = []
    for number in range(pages):
        story = _edition(stories[(place + number) % len(stories)], number // len(stories))
        published = world.started - HOUR_S * (pages - number)
        address = f"{site.base}/news/{number}/{story.slug}"
        facts = PageFacts(story, story.paragraphs, address, site.base, publisher.name, published)
        answer = html(publisher.template(facts))
        # every other page is compressed, as most pages on the web are
        site.routes[address.removeprefix(site.base)] = always(compressed(answer) if number % 2 else answer)
        named = address + ("?utm_source=rss&utm_medium=feed" if number % 3 == 0 else "")
        guid = f"{publisher.name}-{number}"
        entries.append(Entry(named, story.title, guid, published, published, story.standfirst, story.author))
        world.expect(named, feed_url, "article")
        is_locked = publisher.template is templates.paywall
        shown = story.paragraphs[:2] if is_locked else story.paragraphs
        world.describe(
            address,
            story.title,
            shown,
            subhead=story.subhead,
            standfirst=story.standfirst,
            author=story.author,
            language=story.language,
            is_paywalled=is_locked,
            template=publisher.template.__name__,
        )
    world.add_feed(site, entries, publisher.feed_kind, listed=publisher.found == DIRECT)
    _add_way_to_feed(world, site, publisher, feed_url, content_type)
    if publisher.template is templates.wordpress and publisher.found == DIRECT:
        world.edits.append(lambda at: _edit(site, entries, at))


def _add_way_to_feed(world: World, site: Site, publisher: Publisher, feed_url: str, content_type: str) -> None:
    """If the feed is not in the list to start from, serve something that names it."""
    path = feed_url.removeprefix(site.base)
    home = front_page(site, path, content_type)
    if publisher.found == HOME_PAGE:
        world.add_feed_route(site, "/", always(home))
    else:
        site.routes["/"] = always(home)
    if publisher.found == OPML:
        body = opml("Feeds of " + publisher.name, [feed_url])
        world.add_feed_route(site, "/feeds.opml", always(Answer(body=body, content_type="text/x-opml")))
    if publisher.found == SITEMAP_INDEX:
        body = sitemap_index([feed_url], world.started)
        world.add_feed_route(site, "/sitemap.xml", always(Answer(body=body, content_type="application/xml")))


def _edition(story: Story, number: int) -> Story:
    """Return a story, slightly changed after its first edition."""
    if not number:
        return story
    more = f"Edition {number + 1} of the {story.slug} story went to press at {number % 24}:{number * 7 % 60:02d}."
    return replace(story, paragraphs=(*story.paragraphs[:2], more, *story.paragraphs[2:]))


def _edit(site: Site, entries: list[Entry], at: float) -> None:
    """Add a paragraph to the newest article of a publisher and update its feed entry."""
    entry = entries[-1]
    path = entry.url.removeprefix(site.base).partition("?")[0]
    page = decoded(site.routes[path](Request("GET", path, "", {})))
    site.routes[path] = always(html(page.decode().replace("</p></div>", f"</p><p>{CORRECTION}</p></div>", 1)))
    entries[-1] = replace(entry, updated=at)

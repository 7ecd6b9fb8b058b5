"""The pages and feeds of the demo's three newspapers, made from the files in `html/`.

The output is deterministic: the same opening time gives the same pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cache
from importlib.resources import files
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class Story:
    """A feed entry. If `file` is empty, its link leads to no article."""

    path: str
    file: str
    title: str
    description: str
    author: str
    section: str
    hours_ago: float
    language: str = "en"
    is_free: bool = True
    edited_file: str = ""


@dataclass(frozen=True, slots=True)
class Newspaper:
    """One site. Its feed is at `feed_path`; `listed_feed_path` is the advertised address, which may redirect there."""

    name: str
    layout: str
    feed_format: str
    feed_path: str
    listed_feed_path: str
    disallowed: str
    stories: tuple[Story, ...]


SOLAR = (
    "Sun to drive Agadir's drinking water plant",
    "A solar field near Taroudant is to supply most of the power of Morocco's largest desalination plant.",
)

COURIER = Newspaper(
    "Harbour Courier",
    "courier-layout",
    "rss",
    "/feed.xml",
    "/rss",
    "/members/",
    (
        Story(
            "/news/2026/harbour-wall?utm_source=rss&utm_medium=feed",
            "courier-harbour-wall",
            "Storm tears a hole in Port Ellery's harbour wall",
            "Eleven boats adrift and the inner basin closed after Storm Brigid breaches a wall of 1847.",
            "Nuala Brennan",
            "News",
            5,
        ),
        Story(
            "/news/2026/winter-ferry",
            "courier-winter-ferry",
            "Inishkeel ferry to sail all winter",
            "A daily boat will link the island with the mainland from Monday.",
            "Ciara Madigan",
            "News",
            20,
        ),
        Story(
            "/sport/2026/rovers-brest",
            "courier-rovers-brest",
            "Late header keeps Rovers alive against Brest",
            "A milkman's goal earns Ellery Rovers a draw with the French side.",
            "Liam Foley",
            "Sport",
            30,
        ),
        Story(
            "/news/2026/storm-brigid-what-we-know",
            "courier-storm-known",
            "Storm Brigid: what we know so far",
            "Power cuts, closed schools and ferries: the state of things on Tuesday afternoon.",
            "Courier newsroom",
            "News",
            2,
        ),
        Story(
            "/news/2026/council-minutes",
            "",
            "Council publishes minutes of its closed meeting",
            "The page was taken down.",
            "Ciara Madigan",
            "News",
            40,
        ),
        Story(
            "/members/harbour-archive",
            "courier-harbour-wall",
            "From our archive: a century of harbour pictures",
            "For members.",
            "Courier newsroom",
            "Members",
            50,
        ),
        Story(
            "/files/harbour-report.pdf",
            "",
            "Read the engineers' report in full (PDF)",
            "The report of last year on the state of the wall.",
            "Courier newsroom",
            "News",
            6,
        ),
    ),
)

MERIDIAN = Newspaper(
    "Meridian Wire",
    "meridian-layout",
    "atom",
    "/atom.xml",
    "/atom.xml",
    "/login",
    (
        Story(
            "/world/freighter-madeira",
            "meridian-freighter",
            "Freighter with crew of 14 runs aground off Madeira",
            "Rescuers wait for the wind to ease.",
            "Inês Caldeira",
            "World",
            8,
            edited_file="meridian-freighter-edited",
        ),
        Story(
            "/world/glaciers-geneva",
            "meridian-glaciers",
            "Nineteen countries agree to measure glaciers alike",
            "Figures are to be public within a month.",
            "Jonas Lindqvist",
            "World",
            12,
        ),
        Story("/business/agadir-solar", "solar-desalination", *SOLAR, "Salma Idrissi", "Business", 26),
        Story(
            "/culture/lisbon-atlas",
            "meridian-lisbon-atlas",
            "Lost atlas returns to Lisbon in an orange box",
            "A sailor in Halifax found eighteen sheets of parchment in an attic.",
            "Paulo Serra",
            "Culture",
            33,
        ),
    ),
)

OBSERVER = Newspaper(
    "Alpine Observer",
    "observer-layout",
    "json",
    "/feed.json",
    "/feed.json",
    "/settings/",
    (
        Story(
            "/politics/nachtzuege-rom",
            "observer-nachtzuege",
            "Die Schweiz will wieder im Schlaf nach Rom",
            "Der Bundesrat gibt Geld für zwei Nachtzüge nach Italien.",
            "Reto Camenisch",
            "Politics",
            9,
            language="de",
        ),
        Story(
            "/science/seed-vault",
            "observer-seed-vault",
            "The woman who keeps the seeds of the Alps alive",
            "In a cold room in Grenoble lie 3,412 plants that hardly anybody grows any more.",
            "Léa Fontaine",
            "Science",
            15,
        ),
        Story(
            "/science/rhine-engineers",
            "observer-rhine-engineers",
            "The quiet engineers of the Rhine",
            "Thirty-four people listen to a river so that barges can sail.",
            "Nils Aebersold",
            "Science",
            44,
            is_free=False,
        ),
        Story("/wire/agadir-solar", "solar-desalination", *SOLAR, "Salma Idrissi", "Business", 25),
    ),
)

NEWSPAPERS = (COURIER, MERIDIAN, OBSERVER)
EDITED_TITLE = "All 16 rescued from freighter aground off Madeira"


@dataclass(frozen=True, slots=True)
class Edition:
    """The state of a newspaper's site: its address, when it opened, and when its article was edited, if it was."""

    newspaper: Newspaper
    base: str
    opened_at: datetime
    edited_at: datetime | None = None

    def published_at(self, story: Story) -> datetime:
        """Return when a story was published."""
        return self.opened_at - timedelta(hours=story.hours_ago)

    def modified_at(self, story: Story) -> datetime:
        """Return when a story was last changed."""
        return self.edited_at if self.is_edited(story) and self.edited_at else self.published_at(story)

    def is_edited(self, story: Story) -> bool:
        """Tell whether the second version of a story is published."""
        return bool(story.edited_file) and self.edited_at is not None

    def title(self, story: Story) -> str:
        """Return the current headline of a story."""
        return EDITED_TITLE if self.is_edited(story) else story.title


@cache
def read_site_file(name: str) -> str:
    """Return the text of a file in the folder `html/`."""
    return (files("pipeline.cli.demo") / "html" / f"{name}.html").read_text("utf-8")


def render_page(edition: Edition, story: Story) -> str:
    """Return the page of a story in its newspaper's layout."""
    published = edition.published_at(story)
    file = story.edited_file if edition.is_edited(story) else story.file
    values = {
        "content": read_site_file(file).rstrip(),
        "title": edition.title(story),
        "description": story.description,
        "author": story.author,
        "section": story.section,
        "language": story.language,
        "free": "true" if story.is_free else "false",
        "slug": story.file,
        "base": edition.base,
        "url": edition.base + story.path.partition("?")[0],
        "published": published.isoformat(),
        "modified": edition.modified_at(story).isoformat(),
        "published_text": f"{published:%d %B %Y, %H:%M} UTC",
    }
    page = read_site_file(edition.newspaper.layout)
    for name, value in values.items():
        page = page.replace("{{" + name + "}}", value)
    return page


def render_home(edition: Edition) -> str:
    """Return the home page, with links to the stories and to the feed."""
    kinds = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}
    newspaper = edition.newspaper
    links = "".join(f'<li><a href="{escape(s.path)}">{edition.title(s)}</a></li>\n' for s in newspaper.stories)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{newspaper.name}</title>'
        f'<link rel="alternate" type="{kinds[newspaper.feed_format]}" href="{newspaper.feed_path}"></head>'
        f"<body><h1>{newspaper.name}</h1><ul>\n{links}</ul></body></html>\n"
    )


def render_feed(edition: Edition) -> tuple[str, str]:
    """Return the content type and the text of the feed."""
    return {"rss": _rss, "atom": _atom, "json": _json_feed}[edition.newspaper.feed_format](edition)


def _rss(edition: Edition) -> tuple[str, str]:
    items = "".join(
        f"<item><title>{escape(edition.title(story))}</title><link>{escape(edition.base + story.path)}</link>"
        f'<guid isPermaLink="false">courier-{number}</guid><description>{escape(story.description)}</description>'
        f"<dc:creator>{escape(story.author)}</dc:creator><category>{escape(story.section)}</category>"
        f"<pubDate>{format_datetime(edition.published_at(story))}</pubDate></item>\n"
        for number, story in enumerate(edition.newspaper.stories)
    )
    return "application/rss+xml; charset=utf-8", (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>{edition.newspaper.name}</title><link>{edition.base}/</link><language>en-GB</language>\n"
        f"{items}</channel></rss>\n"
    )


def _atom(edition: Edition) -> tuple[str, str]:
    entries = "".join(
        f"<entry><title>{escape(edition.title(story))}</title><id>{edition.base}{escape(story.path)}</id>"
        f'<link rel="alternate" href="{edition.base}{escape(story.path)}"/>'
        f"<author><name>{escape(story.author)}</name></author><summary>{escape(story.description)}</summary>"
        f"<published>{edition.published_at(story).isoformat()}</published>"
        f"<updated>{edition.modified_at(story).isoformat()}</updated></entry>\n"
        for story in edition.newspaper.stories
    )
    latest = max(edition.modified_at(story) for story in edition.newspaper.stories)
    return "application/atom+xml; charset=utf-8", (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>{edition.newspaper.name}</title>'
        f"<id>{edition.base}/</id><updated>{latest.isoformat()}</updated>\n{entries}</feed>\n"
    )


def _json_feed(edition: Edition) -> tuple[str, str]:
    items: list[Mapping[str, object]] = [
        {
            "id": story.path,
            "url": edition.base + story.path,
            "title": edition.title(story),
            "summary": story.description,
            "language": story.language,
            "authors": [{"name": story.author}],
            "tags": [story.section],
            "date_published": edition.published_at(story).isoformat(),
        }
        for story in edition.newspaper.stories
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": edition.newspaper.name,
        "home_page_url": f"{edition.base}/",
        "feed_url": edition.base + edition.newspaper.feed_path,
        "items": items,
    }
    return "application/feed+json", json.dumps(feed, ensure_ascii=False, indent=1)

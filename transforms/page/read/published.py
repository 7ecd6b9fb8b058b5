"""Read when an article was published and last changed, from linked data, meta tags and what readers see.

Dates that no article can have are refused, and it is noted where they were found: they are what programs write for a
date that was never set (0001-01-01, 1970-01-01), and what a mistake in a form gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from transforms.page.read.dates import Moment, parse_moment
from transforms.page.read.linked_data import text_of
from transforms.page.read.sources import MAX_MARKED, PageSources, read_start

# before there were pages on the web: https://www.w3.org/History.html
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# an embargo or a zone may put a date ahead of the time at which the page was fetched, but not further
AHEAD = timedelta(days=2)
_MOST_NOTES = 5
_PUBLISHED_NAMES = (
    "article:published_time og:published_time og:article:published_time datepublished article.published "
    "parsely-pub-date sailthru.date date pubdate publishdate publish-date publication_date publish_date "
    "dc.date dc.date.issued dcterms.created dcterms.date dc.date.created cxenseparse:recs:publishtime "
    "cxenseparse:publishtime article:published last-published citation_publication_date "
    "citation_online_date datecreated originalpublicationdate published_time_telegram iso-8601-publish- "
    "date vr:published_time rnews:datepublished published bt:pubdate ptime"
)
_PUBLISHED = _PUBLISHED_NAMES.split()
_MODIFIED_NAMES = (
    "article:modified_time og:updated_time datemodified dcterms.modified dc.date.modified last-modified "
    "lastmod article:modified og:modified_time cxenseparse:modifiedtime revised"
)
_MODIFIED = _MODIFIED_NAMES.split()
_DATE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:date|datum|fecha|published|pubdate|timestamp|dateline|entry-date|post-date|data)(?:$|\s)"
)


@dataclass(frozen=True, slots=True)
class Dated:
    """A date of the page and where it was found."""

    source: str
    moment: Moment

    @property
    def at(self) -> datetime:
        """The date in UTC."""
        return self.moment.at


@dataclass(slots=True)
class DateReader:
    """Read dates, and note those that are refused: before 1990, or more than two days after `now`, if it is known."""

    now: datetime | None = None
    refused: list[str] = field(default_factory=list)

    def read(self, source: str, text: str) -> Dated | None:
        """Return the date in a text; None if it has none, or one that is refused."""
        moment = parse_moment(text) if text else None
        return self.check(source, moment) if moment else None

    def check(self, source: str, moment: Moment) -> Dated | None:
        """Return a date with its source, or None if it is refused."""
        if moment.at >= EARLIEST and (self.now is None or moment.at <= self.now + AHEAD):
            return Dated(source, moment)
        note = f"{source} {moment.at.date().isoformat()}"
        if note not in self.refused and len(self.refused) < _MOST_NOTES:
            self.refused.append(note)
        return None


def read_published(page: PageSources, reader: DateReader) -> Dated | None:
    """Return the best date of publication that the page gives outside its text."""
    a = page.article
    nodes = [n for n in page.nodes if "datePublished" in n and n is not a]
    found = [
        reader.read("json-ld", text_of(a.get("datePublished"))),
        reader.read("json-ld", text_of(a.get("dateCreated"))) if "datePublished" not in a else None,
    ]
    found += [reader.read(source, text) for source, text in page.tag_pairs(_PUBLISHED)]
    found += [reader.read("json-ld other", text_of(n.get("datePublished"))) for n in nodes[:1]]
    dates = list(filter(None, found))
    if not any(dated.moment.exact for dated in dates):
        dates += islice(_marked_dates(page, reader), MAX_MARKED)
    return _prefer_clock(dates)


def read_modified(page: PageSources, reader: DateReader, published: datetime | None) -> Dated | None:
    """Return the date of the last change that the page gives outside its text, if it is not before `published`."""
    texts = [("json-ld", text_of(page.article.get("dateModified"))), *page.tag_pairs(_MODIFIED)]
    dates = filter(None, (reader.read(source, text) for source, text in texts))
    return next((dated for dated in dates if published is None or dated.at >= published), None)


def _marked_dates(page: PageSources, reader: DateReader) -> Iterator[Dated]:
    later: list[Dated] = []
    tried = 0
    for element in page.tree.iter("time", "span", "div", "p", "abbr", "li", "small"):
        prop = (element.get("itemprop") or "").lower()
        stamp = element.get("datetime") or element.get("content") or ""
        css = (element.get("class") or "").lower()
        if "datepublished" in prop or element.get("pubdate") is not None:
            value = reader.read("time", stamp) or reader.read("time", read_start(element, 100))
            if value:
                yield value
        elif element.tag == "time" and "modified" not in prop and "update" not in css:
            value = reader.read("time", stamp) or reader.read("time", read_start(element, 100))
            if value and len(later) < 3:
                later.append(value)
        elif css and len(later) < 3 and _DATE_CLASS.search(css) and len(element) < 6:
            value = reader.read("time", read_start(element, 100))
            if value:
                later.append(value)
        else:
            continue
        tried += 1
        if tried >= MAX_MARKED:
            break
    yield from later


def _prefer_clock(dates: list[Dated]) -> Dated | None:
    """Return the first date, or one of the same day that has the time of day, if the first has not."""
    if not dates:
        return None
    first = dates[0]
    if not first.moment.exact:
        for dated in dates[1:]:
            if dated.moment.exact and abs(dated.at - first.at) < timedelta(days=1):
                return dated
    return first

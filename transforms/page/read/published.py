"""Read when an article was published and last changed, from linked data, meta tags and what readers see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from transforms.page.read.dates import parse_date
from transforms.page.read.linked_data import text_of
from transforms.page.read.sources import MAX_MARKED, PageSources, read_start

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

Dated = tuple[str, datetime | None]


def read_published(page: PageSources) -> list[Dated]:
    """Return the dates of publication that the page gives, best first, each with its source."""
    a = page.article
    nodes = [n for n in page.nodes if "datePublished" in n]
    published: list[Dated] = [
        ("json-ld", parse_date(text_of(a.get("datePublished")))),
        ("json-ld", parse_date(text_of(a.get("dateCreated"))) if "datePublished" not in a else None),
    ]
    published += [(source, parse_date(text)) for source, text in page.tag_pairs(_PUBLISHED)]
    published += [("json-ld other", parse_date(text_of(n.get("datePublished")))) for n in nodes[:1]]
    if not any(value and (value.hour, value.minute) != (0, 0) for _, value in published):
        published += [("time", value) for value in islice(_marked_dates(page), MAX_MARKED)]
    return _prefer_clock(published)


def read_modified(page: PageSources) -> list[Dated]:
    """Return the dates of the last change that the page gives, best first, each with its source."""
    modified: list[Dated] = [("json-ld", parse_date(text_of(page.article.get("dateModified"))))]
    return modified + [(source, parse_date(text)) for source, text in page.tag_pairs(_MODIFIED)]


def _marked_dates(page: PageSources) -> Iterator[datetime]:
    later: list[datetime] = []
    tried = 0
    for element in page.tree.iter("time", "span", "div", "p", "abbr", "li", "small"):
        prop = (element.get("itemprop") or "").lower()
        stamp = element.get("datetime") or element.get("content") or ""
        css = (element.get("class") or "").lower()
        if "datepublished" in prop or element.get("pubdate") is not None:
            value = parse_date(stamp) or parse_date(read_start(element, 100))
            if value:
                yield value
        elif element.tag == "time" and "modified" not in prop and "update" not in css:
            value = parse_date(stamp) or parse_date(read_start(element, 100))
            if value and len(later) < 3:
                later.append(value)
        elif css and len(later) < 3 and _DATE_CLASS.search(css) and len(element) < 6:
            value = parse_date(read_start(element, 100))
            if value:
                later.append(value)
        else:
            continue
        tried += 1
        if tried >= MAX_MARKED:
            break
    yield from later


def _prefer_clock(candidates: list[Dated]) -> list[Dated]:
    """Put a source that has the time of day before one that has only the date."""
    found = [(source, value) for source, value in candidates if value]
    if not found:
        return []
    first = found[0][1]
    if first and (first.hour, first.minute, first.second) == (0, 0, 0):
        for source, value in found[1:]:
            if value and abs((value - first).total_seconds()) < 86400 and (value.hour, value.minute) != (0, 0):
                return [(source, value)]
    return [*found]

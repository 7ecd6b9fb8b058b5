"""Settle the metadata of an article: from what its page says of itself, what it prints, and what the feed said."""

from __future__ import annotations

from collections.abc import Sequence

from transforms.language import read_language, read_tag
from transforms.page.printed import Surroundings, choose_authors, read_agency, read_bylines, read_dateline
from transforms.page.read.authors import Authors, Rank
from transforms.page.read.dates import Moment
from transforms.page.read.metadata import Metadata
from transforms.page.read.opinion import opens_with_opinion
from transforms.page.read.published import Dated, DateReader
from transforms.records import Article, ArticleLink, Block, BlockKind, FetchedPage, PageKind


def describe_article(
    page: FetchedPage, meta: Metadata, blocks: Sequence[Block], kind: tuple[PageKind, str] = (PageKind.ARTICLE, "")
) -> Article:
    """Return the article of a page with its metadata and blocks, each field with its source; `kind` has its own.

    What the page does not say comes from the feed.
    """
    link, sources = page.link, dict(meta.sources)
    dates = DateReader(page.fetched_at, list(meta.dates.refused))
    printed = Surroundings(blocks)
    authors = settle_authors(meta, printed, link)
    published = settle_date(meta, blocks, link, dates)
    modified = meta.modified_at if not (published and meta.modified_at and meta.modified_at < published.at) else None
    standfirst = next((b.text for b in blocks if b.kind is BlockKind.STANDFIRST), "")
    is_opinion = meta.is_opinion
    if not is_opinion and any(opens_with_opinion(line) for line in read_bylines(printed)):
        is_opinion, sources["is_opinion"] = True, "byline"
    tag = meta.language or read_tag(link.language)
    found = {
        "title": "" if meta.title else "feed" if link.title else "",
        "authors": authors.source,
        "published_at": published.source if published else "",
        "language": "" if meta.language else "feed" if tag else "",
        "description": "standfirst" if standfirst else "",
        "page_kind": kind[1],
        "refused_dates": ", ".join(dates.refused),
    }
    sources |= {name: source for name, source in found.items() if source}
    if tag:
        sources["language_tag"] = sources["language"]
    if modified is None:
        sources.pop("modified_at", None)
    return Article(
        link=link,
        url=page.url,
        title=meta.title or link.title,
        description=standfirst or meta.description,
        authors=authors.names,
        agency=read_agency(printed, authors.names),
        section=meta.section,
        tags=meta.tags,
        published_at=published.at if published else None,
        published_precision=("minute" if published.moment.exact else "day") if published else "",
        modified_at=modified,
        language=read_language(tag),
        language_tag=tag,
        site_name=meta.site_name,
        canonical_url=meta.canonical_url,
        lead_image=meta.lead_image,
        page_kind=kind[0],
        is_paywalled=meta.is_paywalled,
        is_opinion=is_opinion,
        blocks=tuple(blocks),
        sources=sources,
        fetched_at=page.fetched_at,
    )


def settle_authors(meta: Metadata, printed: Surroundings, link: ArticleLink) -> Authors:
    """Return the authors whom the page names, or those of the feed if the page names no people and the feed does."""
    given = Authors(meta.authors, meta.sources.get("authors", ""), meta.author_rank)
    found = choose_authors(given, printed, meta.houses)
    fed = meta.houses.clean(link.authors)
    if found.rank > Rank.PEOPLE and fed and (not found.names or meta.houses.rank(fed) is Rank.PEOPLE):
        return Authors(fed, "feed", meta.houses.rank(fed))
    return found


def settle_date(meta: Metadata, blocks: Sequence[Block], link: ArticleLink, dates: DateReader) -> Dated | None:
    """Return when an article was published: as its metadata says, as it prints, or as the feed said."""
    published = meta.published
    if published is None or published.source == "time":
        printed = read_dateline(blocks, dates)
        if printed and (published is None or published.at.date() != printed.at.date()):
            published = printed
    if published is None and link.published_at:
        moment = link.published_at
        exact = (moment.hour, moment.minute, moment.second) != (0, 0, 0)
        published = dates.check("feed", Moment(moment, exact))
    return published

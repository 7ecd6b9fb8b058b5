"""Print the result of the demo: tables of the rows that landed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline.ledger.reports import Audit, audit
from pipeline.logs.terminal import one_line
from pipeline.tables.database import METADATA, reading, shown_url

ARTICLES, ENTITIES, IMAGES = METADATA.tables["articles"], METADATA.tables["entities"], METADATA.tables["images"]
REMOVED, REVISIONS, URLS = METADATA.tables["removed_blocks"], METADATA.tables["revisions"], METADATA.tables["urls"]
TOP = 12


def show_results(engine: sa.Engine, feeds: Sequence[str], edited_url: str, db: str, console: Console) -> Audit:
    """Print what was ingested from these feeds; returns the audit of the database."""
    counts = audit(engine, datetime.now(UTC))
    with reading(engine) as connection:
        show_articles(connection, feeds, console)
        show_blocks(connection, feeds, console)
        show_entities(connection, feeds, console)
        show_revisions(connection, edited_url, console)
        show_copies(connection, feeds, console)
        show_endings(connection, feeds, console)
    console.print()
    _head(console, "audit", "every URL has one fate")
    console.print(
        f"{counts.urls} URLs = {counts.article} articles + {sum(counts.rejected.values())} rejected + "
        f"{sum(counts.failed.values())} failed + {counts.waiting + counts.leased} under way + {counts.lost} lost"
    )
    db = shown_url(db)
    console.print(f"\nThe tables are in [bold]{escape(db)}[/bold]. Next:", highlight=False, soft_wrap=True)
    for command in (
        f"newsbeam audit --db {db}",
        f"newsbeam why {edited_url} --db {db}",
        "newsbeam run https://example.org/feed.xml        # your own feeds, into newsbeam.db",
    ):
        console.print(f"  {command}", highlight=False, soft_wrap=True, markup=False)
    return counts


def show_articles(connection: sa.Connection, feeds: Sequence[str], console: Console) -> None:
    """Print one line per article."""
    rows = connection.execute(_of_feeds(sa.select(ARTICLES), feeds).order_by(ARTICLES.c.published_at.desc())).mappings()
    table = _table("", "title", "publisher", "words", "entities")
    for row in rows:
        marks = [row["language"]] if row["language"] != "en" else []
        marks += ["paywalled"] if row["is_paywalled"] else []
        marks += [f"revision {row['revision']}"] if row["revision"] > 1 else []
        title = Text(one_line(row["title"] or "")).append(f" ({', '.join(marks)})" if marks else "", "dim")
        count, names = _entities_of(connection, row["article_id"])
        entities = (
            Text(one_line(names)).append(f" ({count})", "dim") if count else Text("no model for this language", "dim")
        )
        table.add_row("", title, Text(one_line(row["site_name"] or row["host"])), str(row["word_count"]), entities)
    _head(console, "articles", "clean and enriched")
    console.print(table)


def show_blocks(connection: sa.Connection, feeds: Sequence[str], console: Console) -> None:
    """Print the article with the most kinds of removed blocks, block by block in page order."""
    reasons, blocks = sa.func.count(REMOVED.c.reason.distinct()).label("reasons"), sa.func.count().label("blocks")
    most = sa.select(REMOVED.c.article_id, reasons, blocks).group_by(REMOVED.c.article_id).subquery("most")
    query = _of_feeds(sa.select(ARTICLES).join(most, most.c.article_id == ARTICLES.c.article_id), feeds)
    article = (
        connection.execute(query.order_by(most.c.reasons.desc(), most.c.blocks.desc(), ARTICLES.c.title))
        .mappings()
        .first()
    )
    if article is None:
        return
    removed = connection.execute(
        sa.select(REMOVED).where(REMOVED.c.article_id == article["article_id"]).order_by(REMOVED.c.block_no)
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=8)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for reason, text in interleave_blocks(article["body"].split("\n\n"), list(removed.mappings())):
        line = one_line(text)
        table.add_row(Text(reason or "body", "red" if reason else "green"), Text(line, "dim" if reason else ""))
    _head(console, "one page", f"{article['title']}: what was kept, and why the rest was not")
    console.print(table)
    images = connection.execute(sa.select(IMAGES).where(IMAGES.c.article_id == article["article_id"]))
    for image in images.mappings():
        if image["caption"]:
            credit = f" [{image['credit']}]" if image["credit"] else ""
            console.print(Text(one_line(f"picture {image['image_no'] + 1}: {image['caption']}{credit}"), "dim"))


def interleave_blocks(paragraphs: Sequence[str], removed: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Yield (reason, text) for every block in page order; the reason is empty for kept blocks."""
    waiting = sorted(removed, key=lambda block: block["position"])
    position = 0
    for paragraph in paragraphs:
        while waiting and waiting[0]["position"] <= position:
            block = waiting.pop(0)
            yield block["reason"], block["text"]
            position += 1
        yield "", paragraph
        position += 1
    for block in waiting:
        yield block["reason"], block["text"]


def show_entities(connection: sa.Connection, feeds: Sequence[str], console: Console) -> None:
    """Print the entities that the most articles mention."""
    articles, mentions = sa.func.count().label("articles"), sa.func.sum(ENTITIES.c.mentions).label("mentions")
    query = sa.select(ENTITIES.c.name, ENTITIES.c.label, articles, mentions)
    query = _of_feeds(query.join(ARTICLES, ARTICLES.c.article_id == ENTITIES.c.article_id), feeds)
    query = query.group_by(ENTITIES.c.name, ENTITIES.c.label).order_by(
        articles.desc(), mentions.desc(), ENTITIES.c.name
    )
    table = _table("", "entity", "label", "articles", "mentions")
    for name, label, in_articles, count in connection.execute(query.limit(TOP)):
        table.add_row("", Text(one_line(name)), label, str(in_articles), str(count))
    _head(console, "entities", "most mentioned")
    console.print(table)


def show_revisions(connection: sa.Connection, edited_url: str, console: Console) -> None:
    """Print the versions of the edited article."""
    query = (
        sa.select(REVISIONS)
        .join(ARTICLES, ARTICLES.c.article_id == REVISIONS.c.article_id)
        .where(ARTICLES.c.url == edited_url)
        .order_by(REVISIONS.c.revision)
    )
    table = _table("", "revision", "title", "words", "content hash")
    for row in connection.execute(query).mappings():
        words = str(len(row["body"].split()))
        table.add_row("", str(row["revision"]), Text(one_line(row["title"] or "")), words, row["content_hash"][:12])
    _head(console, "revisions", "the edited article, every version kept")
    console.print(table)


def show_copies(connection: sa.Connection, feeds: Sequence[str], console: Console) -> None:
    """Print the articles that several publishers carry with the same text."""
    shared = sa.select(ARTICLES.c.content_hash).group_by(ARTICLES.c.content_hash).having(sa.func.count() > 1)
    query = _of_feeds(sa.select(ARTICLES), feeds).where(ARTICLES.c.content_hash.in_(shared))
    table = _table("", "content hash", "publisher", "title")
    for row in connection.execute(query.order_by(ARTICLES.c.content_hash, ARTICLES.c.site_name)).mappings():
        table.add_row(
            "",
            row["content_hash"][:12],
            Text(one_line(row["site_name"] or row["host"])),
            Text(one_line(row["title"] or "")),
        )
    _head(console, "copies", "one text at several publishers")
    console.print(table)


def show_endings(connection: sa.Connection, feeds: Sequence[str], console: Console) -> None:
    """Print the URLs that did not become articles, and why."""
    query = sa.select(URLS).where(URLS.c.feed_url.in_(feeds), URLS.c.outcome.is_distinct_from("article"))
    table = _table("", "url", "fate", "reason")
    for row in connection.execute(query.order_by(URLS.c.canonical_url)).mappings():
        table.add_row("", Text(one_line(row["canonical_url"])), row["outcome"] or "under way", row["reason"] or "")
    _head(console, "no articles", "and why")
    console.print(table)


def _of_feeds(query: sa.Select[Any], feeds: Sequence[str]) -> sa.Select[Any]:
    return query.where(ARTICLES.c.feed_url.in_(feeds))


def _entities_of(connection: sa.Connection, article_id: str) -> tuple[int, str]:
    query = sa.select(ENTITIES.c.name).where(ENTITIES.c.article_id == article_id).order_by(ENTITIES.c.salience.desc())
    names = connection.execute(query).scalars().all()
    return len(names), ", ".join(names[:3])


def _head(console: Console, name: str, remark: str) -> None:
    console.print()
    console.print(Text.assemble((name, "bold cyan"), f"  {one_line(remark)}"))


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        numeric = column in ("words", "articles", "mentions", "revision")
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    return table

"""Show an article with its removed blocks struck out, for a terminal or as an HTML page."""

from __future__ import annotations

import html as html_escape

from rich.console import Console
from rich.text import Text

from pipeline.logs.terminal import printable
from transforms.records import Article, Block, BlockKind, RemovedBlock

_COLOURS = {
    BlockKind.HEADLINE: "bold blue",
    BlockKind.STANDFIRST: "bold cyan",
    BlockKind.CAPTION: "green",
    BlockKind.CREDIT: "green",
    BlockKind.BYLINE: "cyan",
    BlockKind.BIO: "cyan",
    BlockKind.RELATED: "magenta",
    BlockKind.PROMO: "red",
    BlockKind.AD: "red",
    BlockKind.DUPLICATE: "yellow",
}
_STYLE = """
body { font: 16px/1.5 Georgia, serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b }
dl { font: 13px/1.4 system-ui, sans-serif; display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem }
dt { color: #777 } dd { margin: 0; overflow-wrap: anywhere } small { color: #999 }
.removed { font: 13px/1.4 system-ui, sans-serif; color: #888; border-left: 3px solid #d33; padding-left: .6rem;
  margin: .4rem 0; overflow-wrap: anywhere }
.removed b { color: #d33; font-weight: 600 } .quote { border-left: 3px solid #bbb; padding-left: 1rem }
"""


def interleave(article: Article) -> list[Block | RemovedBlock]:
    """Return kept and removed blocks in the order of the page."""
    removed = {block.position: block for block in article.removed}
    kept = iter(article.blocks)
    rows: list[Block | RemovedBlock] = []
    for position in range(len(article.blocks) + len(removed)):
        block = removed.get(position) or next(kept, None)
        if block is not None:
            rows.append(block)
    rows.extend(kept)
    return rows


def _list_facts(article: Article) -> list[tuple[str, str, str]]:
    facts = [
        ("title", article.title),
        ("description", article.description),
        ("authors", ", ".join(article.authors)),
        ("agency", article.agency),
        ("published_at", article.published_at.isoformat() if article.published_at else ""),
        ("modified_at", article.modified_at.isoformat() if article.modified_at else ""),
        ("section", article.section),
        ("tags", ", ".join(article.tags)),
        ("language", article.language),
        ("language_tag", article.language_tag),
        ("site_name", article.site_name),
        ("canonical_url", article.canonical_url),
        ("lead_image", article.lead_image),
        ("page_kind", article.page_kind.value),
        ("is_paywalled", "yes" if article.is_paywalled else ""),
        ("body from", article.sources.get("body", "")),
        ("confidence", f"{article.confidence:.2f}" if article.confidence is not None else ""),
        ("is_opinion", "yes" if article.is_opinion else ""),
    ]
    return [(name, value, article.sources.get(name, "")) for name, value in facts if value]


def explain(article: Article, console: Console) -> None:
    """Print an article that has been stripped, with its removed blocks struck out in place."""
    for name, value, source in _list_facts(article):
        console.print(Text.assemble((f"{name:14}", "dim"), value, (f"  [{source}]" if source else "", "dim")))
    console.print()
    for row in interleave(article):
        if isinstance(row, Block):
            style = "bold" if row.kind is BlockKind.HEADING else ""
            console.print(Text.assemble((f"{row.kind.value:14}", "dim"), (row.text, style)))
        else:
            colour = _COLOURS.get(BlockKind(row.reason), "yellow")
            console.print(
                Text.assemble(
                    (f"{row.reason:14}", colour), (row.text, f"strike dim {colour}"), (f"  [{row.rule}]", "dim")
                )
            )
    for image in article.images:
        console.print(
            Text.assemble(
                (f"{'image':14}", "dim"), image.url, (f"  {image.caption}", "green"), (f"  {image.credit}", "dim")
            )
        )


def explain_html(article: Article) -> str:
    """Return an article that has been stripped as an HTML page, with its removed blocks struck out in place."""
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)} <small>{escape(source)}</small></dd>"
        for name, value, source in _list_facts(article)
    )
    rows = []
    for row in interleave(article):
        text = escape(row.text)
        if isinstance(row, Block):
            tag = {BlockKind.HEADING: "h2", BlockKind.LIST_ITEM: "li"}.get(row.kind, "p")
            css = ' class="quote"' if row.kind is BlockKind.QUOTE else ""
            rows.append(f"<{tag}{css}>{text}</{tag}>")
        else:
            rows.append(
                f'<div class="removed"><b>{escape(row.reason)}</b> <s>{text}</s> '
                f"<small>{escape(row.rule)}</small></div>"
            )
    images = "".join(
        f'<div class="removed"><b>image</b> {escape(i.url)} {escape(i.caption)} <small>{escape(i.credit)}</small></div>'
        for i in article.images
    )
    language = f' lang="{escape(article.language)}"' if article.language else ""
    return (
        f'<!doctype html><html{language}><head><meta charset="utf-8"><title>{escape(article.title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(article.title)}</h1><dl>{facts}</dl>"
        f"{''.join(rows)}{images}</body></html>\n"
    )


def escape(text: str) -> str:
    """Return a text for HTML, with control characters shown as escapes: files are looked at in terminals, too."""
    return html_escape.escape(printable(text))

"""`newsbeam extract` and `newsbeam clean`: one page or text to JSON, without a database."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.cli.options import FETCHING, configured
from pipeline.config import Config
from transforms.errors import UserError

EXPLAIN_WIDTH = 110  # columns


@click.command()
@click.argument("source", required=False, metavar="FILE|URL")
@click.option(
    "--manifest",
    metavar="FILE",
    help='Extract many pages: JSON lines {"id", "url", "html"}; html is a path relative to FILE (.gz allowed).',
)
@click.option("--url", "page_url", default="", help="URL that FILE was saved from.")
@click.option("--explain", is_flag=True, help="Show the page's blocks, kept and removed, instead of JSON.")
@click.option("--html", "html_file", metavar="FILE", help="With --explain: write an HTML page to this file.")
@configured("body", *FETCHING)
def extract(
    config: Config, /, source: str | None, manifest: str | None, page_url: str, explain: bool, html_file: str | None
) -> None:
    """Extract articles from pages as JSON lines, without a database."""
    if (source is None) == (manifest is None):
        raise UserError("pass either a FILE or URL, or --manifest FILE")
    from pipeline.cli import extraction

    if manifest is not None:
        for line in extraction.extract_manifest(Path(manifest), config):
            click.echo(line)
        return
    assert source is not None
    page = extraction.read_page(source, page_url, config)
    if not explain:
        click.echo(extraction.extract_page(page, config.body_policy()))
        return
    from pipeline.cli import explain as explanation
    from pipeline.cli.console import PrintableConsole

    article = extraction.article_of(page, config.body_policy())
    if html_file:
        _write_text(Path(html_file), explanation.explain_html(article))
    else:
        explanation.explain(article, PrintableConsole(width=EXPLAIN_WIDTH, highlight=False))


@click.command()
@click.argument("file", required=False, default="-", metavar="[FILE]")
@click.option("--url", default="", help="URL of the article, if known.")
@configured()
def clean(config: Config, /, file: str, url: str) -> None:
    """Clean a plain-text article (FILE or stdin) and print it as JSON."""
    from pipeline.cli import extraction

    if file == "-":
        body = extraction.read_stream(sys.stdin.buffer, "standard input", config.max_body_bytes)
    else:
        body = extraction.read_file(Path(file), config.max_body_bytes)
    click.echo(extraction.clean_text_json(body.decode("utf-8", "replace"), url))


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise UserError(f"cannot write {path}: {(exc.strerror or str(exc)).lower()}") from exc

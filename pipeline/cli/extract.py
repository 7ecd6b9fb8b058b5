"""`newsbeam extract` and `newsbeam clean`: pages or a text to JSON, without a database."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import FETCHING, configured
from pipeline.config import Config
from pipeline.logs.terminal import one_line
from transforms.errors import UserError

if TYPE_CHECKING:
    from pipeline.cli.extraction import Extracted
    from transforms.records import Article

EXPLAIN_WIDTH = 110  # columns
NOT_ALL = 1
_NAME_CHARS = 100


@click.command()
@click.argument("places", nargs=-1, metavar="[FILE|URL|-]...")
@click.option(
    "--manifest",
    metavar="FILE",
    help='Extract many pages: JSON lines {"id", "url", "html"}; html is a path relative to FILE (.gz allowed).',
)
@click.option("--url", "page_url", default="", help="URL that FILE was saved from.")
@click.option("--explain", is_flag=True, help="Show the page's blocks, kept and removed, instead of JSON.")
@click.option(
    "--html",
    "html_path",
    metavar="PATH",
    help="Explain as HTML in this file; for several pages, in a file for each in this folder.",
)
@configured("body", *FETCHING)
def extract(
    config: Config,
    /,
    places: tuple[str, ...],
    manifest: str | None,
    page_url: str,
    explain: bool,
    html_path: str | None,
) -> None:
    """Extract articles from pages as JSON lines, without a database.

    Of several pages, one that cannot be read or has no article is a line with "error" and "message", and the exit code
    is 1 in the end. "-" is standard input.
    """
    if bool(places) == bool(manifest):
        raise UserError("pass FILEs or URLs, or --manifest FILE")
    if page_url and (manifest or len(places) > 1 or "://" in places[0]):
        raise UserError("--url is for one FILE, or for -")
    from pipeline.cli import extraction

    if manifest or len(places) > 1:
        sources = extraction.list_manifest(manifest) if manifest else extraction.list_places(places)
        pages = extraction.extract_pages(sources, config)
        if html_path:
            pages = _write_pages(pages, Path(html_path))
        _show_all(pages, explain, bool(html_path))
        return
    page = extraction.extract_page(places[0], page_url, config)
    assert page.article is not None
    if html_path:
        _write_html(page.article, Path(html_path))
    elif explain:
        _explain(page.article)
    else:
        click.echo(page.line)


def _show_all(pages: Iterable[Extracted], explain: bool, are_written: bool) -> None:
    """Print several pages; exits with NOT_ALL if one of them has no article."""
    count = failed = 0
    for page in pages:
        count += 1
        failed += page.article is None
        if are_written or not explain:
            if page.article is None or not are_written:
                click.echo(page.line)
            continue
        click.echo(f"{'' if count == 1 else chr(10)}== {one_line(page.source.id or '?')} ==")
        if page.article is None:
            click.echo(f"{page.error}: {one_line(page.message)}")
        else:
            _explain(page.article)
    if failed:
        click.echo(f"newsbeam: no article from {failed} of {count} pages", err=True)
        sys.exit(NOT_ALL)


def _explain(article: Article) -> None:
    from pipeline.cli import explain as explanation
    from pipeline.cli.console import PrintableConsole

    explanation.explain(article, PrintableConsole(width=EXPLAIN_WIDTH, highlight=False))


def _write_pages(pages: Iterable[Extracted], folder: Path) -> Iterator[Extracted]:
    """Write the explanation of each article to a file in a folder, named after its id; pass the pages on."""
    if folder.suffix in (".html", ".htm"):
        raise UserError(f"--html {folder}: for several pages, give a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _not_written(folder, exc) from exc
    used: set[str] = set()
    for page in pages:
        if page.article is not None:
            _write_html(page.article, folder / f"{_name_file(page.source.id or '', used)}.html")
        yield page


def _name_file(name: str, used: set[str]) -> str:
    """Return a file name for an id that no earlier one has, on disks that ignore case either, and add it to `used`."""
    bare = re.sub(r"(?:\.html?)?(?:\.gz)?$", "", name, flags=re.IGNORECASE)
    stem = re.sub(r"[^\w.-]+", "_", bare)[:_NAME_CHARS].strip("._") or "page"
    number, found = 1, stem
    while found.lower() in used:
        number += 1
        found = f"{stem}-{number}"
    used.add(found.lower())
    return found


def _write_html(article: Article, path: Path) -> None:
    from pipeline.cli import explain as explanation

    try:
        path.write_text(explanation.explain_html(article), encoding="utf-8")
    except OSError as exc:
        raise _not_written(path, exc) from exc


def _not_written(path: Path, error: OSError) -> UserError:
    return UserError(f"cannot write {path}: {(error.strerror or str(error)).lower()}")


@click.command()
@click.argument("file", required=False, default="-", metavar="[FILE]")
@click.option("--url", default="", help="URL of the article, if known.")
@configured()
def clean(config: Config, /, file: str, url: str) -> None:
    """Clean a plain-text article (FILE or stdin) and print it as JSON."""
    from pipeline.cli import extraction

    if file == extraction.STDIN:
        body = extraction.read_stream(sys.stdin.buffer, "standard input", config.max_body_bytes)
    else:
        body = extraction.read_file(Path(file), config.max_body_bytes)
    click.echo(extraction.clean_text_json(body, url))

"""`newsbeam extract` and `newsbeam clean`: turn pages and texts into JSON without a database."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pipeline.cli.explain import explain
from pipeline.config import Config
from transforms.errors import NewsbeamError, PrivateAddress, UserError
from transforms.page.boilerplate import BodyPolicy, strip_boilerplate
from transforms.page.extract import article_json, extract
from transforms.page.plaintext import clean_text
from transforms.records import Article, FeedEntry, FetchedPage
from transforms.results import Ended
from transforms.urls import link_of


def read_page(source: str, url: str, config: Config) -> FetchedPage:
    """Read a page from a file (.gz allowed) or fetch it; raises UserError if that fails."""
    if "://" not in source:
        return _page(read_file(Path(source)), url or Path(source).resolve().as_uri())
    from transforms.fetch.fetcher import shared_fetcher

    link = link_of(FeedEntry(source), "", datetime.now(UTC))
    for result in shared_fetcher(config.fetch_policy()).fetch_articles([link]):
        if isinstance(result, Ended):
            error = result.error
            hint = "; to allow it, use --allow-private-addresses" if isinstance(error, PrivateAddress) else ""
            raise UserError(f"cannot fetch {source}: {error.reason}: {error}{hint}")
        return result.record
    raise AssertionError("the fetcher returned no result for the link")


def read_file(path: Path) -> bytes:
    """Read a file, decompressing it if its name ends in .gz; raises UserError if it cannot be read."""
    try:
        body = path.read_bytes()
        return gzip.decompress(body) if path.suffix == ".gz" else body
    except OSError as exc:
        raise UserError(f"cannot read {path}: {(exc.strerror or str(exc)).lower()}; check the name") from exc
    except (EOFError, zlib.error) as exc:
        raise UserError(f"cannot read {path}: not a gzip file; check the name") from exc


def extract_article(page: FetchedPage, policy: BodyPolicy) -> Article:
    """Extract and strip one page; raises what transforms.page.extract raises."""
    return strip_boilerplate(extract(page), policy)


def extract_page(page: FetchedPage, policy: BodyPolicy) -> str:
    """Return one page's article as a line of JSON; raises UserError if it has none."""
    try:
        return _line(extract_article(page, policy))
    except NewsbeamError as exc:
        raise UserError(f"no article in {page.url}: {exc}") from exc


def explain_page(page: FetchedPage, policy: BodyPolicy, html: bool = False) -> str:
    """Return the page as kept and removed blocks, for a terminal or as HTML; raises UserError if it has no article."""
    try:
        return explain(extract_article(page, policy), html)
    except NewsbeamError as exc:
        raise UserError(f"no article in {page.url}: {exc}") from exc


def extract_manifest(manifest: Path, policy: BodyPolicy) -> Iterator[str]:
    """Yield a line of JSON for each line of the manifest, in order.

    For a page without an article, it has the id, an empty body and the reason as `rejected`.
    """
    for number, line in enumerate(read_file(manifest).decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, url, html = str(row["id"]), str(row["url"]), str(row["html"])
        except (ValueError, KeyError, TypeError) as exc:
            raise UserError(f'{manifest}:{number}: not a JSON object with "id", "url" and "html"') from exc
        page = _page(read_file(manifest.parent / html), url)
        try:
            yield _line(extract_article(page, policy), name)
        except NewsbeamError as exc:
            yield json.dumps({"id": name, "url": url, "body": [], "rejected": exc.reason})


def clean_text_json(text: str, url: str = "") -> str:
    """Return a plain-text article as a line of JSON; raises UserError if it has no text."""
    try:
        return _line(clean_text(text, url))
    except NewsbeamError as exc:
        raise UserError(f"no article in the text: {exc}") from exc


def _line(article: Article, name: str | None = None) -> str:
    return json.dumps(article_json(article, name), ensure_ascii=False)


def _page(body: bytes, url: str) -> FetchedPage:
    return FetchedPage(link_of(FeedEntry(url), "", datetime.now(UTC)), url, "", body, datetime.now(UTC))

"""`newsbeam extract` and `newsbeam clean`: turn pages and texts into JSON without a database."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, cast

from pipeline.config import Config
from pipeline.logs.terminal import json_text
from transforms.errors import NewsbeamError, PrivateAddress, UserError, WorkBug
from transforms.guard import Guard
from transforms.language import LanguageDetector
from transforms.page.boilerplate import BodyPolicy, strip_boilerplate
from transforms.page.extract import article_json, extract
from transforms.page.plaintext import clean_text
from transforms.records import Article, FeedEntry, FetchedPage
from transforms.results import Ended
from transforms.urls import link_of

LONGEST_LINE = 1_000_000  # bytes of a line of a manifest, which holds an id, an address and a path


def read_page(source: str, url: str, config: Config) -> FetchedPage:
    """Read a page from a file (.gz allowed) or fetch it; raises UserError if that fails."""
    if "://" not in source:
        body = read_file(Path(source), config.max_body_bytes)
        return _page(body, url or Path(source).resolve().as_uri())
    from transforms.fetch.fetcher import shared_fetcher

    link = link_of(FeedEntry(source), "", datetime.now(UTC))
    for result in shared_fetcher(config.fetch_policy()).fetch_articles([link]):
        if isinstance(result, Ended):
            error = result.error
            hint = "; to allow it, use --allow-private-addresses" if isinstance(error, PrivateAddress) else ""
            raise UserError(f"cannot fetch {source}: {error.reason}: {error}{hint}")
        return result.record
    raise AssertionError("the fetcher returned no result for the link")


def read_file(path: Path, most: int) -> bytes:
    """Read a file of at most `most` bytes, decompressing it if its name ends in .gz.

    Raises UserError if it cannot be read or is larger.
    """
    try:
        with open_file(path) as stream:
            return read_stream(stream, str(path), most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise UserError(f"cannot read {path}: not a gzip file; check the name") from exc
    except (OSError, ValueError) as exc:
        raise _unreadable(path, exc) from exc


def read_stream(stream: IO[bytes], name: str, most: int) -> bytes:
    """Read a stream of at most `most` bytes to its end; raises UserError if it has more."""
    body = stream.read(most + 1)
    if len(body) > most:
        raise UserError(f"cannot read {name}: more than {most:,} bytes; NEWSBEAM_MAX_BODY_BYTES allows more")
    return body


def open_file(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressing it if its name ends in .gz; raises OSError or ValueError."""
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path))
    return path.open("rb")


def _unreadable(path: Path, error: Exception) -> UserError:
    # ValueError: a name with a zero byte, or one that is not valid UTF-8
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UserError(f"cannot read {path}: {why.lower()}; check the name")


def extract_article(page: FetchedPage, policy: BodyPolicy) -> Article:
    """Extract and strip one page, and detect its language; raises what transforms.page.extract raises."""
    return LanguageDetector()(strip_boilerplate(extract(page), policy))


def extract_page(page: FetchedPage, policy: BodyPolicy) -> str:
    """Return one page's article as a line of JSON; raises UserError if it has none."""
    return _line(article_of(page, policy))


def article_of(page: FetchedPage, policy: BodyPolicy) -> Article:
    """Return one page's article, stripped; raises UserError if it has none."""
    try:
        return extract_article(page, policy)
    except NewsbeamError as exc:
        raise UserError(f"no article in {page.url}: {exc}") from exc


def extract_manifest(manifest: Path, config: Config) -> Iterator[str]:
    """Yield a line of JSON for each line of the manifest, in order.

    For a page without an article, it has the id, an empty body and the reason as `rejected`. Each page is read in a
    guarded process, so that none stops the others: one that is too complex is rejected.
    """
    read: Guard[FetchedPage, Article] = Guard(
        partial(extract_article, policy=config.body_policy()), prepare=LanguageDetector().prepare
    )
    try:
        yield from _extract_lines(manifest, config, read)
    finally:
        read.close()


def _extract_lines(manifest: Path, config: Config, read: Guard[FetchedPage, Article]) -> Iterator[str]:
    for number, line in enumerate(_lines(manifest), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, url, html = str(row["id"]), str(row["url"]), str(row["html"])
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise UserError(f'{manifest}:{number}: not a JSON object with "id", "url" and "html"') from exc
        page = _page(read_file(manifest.parent / html, config.max_body_bytes), url)
        try:
            yield _line(read(page), name)
        except (NewsbeamError, WorkBug) as exc:
            yield json_text({"id": name, "url": url, "body": [], "rejected": getattr(exc, "reason", "bug")})


def _lines(manifest: Path) -> Iterator[str]:
    try:
        with open_file(manifest) as stream:
            while line := stream.readline(LONGEST_LINE):
                yield line.decode("utf-8", "replace")
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise UserError(f"cannot read {manifest}: not a gzip file; check the name") from exc
    except (OSError, ValueError) as exc:
        raise _unreadable(manifest, exc) from exc


def clean_text_json(text: str, url: str = "") -> str:
    """Return a plain-text article as a line of JSON; raises UserError if it has no text."""
    try:
        return _line(LanguageDetector()(clean_text(text, url)))
    except NewsbeamError as exc:
        raise UserError(f"no article in the text: {exc}") from exc


def _line(article: Article, name: str | None = None) -> str:
    return json_text(article_json(article, name))


def _page(body: bytes, url: str) -> FetchedPage:
    return FetchedPage(link_of(FeedEntry(url), "", datetime.now(UTC)), url, "", body, datetime.now(UTC))

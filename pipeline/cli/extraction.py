"""`newsbeam extract` and `newsbeam clean`: turn pages and texts into JSON without a database."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, cast

from pipeline.config import Config
from pipeline.logs.terminal import json_text
from transforms import sniff
from transforms.errors import ContentTypeRejected, NewsbeamError, PrivateAddress, UserError, WorkBug
from transforms.guard import Guard
from transforms.language import LanguageDetector
from transforms.page.boilerplate import BodyPolicy, strip_boilerplate
from transforms.page.extract import article_json, extract
from transforms.page.plaintext import clean_text
from transforms.page.read.parse import decode_page
from transforms.records import Article, FeedEntry, FetchedPage
from transforms.results import Ended
from transforms.urls import link_of

LONGEST_LINE = 1_000_000  # bytes of a line of a manifest, which holds an id, an address and a path
STDIN = "-"
_BAD_LINE = 'not a JSON object with "id", "url" and "html"'
# what takes a file that is no page
_HINTS = {
    sniff.TEXT: "`newsbeam clean` takes plain text",
    sniff.FEED: "`newsbeam run` takes feeds",
    sniff.SITEMAP: "`newsbeam run` takes sitemaps",
    sniff.OPML: "`newsbeam run` takes lists of feeds",
    sniff.JSON: "for many pages, --manifest takes a list as JSON lines",
    sniff.GZIP: "a file whose name ends in .gz is decompressed",
}


class PageError(UserError):
    """A page could not be read or gives no article; `reason` is a word for programs, such as "no text"."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a page comes from, and the URL that it was saved from, if known.

    `place` is a file if it is a Path; else an address, "-" for standard input, or the name of a file.

    `error` says what is wrong with the line of the manifest that should have named it.
    """

    id: str | None
    place: str | Path = ""
    url: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Extracted:
    """One of several pages: its article, or the error that took its place."""

    source: Source
    article: Article | None = None
    error: str = ""
    message: str = ""

    @property
    def line(self) -> str:
        """The page as a line of JSON; one with an error has an empty body."""
        if self.article is not None:
            return json_text(article_json(self.article, self.source.id))
        error = {"error": self.error, "message": self.message}
        return json_text({"id": self.source.id, "url": _url_of(self.source), "body": []} | error)


def _url_of(source: Source) -> str | None:
    """Return the URL of a page that could not be read, if there is one."""
    if source.url or source.error or source.place == STDIN:
        return source.url or None
    try:
        return str(source.place) if "://" in str(source.place) else _file_url(source.place)
    except (OSError, ValueError):
        return None


def _file_url(place: str | Path) -> str:
    return Path(place).resolve().as_uri()


def read_page(place: str | Path, url: str, config: Config) -> FetchedPage:
    """Read a page from a file (.gz allowed) or standard input ("-"), or fetch it; raises PageError if that fails."""
    if place == STDIN:
        return _page(read_stream(sys.stdin.buffer, "standard input", config.max_body_bytes), url)
    if isinstance(place, Path) or "://" not in place:
        return _page(read_file(Path(place), config.max_body_bytes), url or _file_url(place))
    from transforms.fetch.fetcher import shared_fetcher

    link = link_of(FeedEntry(place), "", datetime.now(UTC))
    for result in shared_fetcher(config.fetch_policy()).fetch_articles([link]):
        if isinstance(result, Ended):
            error = result.error
            hint = "; to allow it, use --allow-private-addresses" if isinstance(error, PrivateAddress) else ""
            raise PageError(error.reason, f"cannot fetch {place}: {error.reason}: {error}{hint}")
        return result.record
    raise AssertionError("the fetcher returned no result for the link")


def read_file(path: Path, most: int) -> bytes:
    """Read a file of at most `most` bytes, decompressing it if its name ends in .gz.

    Raises PageError if it cannot be read or is larger.
    """
    try:
        with open_file(path) as stream:
            return read_stream(stream, str(path), most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise PageError("unreadable", f"cannot read {path}: {_why_gzip(exc)}") from exc
    except (OSError, ValueError) as exc:
        raise _unreadable(path, exc) from exc


def read_stream(stream: IO[bytes], name: str, most: int) -> bytes:
    """Read a stream of at most `most` bytes to its end; raises PageError if it has more."""
    body = stream.read(most + 1)
    if len(body) > most:
        raise PageError(
            "too large", f"cannot read {name}: more than {most:,} bytes; NEWSBEAM_MAX_BODY_BYTES allows more"
        )
    return body


def open_file(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressing it if its name ends in .gz; raises OSError or ValueError."""
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path))
    return path.open("rb")


def _unreadable(path: Path, error: Exception) -> PageError:
    # ValueError: a name with a zero byte, or one that is not valid UTF-8
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return PageError("unreadable", f"cannot read {path}: {why.lower()}; check the name")


def _why_gzip(error: Exception) -> str:
    return "the gzip file is damaged" if isinstance(error, EOFError | zlib.error) else "not a gzip file; check the name"


def extract_article(page: FetchedPage, policy: BodyPolicy) -> Article:
    """Extract and strip one page, and detect its language; raises what transforms.page.extract raises."""
    return LanguageDetector()(strip_boilerplate(extract(page), policy))


def article_of(page: FetchedPage, policy: BodyPolicy) -> Article:
    """Return one page's article, stripped; raises PageError if it has none."""
    try:
        return extract_article(page, policy)
    except NewsbeamError as exc:
        raise _no_article(page, exc) from exc


def extract_page(place: str, url: str, config: Config) -> Extracted:
    """Extract one page; raises PageError if it cannot be read or has no article."""
    return Extracted(Source(place, place, url), article_of(read_page(place, url, config), config.body_policy()))


def extract_pages(sources: Iterator[Source], config: Config) -> Iterator[Extracted]:
    """Extract several pages in order, none of which stops the others.

    Each is read in a guarded process: one that takes too much, or brings its process down, is an error of its own.
    """
    read: Guard[FetchedPage, Article] = Guard(
        partial(extract_article, policy=config.body_policy()), prepare=LanguageDetector().prepare
    )
    try:
        for source in sources:
            yield _try_page(source, config, read)
    finally:
        read.close()


def _try_page(source: Source, config: Config, read: Guard[FetchedPage, Article]) -> Extracted:
    if source.error:
        return Extracted(source, error="bad line", message=source.error)
    try:
        page = read_page(source.place, source.url, config)
        try:
            return Extracted(source, read(page))
        except NewsbeamError as exc:
            raise _no_article(page, exc) from exc
    except PageError as exc:
        return Extracted(source, error=exc.reason, message=str(exc))
    except WorkBug as exc:
        return Extracted(source, error="bug", message=f"an error in newsbeam: {exc.text}")


def _no_article(page: FetchedPage, error: NewsbeamError) -> PageError:
    hint = _HINTS.get(sniff.name_foreign(page.body)) if isinstance(error, ContentTypeRejected) else None
    return PageError(
        error.reason, f"no article in {page.url or 'standard input'}: {error}{f'; {hint}' if hint else ''}"
    )


def list_places(places: Sequence[str]) -> Iterator[Source]:
    """Yield a source for each file or address; its id is the name that the user gave."""
    for place in places:
        yield Source(place, place)


def list_manifest(manifest: str) -> Iterator[Source]:
    """Yield a source for each line of a manifest, which is a file or "-"; raises UserError if it cannot be read."""
    folder = Path() if manifest == STDIN else Path(manifest).parent
    for number, line in enumerate(_lines(manifest), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        known = {name: str(row[name]) for name in ("id", "url", "html") if name in row} if isinstance(row, dict) else {}
        if len(known) == 3:
            yield Source(known["id"], folder / known["html"], known["url"])
        else:
            yield Source(known.get("id"), url=known.get("url", ""), error=f"{manifest}:{number}: {_BAD_LINE}")


def _lines(manifest: str) -> Iterator[str]:
    try:
        with nullcontext(sys.stdin.buffer) if manifest == STDIN else open_file(Path(manifest)) as stream:
            while line := stream.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise UserError(f"cannot read {manifest}: a line of {LONGEST_LINE:,} bytes or more")
                yield line.decode("utf-8", "replace")
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise UserError(f"cannot read {manifest}: {_why_gzip(exc)}") from exc
    except (OSError, ValueError) as exc:
        raise _unreadable(Path(manifest), exc) from exc


def clean_text_json(body: bytes, url: str = "") -> str:
    """Return a plain-text article as a line of JSON; raises UserError if the body is no text or has none."""
    if sniff.starts_as_page(body):
        raise UserError("no article in the text: it is a web page; `newsbeam extract` takes pages")
    foreign = sniff.name_foreign(body)
    if foreign not in ("", sniff.TEXT):
        raise UserError(f"no article in the text: it is {foreign}; `newsbeam clean` takes plain text")
    try:
        return json_text(article_json(LanguageDetector()(clean_text(decode_page(body)[0], url))))
    except NewsbeamError as exc:
        raise UserError(f"no article in the text: {exc}") from exc


def _page(body: bytes, url: str) -> FetchedPage:
    return FetchedPage(link_of(FeedEntry(url), "", datetime.now(UTC)), url, "", body, datetime.now(UTC))

"""Read what users give as FEED: an address, or a file that lists addresses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.tables.keys import LONGEST_FEED, size_of
from transforms.errors import FeedError, NewsbeamError, UserError
from transforms.feeds.discovery import read_feed_list, read_opml
from transforms.urls import canonical_url

LONGEST_LIST = 50_000_000  # bytes: some 500,000 addresses
# four times what a core polls in an hour, were each polled every ten minutes
MOST_ADDRESSES = 100_000


def read_feed_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the addresses in the arguments, each once; files are read as OPML or as one address per line.

    Addresses are not fetched here: polling shows whether one is a feed, a home page, or a list of feeds. Raises
    UserError for a file that is missing or lists no feed, for text that is not a web address, and for too many of them.
    """
    found: dict[str, None] = {}
    for argument in arguments:
        for address in [argument] if "://" in argument else _read_list(Path(argument)):
            try:
                address.encode()
                canonical_url(address)
            except (UnicodeEncodeError, NewsbeamError) as exc:
                reason = exc if isinstance(exc, NewsbeamError) else "not valid UTF-8"
                raise UserError(f"not a web address: {address!r}: {reason}") from exc
            if size_of(address) > LONGEST_FEED:
                raise UserError(f"feed address longer than {LONGEST_FEED} bytes: {address[:100]}...")
            found.setdefault(address)
    if len(found) > MOST_ADDRESSES:
        raise UserError(f"{len(found):,} feeds, more than {MOST_ADDRESSES:,}: give each part to a database of its own")
    return list(found)


def _read_list(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as stream:
            body = stream.read(LONGEST_LIST + 1)
    except (OSError, ValueError) as exc:
        # ValueError: a name with a zero byte
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        hint = f"; did you mean https://{path}?" if "." in path.name and not os.path.exists(path) else ""
        raise UserError(f"cannot read {path}: {why.lower()}{hint}") from exc
    if len(body) > LONGEST_LIST:
        raise UserError(f"cannot read {path}: more than {LONGEST_LIST:,} bytes; pass several files")
    try:
        feeds = read_opml(body)
    except FeedError:
        feeds = read_feed_list(body.decode("utf-8", "replace"))
    if not feeds:
        raise UserError(f"no address in {path}: write one per line, or pass an OPML file")
    return feeds

"""What a user may give as FEED: an address, or a file that lists addresses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.tables.keys import LONGEST_FEED
from transforms.errors import FeedError, NewsbeamError, UserError
from transforms.feeds.discovery import read_feed_list, read_opml
from transforms.urls import canonical_url


def read_feed_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the addresses that the arguments name, each once; a file is read as OPML or as lines of addresses.

    An address is taken as it is: whether it is a feed, a home page, an OPML list or a text list shows when it is
    polled. Raises UserError for a file that is missing or names no feed, and for what is no web address.
    """
    found: dict[str, None] = {}
    for argument in arguments:
        for address in [argument] if "://" in argument else _read_list(Path(argument)):
            try:
                canonical_url(address)
            except NewsbeamError as exc:
                raise UserError(f"not a web address: {address!r}: {exc}") from exc
            if len(address) > LONGEST_FEED:
                raise UserError(f"an address of a feed has at most {LONGEST_FEED} characters: {address[:100]}...")
            found.setdefault(address)
    return list(found)


def _read_list(path: Path) -> tuple[str, ...]:
    try:
        body = path.read_bytes()
    except OSError as exc:
        hint = f"; did you mean https://{path}?" if "." in path.name and not path.exists() else ""
        raise UserError(f"cannot read {path}: {(exc.strerror or str(exc)).lower()}{hint}") from exc
    try:
        feeds = read_opml(body)
    except FeedError:
        feeds = read_feed_list(body.decode("utf-8", "replace"))
    if not feeds:
        raise UserError(f"no feed in {path}: write one address a line, or give an OPML file")
    return feeds

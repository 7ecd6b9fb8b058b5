"""Messages on the topic of URLs: one link per message, as versioned JSON.

    {"version": 1, "url": "https://...", "canonical_url": ..., "discovered_at": "2026-01-01T00:00:00Z", ...}

The fields are those of transforms.records.ArticleLink. Only `version` and `url` are required, so that anyone can
publish an article to be fetched; unknown fields are ignored. Attributes repeat what a subscription may filter on: host,
feed, discovered_at, article_id, version.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec

from pipeline.tables.keys import LONGEST_URL, bounded_host, bounded_key, size_of, storable
from transforms.errors import MessageInvalid, UserError
from transforms.records import ArticleLink
from transforms.urls import article_id, host_of, url_key

VERSION = 1
# https://cloud.google.com/pubsub/quotas#resource_limits: an attribute's value has at most 1,024 bytes
LONGEST_ATTRIBUTE = 1024
TOPIC = re.compile(r"projects/[^/]+/topics/[^/]+")

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _LinkBody:
    """The JSON body; a time without a time zone is rejected, as it is ambiguous."""

    version: int
    url: Annotated[str, msgspec.Meta(min_length=1)]
    canonical_url: str = ""
    article_id: str = ""
    host: str = ""
    feed_url: str = ""
    discovered_at: Instant | None = None
    # what `urls.tries` can hold, less what may be added
    tries: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    title: str = ""
    published_at: Instant | None = None
    authors: tuple[str, ...] = ()
    language: str = ""


def checked_topic(topic: str) -> str:
    """Return the name of a topic; raises UserError unless it is projects/P/topics/T."""
    if not TOPIC.fullmatch(topic):
        raise UserError(f"not a topic: {topic!r}; use projects/P/topics/T")
    return topic


def encode_link(link: ArticleLink) -> bytes:
    """Return the body of the message for a link; a lone surrogate in a text becomes a question mark."""
    return msgspec.json.encode({"version": VERSION} | {name: _storable(value) for name, value in asdict(link).items()})


def attributes_of(link: ArticleLink) -> dict[str, str]:
    """Return the attributes of the message for a link."""
    attributes = {
        "version": str(VERSION),
        "article_id": link.article_id,
        "host": link.host,
        "feed": link.feed_url,
        "discovered_at": link.discovered_at.isoformat() if link.discovered_at else "",
    }
    return {name: cut_attribute(value) for name, value in attributes.items() if value}


def cut_attribute(value: str) -> str:
    """Return a text truncated to the maximum size of an attribute."""
    return value.encode("utf-8", "replace")[:LONGEST_ATTRIBUTE].decode("utf-8", "ignore")


def read_link(data: bytes) -> ArticleLink:
    """Return the link in a message's body; raises MessageInvalid for a body without one."""
    try:
        version = msgspec.json.decode(data, type=_Versioned).version
        if version != VERSION:
            raise MessageInvalid(f"version {version}: this newsbeam reads version {VERSION}")
        body = msgspec.json.decode(data, type=_LinkBody)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise MessageInvalid(str(exc)) from exc
    fields: dict[str, Any] = {name: _storable(value) for name, value in asdict(body).items() if name != "version"}
    if not body.url.strip("\x00"):
        raise MessageInvalid("the url is empty")
    if size_of(fields["url"]) > LONGEST_URL:
        raise MessageInvalid(f"the url is longer than {LONGEST_URL:,} bytes")
    key = fields["canonical_url"] or url_key(fields["url"])
    return ArticleLink(
        **fields
        | {
            "canonical_url": bounded_key(key),
            "article_id": fields["article_id"] or article_id(key),
            "host": bounded_host(fields["host"] or host_of(key)),
        }
    )


class _Versioned(msgspec.Struct):
    version: int


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    return tuple(_storable(item) for item in value) if isinstance(value, tuple) else value

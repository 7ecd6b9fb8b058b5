"""The records that pass from step to step: frozen dataclasses, and their JSON form.

    Feed -> FeedEntry -> ArticleLink -> FetchedPage -> Article -> Article (+ entities) -> rows
                                any step may end in a Rejection or a Failure instead

All times are aware datetimes in UTC. To change a record, use `dataclasses.replace`.
JSON goes through msgspec (`to_json`, `from_json`): datetimes as RFC 3339, bytes as base64, enums as their value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, SupportsIndex, TypeVar

import msgspec

T = TypeVar("T")


class BlockKind(StrEnum):
    """The kind of a block of a page. Which kinds make up `body` is a policy (transforms.page.boilerplate)."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    LIST_ITEM = "list_item"
    QUOTE = "quote"
    HEADLINE = "headline"
    STANDFIRST = "standfirst"
    BYLINE = "byline"
    CAPTION = "caption"
    CREDIT = "credit"
    BIO = "bio"
    PROMO = "promo"
    RELATED = "related"
    SOCIAL = "social"
    LEGAL = "legal"
    COMMENT = "comment"
    AD = "ad"
    TAGS = "tags"
    LIVE_POST = "live_post"
    LIVE_POINTER = "live_pointer"
    TABLE = "table"
    EMBED = "embed"
    PULL_QUOTE = "pull_quote"
    DUPLICATE = "duplicate"
    OTHER = "other"


class PageKind(StrEnum):
    """The kind of a page, judged by transforms.page.judge.page_kind. A page is never rejected because of it.

    - article: a text written to be read as a whole: news, feature, opinion, blog post, guide, how-to, recipe, review of
      something, listicle ("the 10 best ..."), interview, press release, reference, encyclopedia or documentation text.
      The default when in doubt.
    - live_blog: one page that goes on growing by posts, each with its own time (live ticker, live updates), even when
      the event is over.
    - video: the main content is a video or an audio piece; text is only its description (roughly under 100 words, or a
      transcript below the player).
    - gallery: the main content is a series of pictures (photo story, picture slideshow); text is a short introduction
      and captions.
    - index: a list of links to other pages: home page, section front, tag page, search results, author page, archive,
      category.
    - product: a page that offers one thing for sale or use (a shop's product, an app in a store, a hotel, a service's
      landing page, a job or property advert); a review or a "best of" list is an article.
    - forum: a discussion thread or a page of questions and answers; an article with comments is an article.
    - notice: tells about the site or about access rather than about the world: soft 404, error, consent, login, paywall
      only, terms, privacy, cookie policy, imprint, about us, contact.
    """

    ARTICLE = "article"
    LIVE_BLOG = "live_blog"
    VIDEO = "video"
    GALLERY = "gallery"
    INDEX = "index"
    PRODUCT = "product"
    FORUM = "forum"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An entry of a feed.

    `guid` is only a hint, since GUIDs change and repeat; the canonical URL is the key. `is_feed` marks an entry that is
    itself a feed to poll, such as a sitemap of a sitemap index.
    """

    url: str
    title: str = ""
    guid: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None
    authors: tuple[str, ...] = ()
    summary: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    is_feed: bool = False


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """The content of a feed at one poll.

    `kind` is one of "rss", "rdf", "atom", "json", "sitemap", "sitemap_index", or "list" for a body that names feeds
    (transforms.feeds.answers). `ttl_s` is the number of seconds that the feed asks clients to wait between polls, None
    if it does not say. `truncated` says that the feed has more entries than are read from one feed
    (transforms.feeds.formats.rows).
    """

    kind: str
    title: str = ""
    language: str = ""
    ttl_s: float | None = None
    entries: tuple[FeedEntry, ...] = ()
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class FeedState:
    """The state of a feed between two polls.

    `url` is the configured address and the key; `fetch_url` is the current address (it changes after a repeated 301 or
    308). `interval_s` is the time between two successful polls; `failures` is a weighted sum of failures in a
    row (transforms.feeds.schedule); `conditional_get` is False for a feed that sends false 304s. `gone_at` is when it
    first answered 410 since its last success. `from_index` is the feed that named this one, if any.
    """

    url: str
    fetch_url: str
    host: str
    title: str = ""
    language: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    conditional_get: bool = True
    enabled: bool = True
    interval_s: float = 3600.0
    polls: int = 0
    successes: int = 0
    failures: float = 0.0
    moved_to: str = ""
    moved_times: int = 0
    gone_times: int = 0
    gone_at: datetime | None = None
    polled_at: datetime | None = None
    next_poll_at: datetime | None = None
    new_entry_at: datetime | None = None
    last_error: str = ""
    from_index: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something notable that happened to a feed or a URL: a gap, a move, an error.

    `kind` is one of "gap", "moved", "gone", "error", "disabled", "recovered".
    """

    kind: str
    subject: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ArticleLink:
    """A URL from a feed.

    `canonical_url` is the key; `url` is the spelling first seen, which is fetched. `tries` counts the earlier tries.
    `title`, `published_at`, `authors` and `language` are the feed's hints.
    """

    url: str
    canonical_url: str
    article_id: str
    host: str
    feed_url: str = ""
    discovered_at: datetime | None = None
    tries: int = 0
    title: str = ""
    published_at: datetime | None = None
    authors: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A response of status 200; `body` is decoded from its content encoding but not from its charset."""

    link: ArticleLink
    url: str
    content_type: str
    body: bytes
    fetched_at: datetime
    elapsed_ms: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page's text: one paragraph, one heading, one caption.

    `rule` names the rule that decided its kind, "" if none did. `score` is the classifier's probability, from 0 to 1,
    that it is body, and None for a block that the classifier never saw (plain text, linked data, trafilatura's output).
    """

    kind: BlockKind
    text: str
    rule: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class RemovedBlock:
    """A block that is not part of the body; `reason` is its BlockKind, `rule` says what decided."""

    position: int
    text: str
    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of the article with its caption and credit."""

    url: str
    caption: str = ""
    credit: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of `Article.body` (character offsets, end exclusive) that names an entity.

    `entity` is the index of that entity in `Article.entities`.
    """

    entity: int
    start: int
    end: int
    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that the article names; `salience` is its share of attention; the shares of all entities add up to 1."""

    name: str
    label: str
    mentions: int
    salience: float


@dataclass(frozen=True, slots=True)
class Article:
    """An article, as far as it has been processed.

    Extraction fills the metadata and `blocks` (every block of the page's article region, typed);
    `strip_boilerplate` moves what is not body from `blocks` to `removed`; entities come last.
    `sources` says for each metadata field where it comes from ("json-ld", "og:title", "feed", ...), and for the body
    which reader's it is. `language_tag` is what the page or the feed says, such as "pt-BR"; `language` is what the body
    is in (transforms.language). `confidence` is the probability that the body is nearly what a careful person would
    take (transforms.page.judge.confidence), None for text without a page.
    `agency` names the news agencies that it is credited to ("dpa/AFP"); `published_precision` is "minute", "day" or "".
    """

    link: ArticleLink
    url: str
    title: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    section: str = ""
    tags: tuple[str, ...] = ()
    published_at: datetime | None = None
    modified_at: datetime | None = None
    language: str = ""
    site_name: str = ""
    canonical_url: str = ""
    lead_image: str = ""
    page_kind: PageKind = PageKind.ARTICLE
    is_paywalled: bool = False
    blocks: tuple[Block, ...] = ()
    removed: tuple[RemovedBlock, ...] = ()
    images: tuple[Image, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    fetched_at: datetime | None = None
    entities: tuple[Entity, ...] = ()
    mentions: tuple[Mention, ...] = ()
    entity_model: str = ""
    language_tag: str = ""
    confidence: float | None = None
    agency: str = ""
    published_precision: str = ""
    is_opinion: bool = False

    @property
    def paragraphs(self) -> list[str]:
        """The texts of the remaining blocks, in reading order."""
        return [block.text for block in self.blocks]

    @property
    def body(self) -> str:
        """The paragraphs joined by an empty line, as stored; offsets of mentions refer to it."""
        return "\n\n".join(self.paragraphs)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        # an article has some hundred parts, and pickle takes each of them for an object of its own
        try:
            return _unpack_article, (_ARTICLES.encode(self),)
        except UnicodeEncodeError:  # a lone surrogate, which pickle can write
            return object.__reduce_ex__(self, protocol)


@dataclass(frozen=True, slots=True)
class Rejection:
    """The final outcome of a URL that no retry will change, such as a 404."""

    link: ArticleLink
    reason: str
    stage: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed try: the URL is retried at `due_at`, or given up if that is None.

    It is also the dead letter: `payload` is the link as JSON, cut to 10,000 characters. `tries` includes this try.
    """

    link: ArticleLink
    reason: str
    stage: str
    error_class: str
    message: str
    tries: int
    at: datetime
    due_at: datetime | None
    payload: str = ""
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class BadMessage:
    """A message that is not a link; it becomes a dead letter with its payload, under a key of its own."""

    data: bytes
    error: str
    at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key of its dead letter, the same for every delivery of the same payload."""
        return f"message:{hashlib.sha256(self.data).hexdigest()[:32]}"


Outcome = Article | Rejection | Failure

_ARTICLES = msgspec.msgpack.Encoder()
_PACKED_ARTICLES = msgspec.msgpack.Decoder(Article)


def _unpack_article(data: bytes) -> Article:
    return _PACKED_ARTICLES.decode(data)


def to_json(record: object) -> str:
    """Encode a record as a line of JSON."""
    return msgspec.json.encode(record).decode()


def from_json(text: str | bytes, kind: type[T]) -> T:
    """Decode a record; raises msgspec.ValidationError, which names the field that does not fit."""
    return msgspec.json.decode(text, type=kind)

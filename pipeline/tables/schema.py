"""The output tables, said once: SQL DDL, the BigQuery schema and docs/tables.md derive from here.

To add a column, add one `Column` here, fill it in pipeline/tables/rows.py and run
`make migration NAME="add x"`; a test fails while the migrations and this
file disagree, and another while docs/tables.md is stale (`make docs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """What a column holds; each database maps it to a type of its own."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    STRINGS = "list of strings"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type and meaning; `required` means never NULL."""

    name: str
    type: Type
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: `key` is the primary key; `indexes` are further column lists to be found by.

    `is_output` tells what the transforms land (and BigQuery gets) from what only the ledger of the pollers and workers
    keeps. `partition` is the day-partition column and `cluster` the clustering columns in BigQuery.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    is_output: bool = True
    partition: str = ""
    cluster: tuple[str, ...] = ()

    def column_names(self) -> tuple[str, ...]:
        """Return the names of the columns in order."""
        return tuple(column.name for column in self.columns)


def _string(name: str, doc: str, required: bool = False) -> Column:
    return Column(name, Type.STRING, doc, required)


def _integer(name: str, doc: str, required: bool = True) -> Column:
    return Column(name, Type.INTEGER, doc, required)


def _time(name: str, doc: str, required: bool = False) -> Column:
    return Column(name, Type.TIMESTAMP, doc, required)


ARTICLE_ID = _string("article_id", "The article: 32 hexadecimal digits of SHA-256 over its canonical URL.", True)

ARTICLES = Table(
    "articles",
    "One row an article: its newest version.",
    ("article_id",),
    (
        ARTICLE_ID,
        _string("url", "The address that was fetched, as the feed spelled it.", True),
        _string(
            "canonical_url", "The key: the address after redirects, without tracking parameters and fragment.", True
        ),
        _string("host", "Host name of the canonical URL.", True),
        _string("feed_url", "The feed that named it first.", True),
        _string("title", "Headline, without the site's name."),
        _string("description", "Standfirst or summary, as the page gives it."),
        Column("authors", Type.STRINGS, "People and agencies who wrote it."),
        _string("section", "Section of the publication."),
        Column("tags", Type.STRINGS, "Keywords that the publisher gave it."),
        _time("published_at", "When it was published."),
        _time("modified_at", "When the publisher says it was last changed."),
        _time("discovered_at", "When a feed first named it."),
        _time("fetched_at", "When this version was fetched.", True),
        _time("processed_at", "When this version landed.", True),
        _string("language", "ISO 639-1 code, empty if unknown."),
        _string("body", "The article's text: paragraphs with an empty line between.", True),
        _integer("word_count", "Words in `body`."),
        Column("is_paywalled", Type.BOOLEAN, "Whether the page says that part of the text is for subscribers.", True),
        _string("site_name", "Name of the publication."),
        _string("lead_image", "Address of the main picture."),
        _string("page_kind", "article, live_blog, video or gallery.", True),
        _string("content_hash", "SHA-256 over title and body: equal for copies, different after an edit.", True),
        _integer("revision", "1 for the first version that was seen, one more for each edit."),
        _string("entity_model", "Model that named the entities; empty if there is none for the language."),
        Column("sources", Type.JSON, "Where each metadata field was taken from."),
        _string("pipeline_version", "Version of newsbeam that made the row.", True),
    ),
    indexes=(("published_at",), ("host", "published_at"), ("content_hash",), ("processed_at",), ("feed_url",)),
    partition="published_at",
    cluster=("host", "article_id"),
)

ENTITIES = Table(
    "entities",
    "One row a thing (person, organisation, place ...) in an article.",
    ("article_id", "entity_no"),
    (
        ARTICLE_ID,
        _integer("entity_no", "Number of the entity in its article, from 0."),
        _string("name", "Canonical name: the fullest that the article uses.", True),
        _string("label", "PERSON, ORG, GPE, LOC, FAC, NORP, EVENT, PRODUCT, WORK_OF_ART or LAW.", True),
        _integer("mentions", "How often the article names it."),
        Column(
            "salience", Type.FLOAT, "Its share of the article's attention; 1 over all entities of the article.", True
        ),
        _time("published_at", "When the article was published."),
    ),
    indexes=(("name", "label"), ("published_at",)),
    partition="published_at",
    cluster=("name", "label"),
)

MENTIONS = Table(
    "mentions",
    "One row a place in a body that names an entity.",
    ("article_id", "mention_no"),
    (
        ARTICLE_ID,
        _integer("mention_no", "Number of the mention in its article, from 0, in reading order."),
        _integer("entity_no", "The entity that is named (entities.entity_no)."),
        _integer("start_offset", "First character in `articles.body`."),
        _integer("end_offset", "One past the last character in `articles.body`."),
        _string("text", "The words as they stand there.", True),
        _string("label", "What the model took this mention for.", True),
        _time("published_at", "When the article was published."),
    ),
    partition="published_at",
    cluster=("article_id",),
)

IMAGES = Table(
    "images",
    "One row a picture of an article.",
    ("article_id", "image_no"),
    (
        ARTICLE_ID,
        _integer("image_no", "Number of the picture in its article, from 0."),
        _string("url", "Address of the picture.", True),
        _string("caption", "Its caption."),
        _string("credit", "Photographer and agency."),
        _time("published_at", "When the article was published."),
    ),
    partition="published_at",
    cluster=("article_id",),
)

REMOVED_BLOCKS = Table(
    "removed_blocks",
    "One row a block of the page that is not part of the body, and why.",
    ("article_id", "block_no"),
    (
        ARTICLE_ID,
        _integer("block_no", "Number of the removed block in its article, from 0."),
        _integer("position", "Where it stood among all blocks of the page, from 0."),
        _string("text", "Its text.", True),
        _string("reason", "Why it is not body: caption, credit, promo, related, bio, social, ...", True),
        _string("rule", "The rule or score that decided.", True),
        _time("published_at", "When the article was published."),
    ),
    indexes=(("reason",),),
    partition="published_at",
    cluster=("reason",),
)

REVISIONS = Table(
    "revisions",
    "One row a version of an article that was seen.",
    ("article_id", "revision"),
    (
        ARTICLE_ID,
        _integer("revision", "1 for the first version that was seen."),
        _string("content_hash", "SHA-256 over title and body.", True),
        _string("title", "Headline of this version."),
        _string("body", "Text of this version.", True),
        _time("published_at", "When it was published, as this version says."),
        _time("modified_at", "When it was last changed, as this version says."),
        _time("fetched_at", "When this version was first fetched.", True),
    ),
    partition="fetched_at",
    cluster=("article_id",),
)

URLS = Table(
    "urls",
    "One row a URL that a feed ever named, with its one fate.",
    ("canonical_url",),
    (
        _string("canonical_url", "The key: the address without tracking parameters and fragment.", True),
        _string("url", "The spelling first seen, which is what gets fetched.", True),
        _string("article_id", "The article that it led to, or would lead to (articles.article_id).", True),
        _string("host", "Host name.", True),
        _string("feed_url", "The feed that named it first.", True),
        _string("outcome", "article, rejected or failed; NULL while under way for the first time."),
        _string("reason", "Why it was rejected or failed."),
        _string("stage", "The stage in which it ended."),
        _string("message", "The error in words."),
        _integer("tries", "How many tries have ended."),
        _time("discovered_at", "When a feed first named it."),
        _time("settled_at", "When the outcome was last written."),
        _time("due_at", "When it is to be worked on next; NULL if it is settled for good."),
        _time("leased_until", "Until when a worker holds it."),
        _string("lease_owner", "The worker that holds it."),
        _integer("claims", "How often it was leased since it last ended: more than a few means that it kills workers."),
        Column("hints", Type.JSON, "What the feed said of it: title, published_at, authors, language."),
        _time("entry_updated_at", "When the feed says that the article was last updated."),
        _time("announced_at", "When it was last published to the topic; NULL if it has not been."),
        _string("landed_in", "The sink that its article landed in, if that is not this database."),
    ),
    indexes=(
        ("due_at", "host"),
        ("host",),
        ("outcome", "reason"),
        ("article_id",),
        ("announced_at",),
        ("lease_owner",),
    ),
    partition="settled_at",
    cluster=("outcome", "host"),
)

DEAD_LETTERS = Table(
    "dead_letters",
    "One row a try that ended in an error, with what is needed to look into it and to do it again.",
    ("canonical_url", "tries"),
    (
        _string(
            "canonical_url",
            "The URL (urls.canonical_url), or a key of its own for a message that could not be read.",
            True,
        ),
        _integer("tries", "Which try it was, from 1."),
        _string("url", "The address that was fetched.", True),
        _string("stage", "The stage that failed.", True),
        _string("reason", "The error in a word or two; group by it.", True),
        _string("error_class", "The class of the error.", True),
        _string("message", "The error in words.", True),
        _string("traceback", "Where in the code, if the error was not an expected one."),
        _string("payload", "The record that the stage was given, as JSON."),
        _time("failed_at", "When it failed.", True),
        _time("due_at", "When it is tried again; NULL if given up."),
    ),
    indexes=(("failed_at",), ("reason",)),
    partition="failed_at",
    cluster=("reason",),
)

FEEDS = Table(
    "feeds",
    "One row a feed: where it is, how it does and when it is asked next.",
    ("url",),
    (
        _string("url", "The address as configured.", True),
        _string("fetch_url", "Where it lives now, after moves.", True),
        _string("host", "Host name of `fetch_url`.", True),
        _string("title", "Its title.", True),
        _string("language", "Its language, if it says so.", True),
        _string("etag", "ETag of the last answer.", True),
        _string("last_modified", "Last-Modified of the last answer.", True),
        _string("body_hash", "Hash of the last body that was parsed.", True),
        Column("conditional_get", Type.BOOLEAN, "False for feeds that send false 304s.", True),
        Column("enabled", Type.BOOLEAN, "False once it is gone (HTTP 410) for good.", True),
        Column("interval_s", Type.FLOAT, "Seconds between two polls that succeed.", True),
        _integer("polls", "How often it was asked."),
        _integer("successes", "Successful polls in a row."),
        Column("failures", Type.FLOAT, "Weighted failures in a row.", True),
        _string("moved_to", "Where it says that it has moved, while that is not yet certain.", True),
        _integer("moved_times", "How often it has said so."),
        _integer("gone_times", "How often in a row it has said that it is gone."),
        _time("polled_at", "When it was last asked."),
        _time("next_poll_at", "When it is asked next."),
        _time("new_entry_at", "When it last had something new."),
        _string("last_error", "What went wrong last; empty after a success.", True),
        _string("from_index", "The sitemap index that named it, if one did.", True),
    ),
    indexes=(("next_poll_at",), ("host",)),
    is_output=False,
)

EVENTS = Table(
    "events",
    "One row a thing that happened to a feed: a gap, a move, an error.",
    ("event_id",),
    (
        _string("event_id", "Sorts by time.", True),
        _string("kind", "gap, moved, gone, error, disabled, recovered.", True),
        _string("subject", "The feed or URL that it happened to.", True),
        _string("detail", "What happened, in words.", True),
        _time("at", "When.", True),
    ),
    indexes=(("subject", "at"), ("kind", "at")),
    is_output=False,
)

SIGHTINGS = Table(
    "sightings",
    "One row a feed that named a URL: when first, and how it was spelled there.",
    ("canonical_url", "feed_url"),
    (
        _string("canonical_url", "The URL (urls.canonical_url).", True),
        _string("feed_url", "The feed (feeds.url).", True),
        _string("url", "How this feed spelled it.", True),
        _string("guid", "The entry's GUID or id.", True),
        _string("title", "The entry's title.", True),
        _time("seen_at", "When this feed first named it.", True),
    ),
    indexes=(("feed_url",),),
    is_output=False,
)

HOSTS = Table(
    "hosts",
    "One row a host: who may talk to it now, and from when on.",
    ("host",),
    (
        _string("host", "Host name.", True),
        _time("leased_until", "Until when one process has it for itself."),
        _string("lease_owner", "The process that has it."),
        _time("claimed_at", "When it was last leased; hosts take turns by it."),
        _time("free_at", "Before this time nobody asks the host anything."),
        Column("delay_s", Type.FLOAT, "Seconds between two requests that the host was last found to want."),
    ),
    indexes=(("lease_owner",),),
    is_output=False,
)

TABLES: tuple[Table, ...] = (
    ARTICLES,
    ENTITIES,
    MENTIONS,
    IMAGES,
    REMOVED_BLOCKS,
    REVISIONS,
    URLS,
    DEAD_LETTERS,
    FEEDS,
    EVENTS,
    SIGHTINGS,
    HOSTS,
)


def tables_markdown() -> str:
    """Render the tables as the Markdown page docs/tables.md."""
    lines = [
        "# The tables",
        "",
        "Generated from `pipeline/tables/schema.py` by `make docs`. Times are in UTC.",
        "In SQLite, lists and JSON are JSON text (`json_each(authors)`) and times are text that sorts;",
        "in PostgreSQL they are `jsonb` and `timestamptz`.",
        "Full-text search stands over `title` and `body`: in SQLite the table `articles_fts`",
        "(`where articles_fts match 'harbour'`), in PostgreSQL the column `articles.search`",
        "(`where search @@ websearch_to_tsquery('simple', 'harbour')`).",
    ]
    for table in TABLES:
        lines += ["", f"## {table.name}", "", f"{table.doc} Key: {', '.join(f'`{name}`' for name in table.key)}.", ""]
        lines += ["| column | type | what it is |", "|---|---|---|"]
        lines += [
            f"| `{c.name}` | {c.type.value}{'' if c.required else ', may be NULL'} | {c.doc} |" for c in table.columns
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(tables_markdown())

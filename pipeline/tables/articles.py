"""The tables of articles: the newest version, all versions, images, and what was left out of the body."""

from __future__ import annotations

from pipeline import __version__
from pipeline.tables.declare import (
    Column,
    Over,
    Owner,
    Table,
    Type,
    Write,
    boolean,
    integer,
    json,
    real,
    string,
    strings,
    time,
)
from pipeline.tables.keys import (
    LONGEST_BODY,
    LONGEST_FEED,
    LONGEST_HOST,
    LONGEST_ID,
    LONGEST_KEY,
    LONGEST_NAME,
    LONGEST_REASON,
    LONGEST_TITLE,
    LONGEST_URL,
)
from pipeline.tables.landed import LandedArticle, Part, articles, parts
from transforms.records import Image, RemovedBlock
from transforms.words import count_words, reading_minutes

LONGEST_BLOCK = 100_000  # bytes of UTF-8
MOST_IMAGES = 1_000

# the columns that every table of parts begins and ends with
PART_OF_ARTICLE: Column[Part[object]] = string(
    "article_id",
    "The article (articles.article_id).",
    lambda p: p.of.article_id,
    required=True,
    references="articles.article_id",
    most=LONGEST_ID,
)
PART_PUBLISHED_AT: Column[Part[object]] = time(
    "published_at", "When the article was published.", lambda p: p.of.article.published_at
)


def part_number(name: str, doc: str) -> Column[Part[object]]:
    """Declare the column that counts the parts of one article from 0."""
    return integer(name, doc, lambda p: p.number)


ARTICLES: Table[LandedArticle] = Table(
    "articles",
    "One row per article: its newest version.",
    ("article_id",),
    (
        string(
            "article_id",
            "Id of the article: the first 32 hexadecimal digits of the SHA-256 of `canonical_url`.",
            lambda a: a.article_id,
            required=True,
            most=LONGEST_ID,
        ),
        string(
            "url",
            "The URL that was fetched, as the feed spelled it.",
            lambda a: a.article.link.url,
            required=True,
            keep_first=True,
            most=LONGEST_URL,
        ),
        string(
            "canonical_url",
            "The URL after redirects, without tracking parameters and fragment.",
            lambda a: a.canonical_url,
            required=True,
            most=LONGEST_URL,
            over=Over.HASHED,
        ),
        string("host", "Host name of the canonical URL.", lambda a: a.host, required=True, most=LONGEST_HOST),
        string(
            "link_key",
            "The first URL in the ledger that led to the article (urls.canonical_url); there may be several.",
            lambda a: a.article.link.canonical_url,
            keep_first=True,
            references="urls.canonical_url",
            most=LONGEST_KEY,
            over=Over.HASHED,
        ),
        string(
            "feed_url",
            "The feed that listed it first (feeds.url); NULL if no feed did.",
            lambda a: a.feed_url,
            keep_first=True,
            references="feeds.url",
            most=LONGEST_FEED,
            over=Over.REFUSED,
        ),
        string("title", "Headline, without the site's name.", lambda a: a.article.title, most=LONGEST_TITLE),
        string("description", "Standfirst or summary, as the page gives it.", lambda a: a.article.description),
        strings(
            "authors",
            "People and agencies who wrote it; the publication, if nobody else signs it.",
            lambda a: list(a.article.authors),
            most=LONGEST_NAME,
        ),
        string(
            "agency",
            "News agencies that it is credited to, in its byline, dateline or below the text: `dpa`, `dpa/AFP`.",
            lambda a: a.article.agency,
            most=LONGEST_NAME,
        ),
        string(
            "section", "Section of the publication; never the title.", lambda a: a.article.section, most=LONGEST_NAME
        ),
        strings("tags", "The publisher's keywords.", lambda a: list(a.article.tags), most=LONGEST_NAME),
        time(
            "published_at",
            "When it was published. Dates before 1990 and more than two days ahead are refused (`refused_dates` in"
            " `sources`).",
            lambda a: a.article.published_at,
        ),
        string(
            "published_precision",
            "`minute`, or `day` if the page gives only the date; NULL if there is no date.",
            lambda a: a.article.published_precision or None,
        ),
        time(
            "modified_at",
            "When the publisher says it was last changed; never before `published_at`.",
            lambda a: a.article.modified_at,
        ),
        time(
            "discovered_at",
            "When a feed first listed it.",
            lambda a: a.article.link.discovered_at,
            keep_first=True,
        ),
        time("fetched_at", "When this version was fetched.", lambda a: a.article.fetched_at or a.now, required=True),
        time("processed_at", "When this version was stored.", lambda a: a.now, required=True),
        string(
            "language",
            "Language of `body`: ISO 639-1 code, or ISO 639-3 code if it has no other; empty if it cannot be told.",
            lambda a: a.article.language,
            most=LONGEST_ID,
        ),
        string(
            "language_tag",
            "Language tag that the page gives, or else its feed, as spelled there: en-US, pt-BR, zh-Hant. It may be"
            " wrong. NULL in rows that an older version wrote.",
            lambda a: a.article.language_tag,
            most=LONGEST_ID,
        ),
        string(
            "body",
            "The article's text: paragraphs separated by empty lines.",
            lambda a: a.article.body,
            required=True,
            most=LONGEST_BODY,
        ),
        real(
            "confidence",
            "Probability, from 0 to 1, that the body is nearly what a careful person would take: an f1 of .95 or more.",
            lambda a: a.article.confidence,
        ),
        Column(
            "body_truncated",
            Type.BOOLEAN,
            "Whether the page has more text than `body` can hold; what is missing is in removed_blocks with the reason"
            " `too long`, also cut. NULL in rows that an older version wrote.",
            lambda a: a.is_body_truncated,
        ),
        integer(
            "word_count",
            "Words in `body`. In scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) they are"
            " estimated: 1.6 to 5.1 characters to a word.",
            lambda a: count_words(a.article.body),
        ),
        real(
            "reading_minutes",
            "Minutes that an adult needs to read `body`, at the pace of its language (sources: transforms/words.py).",
            lambda a: reading_minutes(a.article.body, a.article.language),
        ),
        boolean(
            "is_paywalled",
            "Whether the page says that part of the text is for subscribers only.",
            lambda a: a.article.is_paywalled,
        ),
        Column(
            "is_opinion",
            Type.BOOLEAN,
            "Whether the publisher marks it as opinion: column, editorial, guest piece or letter. NULL in rows that an"
            " older version wrote.",
            lambda a: a.article.is_opinion,
        ),
        string(
            "site_name",
            "Name of the publication; its host if the page does not give one.",
            lambda a: a.article.site_name,
            most=LONGEST_NAME,
        ),
        string("lead_image", "URL of the main image.", lambda a: a.article.lead_image, most=LONGEST_URL),
        string(
            "page_kind",
            "What the page is, judged from its markup, structure and text: article, live_blog, video, gallery, index,"
            " product, forum or notice. No page is rejected because of it.",
            lambda a: a.article.page_kind.value,
            required=True,
        ),
        string(
            "content_hash",
            "SHA-256 of title and body: equal for copies, different after an edit.",
            lambda a: a.content_hash,
            required=True,
            most=LONGEST_ID,
        ),
        integer(
            "revision",
            "1 for the first version seen, one more for each edit.",
            owner=Owner.WRITER,
        ),
        string(
            "entity_model",
            "Model that found the entities; empty if there is none for the language.",
            lambda a: a.article.entity_model,
        ),
        json(
            "sources",
            "Where each metadata field was taken from; `, cut` after it if the field was longer than its column. Also"
            " how many mentions, entities, images and removed blocks are stored of how many, if not all.",
            lambda a: dict(a.article.sources),
        ),
        string("pipeline_version", "Version of newsbeam that wrote the row.", lambda a: __version__, required=True),
    ),
    rows=articles,
    in_events=True,
    indexes=(
        ("published_at",),
        ("host", "published_at"),
        ("content_hash",),
        ("processed_at",),
        ("feed_url",),
        ("link_key",),
    ),
    partition="published_at",
    cluster=("host", "article_id"),
)

IMAGES: Table[Part[Image]] = Table(
    "images",
    "One row per picture of an article, whatever its sizes.",
    ("article_id", "image_no"),
    (
        PART_OF_ARTICLE,
        part_number("image_no", "Number of the image in its article, from 0."),
        string("url", "URL of the image.", lambda p: p.record.url, required=True, most=LONGEST_URL),
        string("caption", "Its caption.", lambda p: p.record.caption),
        string("credit", "Photographer and agency, without a label such as `Photo:`.", lambda p: p.record.credit),
        PART_PUBLISHED_AT,
    ),
    rows=parts(lambda article: article.images),
    most=MOST_IMAGES,
    part_of="articles",
    write=Write.REPLACE,
    in_events=True,
    partition="published_at",
    cluster=("article_id",),
)

REMOVED_BLOCKS: Table[Part[RemovedBlock]] = Table(
    "removed_blocks",
    "One row per block of the page that is not part of the body, with the reason.",
    ("article_id", "block_no"),
    (
        PART_OF_ARTICLE,
        part_number("block_no", "Number of the removed block in its article, from 0."),
        integer("position", "Its position among all blocks of the page, from 0.", lambda p: p.record.position),
        string("text", "Its text.", lambda p: p.record.text, required=True, most=LONGEST_BLOCK),
        string(
            "reason",
            "Why it is not part of the body: caption, credit, promo, related, bio, social, ...; `too long` for the rest"
            " of a text that the body cannot hold.",
            lambda p: p.record.reason,
            required=True,
            most=LONGEST_REASON,
        ),
        string("rule", "The rule or score that decided this.", lambda p: p.record.rule, required=True),
        PART_PUBLISHED_AT,
    ),
    rows=parts(lambda article: article.removed),
    part_of="articles",
    write=Write.REPLACE,
    indexes=(("reason",),),
    partition="published_at",
    cluster=("reason",),
)

REVISIONS: Table[LandedArticle] = Table(
    "revisions",
    "One row per version of an article that was fetched.",
    ("article_id", "revision"),
    (
        string(
            "article_id",
            "The article (articles.article_id).",
            lambda a: a.article_id,
            required=True,
            references="articles.article_id",
            most=LONGEST_ID,
        ),
        integer("revision", "1 for the first version seen.", owner=Owner.WRITER),
        string("content_hash", "SHA-256 of title and body.", lambda a: a.content_hash, required=True, most=LONGEST_ID),
        string("title", "Headline of this version.", lambda a: a.article.title, most=LONGEST_TITLE),
        string("body", "Text of this version.", lambda a: a.article.body, required=True, most=LONGEST_BODY),
        time("published_at", "When it was published, according to this version.", lambda a: a.article.published_at),
        time("modified_at", "When it was last changed, according to this version.", lambda a: a.article.modified_at),
        time(
            "fetched_at",
            "When this version was first fetched.",
            lambda a: a.article.fetched_at or a.now,
            required=True,
        ),
    ),
    rows=articles,
    part_of="articles",
    write=Write.HISTORY,
    partition="fetched_at",
    cluster=("article_id",),
)

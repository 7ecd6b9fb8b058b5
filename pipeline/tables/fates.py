"""The tables of what became of each URL: its fate, and every failed try."""

from __future__ import annotations

from pipeline.tables.declare import Over, Owner, Table, integer, json, string, time
from pipeline.tables.keys import (
    LONGEST_FEED,
    LONGEST_HOST,
    LONGEST_ID,
    LONGEST_KEY,
    LONGEST_NAME,
    LONGEST_REASON,
    LONGEST_URL,
)
from pipeline.tables.landed import Fate, Letter, fates, letters
from transforms.fates import LONGEST_PAYLOAD, LONGEST_TRACEBACK

URLS: Table[Fate] = Table(
    "urls",
    "One row per URL that a feed ever listed, with its fate.",
    ("canonical_url",),
    (
        string(
            "canonical_url",
            "The URL without tracking parameters and fragment.",
            lambda f: f.link.canonical_url,
            required=True,
            most=LONGEST_KEY,
            over=Over.HASHED,
        ),
        string(
            "url",
            "The URL as first seen, which is the one that is fetched.",
            lambda f: f.link.url,
            required=True,
            keep_first=True,
            most=LONGEST_URL,
            over=Over.REFUSED,
        ),
        string(
            "article_id",
            "The article that it led to, or would lead to (articles.article_id).",
            lambda f: f.article_id,
            required=True,
            most=LONGEST_ID,
            is_final=True,
        ),
        string("host", "Host name.", lambda f: f.link.host, required=True, keep_first=True, most=LONGEST_HOST),
        string(
            "feed_url",
            "The feed that listed it first; empty if no feed did.",
            lambda f: f.link.feed_url,
            required=True,
            keep_first=True,
            most=LONGEST_FEED,
        ),
        string(
            "outcome",
            "article, rejected or failed; NULL until the first try has ended.",
            lambda f: f.outcome,
            is_final=True,
            most=LONGEST_ID,
        ),
        string("reason", "Why it was rejected or failed.", lambda f: f.reason, is_final=True, most=LONGEST_REASON),
        string("stage", "The stage in which it ended.", lambda f: f.stage, is_final=True),
        string("message", "The error in words.", lambda f: f.message, is_final=True),
        integer("tries", "Number of tries that have ended.", lambda f: f.tries),
        time("discovered_at", "When a feed first listed it.", lambda f: f.link.discovered_at, keep_first=True),
        time("settled_at", "When the outcome was last written.", lambda f: f.settled_at, is_final=True),
        time(
            "due_at",
            "When it is to be processed next; NULL if no further try is planned.",
            lambda f: f.due_at,
        ),
        time("leased_until", "When the lease of the worker that holds it expires.", lambda f: None, owner=Owner.LEDGER),
        string(
            "lease_owner",
            "The worker that holds the lease.",
            lambda f: None,
            owner=Owner.LEDGER,
            most=LONGEST_NAME,
        ),
        integer(
            "claims",
            "How often it was leased since it last ended; a high number suggests that it kills workers.",
            lambda f: 0,
            owner=Owner.LEDGER,
        ),
        json("hints", "What the feed said about it: title, published_at, authors, language.", owner=Owner.LEDGER),
        time("entry_updated_at", "When the feed says that the article was last updated.", owner=Owner.LEDGER),
        time("announced_at", "When it was last published to the topic; NULL if it has not been.", owner=Owner.LEDGER),
        string(
            "landed_in",
            "The sink that holds its article, if that is not this database.",
            lambda f: None,
            owner=Owner.LEDGER,
            is_final=True,
        ),
    ),
    rows=fates,
    indexes=(("host",), ("outcome", "reason"), ("article_id",), ("announced_at",)),
    sparse_indexes=(("due_at",), ("host", "due_at"), ("lease_owner",)),
    partition="settled_at",
    cluster=("outcome", "host"),
)

DEAD_LETTERS: Table[Letter] = Table(
    "dead_letters",
    "One row per failed try, with what is needed to investigate and repeat it.",
    ("canonical_url", "tries"),
    (
        string(
            "canonical_url",
            "The URL (urls.canonical_url), or a generated key for a message that could not be read.",
            lambda t: t.key,
            required=True,
            most=LONGEST_KEY,
            over=Over.HASHED,
        ),
        integer("tries", "Number of the try, from 1.", lambda t: t.tries),
        string("url", "The URL that was fetched.", lambda t: t.url, required=True, most=LONGEST_URL),
        string("stage", "The stage that failed.", lambda t: t.stage, required=True),
        string(
            "reason",
            "The error in a word or two, for grouping.",
            lambda t: t.reason,
            required=True,
            most=LONGEST_REASON,
        ),
        string("error_class", "The class of the error.", lambda t: t.error_class, required=True),
        string("message", "The error in words.", lambda t: t.message, required=True),
        string(
            "traceback",
            "The Python traceback, if the error was unexpected.",
            lambda t: t.traceback,
            most=4 * LONGEST_TRACEBACK,
        ),
        string(
            "payload",
            "The link as JSON, or the message as it was received.",
            lambda t: t.payload,
            most=4 * LONGEST_PAYLOAD,
        ),
        time("failed_at", "When it failed.", lambda t: t.failed_at, required=True),
        time("due_at", "When it is tried again; NULL if given up.", lambda t: t.due_at),
    ),
    rows=letters,
    indexes=(("failed_at",), ("reason",)),
    partition="failed_at",
    cluster=("reason",),
)

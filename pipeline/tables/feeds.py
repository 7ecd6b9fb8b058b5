"""The tables of the ledger: feeds and their events, which feed listed which URL, hosts and their leases, counts."""

from __future__ import annotations

from typing import Any

from pipeline.tables.declare import Over, Table, boolean, integer, real, string, time
from pipeline.tables.keys import (
    LONGEST_FEED,
    LONGEST_HOST,
    LONGEST_ID,
    LONGEST_KEY,
    LONGEST_NAME,
    LONGEST_REASON,
    LONGEST_TITLE,
    LONGEST_URL,
)

FEEDS: Table[Any] = Table(
    "feeds",
    "One row per feed: its address, its state and when it is polled next.",
    ("url",),
    (
        string("url", "The address as configured.", required=True, most=LONGEST_FEED, over=Over.REFUSED),
        string(
            "fetch_url",
            "The current address, after moves.",
            required=True,
            most=LONGEST_URL,
            over=Over.REFUSED,
        ),
        string("host", "Host name of `fetch_url`.", required=True, most=LONGEST_HOST),
        string("title", "Its title.", required=True, most=LONGEST_TITLE),
        string("language", "Its language, if it gives one.", required=True),
        string("etag", "ETag of the last answer.", required=True),
        string("last_modified", "Last-Modified of the last answer.", required=True),
        string("body_hash", "Hash of the last body that was parsed.", required=True),
        boolean("conditional_get", "False for feeds that send false 304s."),
        boolean("enabled", "False if it is gone for good (HTTP 410), or if only articles and messages name it."),
        real("interval_s", "Seconds between two successful polls.", required=True),
        integer("polls", "Number of polls."),
        integer("successes", "Successful polls in a row."),
        real("failures", "Weighted failures in a row.", required=True),
        string(
            "moved_to",
            "Where it says that it has moved, until that is confirmed.",
            required=True,
            most=LONGEST_URL,
            over=Over.REFUSED,
        ),
        integer("moved_times", "How often in a row it has said so."),
        integer("gone_times", "On how many days it has answered HTTP 410 since its last success."),
        time("gone_at", "When it first answered HTTP 410 since its last success."),
        time("polled_at", "When it was last polled."),
        time("next_poll_at", "When it is polled next."),
        time("new_entry_at", "When it last had a new entry."),
        string("last_error", "The last error, or what was left out; empty after a success.", required=True),
        string(
            "from_index",
            "The sitemap index, home page or list that led to it, if one did.",
            required=True,
            most=LONGEST_FEED,
        ),
    ),
    indexes=(("next_poll_at",), ("host",)),
)

EVENTS: Table[Any] = Table(
    "events",
    "One row per event of a feed: a gap, a move, an error, addresses that were refused.",
    ("event_id",),
    (
        string("event_id", "Unique, and sorts by time.", required=True, most=LONGEST_ID),
        string("kind", "gap, moved, gone, error, disabled, recovered or refused.", required=True, most=LONGEST_ID),
        string(
            "subject",
            "The feed or URL that it happened to.",
            required=True,
            most=LONGEST_KEY,
            over=Over.HASHED,
        ),
        string("detail", "What happened, in words.", required=True),
        time("at", "When it happened.", required=True),
    ),
    indexes=(("subject", "at"), ("kind", "at")),
)

SIGHTINGS: Table[Any] = Table(
    "sightings",
    "One row per URL and feed that listed it: when it first did, and how it spelled the URL.",
    ("canonical_url", "feed_url"),
    (
        string(
            "canonical_url",
            "The URL (urls.canonical_url).",
            required=True,
            most=LONGEST_KEY,
            over=Over.HASHED,
        ),
        string("feed_url", "The feed (feeds.url).", required=True, most=LONGEST_FEED),
        string("url", "How this feed spelled it.", required=True, most=LONGEST_URL),
        string("guid", "The entry's GUID or id.", required=True, most=LONGEST_TITLE),
        string("title", "The entry's title.", required=True, most=LONGEST_TITLE),
        time("seen_at", "When this feed first listed it.", required=True),
    ),
    indexes=(("feed_url",),),
)

HOSTS: Table[Any] = Table(
    "hosts",
    "One row per host: which process may send requests to it, and from when on.",
    ("host",),
    (
        string("host", "Host name.", required=True, most=LONGEST_HOST),
        time("leased_until", "When the lease of the process that holds it expires."),
        string("lease_owner", "The process that holds the lease.", most=LONGEST_NAME),
        time("claimed_at", "When it was last leased; the least recently leased host is next."),
        time("free_at", "No request is sent to the host before this time."),
        real("delay_s", "Last known delay between two requests to the host, in seconds."),
    ),
    indexes=(("lease_owner",),),
)

URL_COUNTS: Table[Any] = Table(
    "url_counts",
    "How many URLs have each fate: the sum of `urls` over all shards. Maintained by triggers on the table `urls`.",
    ("fate", "reason", "shard"),
    (
        string("fate", "waiting, article, rejected, failed, given up or lost.", required=True, most=LONGEST_ID),
        string(
            "reason",
            "Why they were rejected or failed; empty for the other fates.",
            required=True,
            most=LONGEST_REASON,
        ),
        integer("shard", "The PostgreSQL backend that counted, so that no two wait for each other; else 0."),
        integer("urls", "How many URLs came to this fate minus how many left it; may be negative in one shard."),
    ),
)

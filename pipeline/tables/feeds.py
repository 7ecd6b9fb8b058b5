"""The tables of the ledger: feeds, who named which URL, hosts and their leases, counts. Jobs never write them."""

from __future__ import annotations

from typing import Any

from pipeline.tables.declare import Table, boolean, integer, real, string, time

FEEDS: Table[Any] = Table(
    "feeds",
    "One row per feed: where it is, how it does and when it is asked next.",
    ("url",),
    (
        string("url", "The address as configured.", required=True),
        string("fetch_url", "Where it lives now, after moves.", required=True),
        string("host", "Host name of `fetch_url`.", required=True),
        string("title", "Its title.", required=True),
        string("language", "Its language, if it says so.", required=True),
        string("etag", "ETag of the last answer.", required=True),
        string("last_modified", "Last-Modified of the last answer.", required=True),
        string("body_hash", "Hash of the last body that was parsed.", required=True),
        boolean("conditional_get", "False for feeds that send false 304s."),
        boolean("enabled", "False once it is gone (HTTP 410) for good."),
        real("interval_s", "Seconds between two polls that succeed.", required=True),
        integer("polls", "How often it was asked."),
        integer("successes", "Successful polls in a row."),
        real("failures", "Weighted failures in a row.", required=True),
        string("moved_to", "Where it says that it has moved, while that is not yet certain.", required=True),
        integer("moved_times", "How often it has said so."),
        integer("gone_times", "How often in a row it has said that it is gone."),
        time("polled_at", "When it was last asked."),
        time("next_poll_at", "When it is asked next."),
        time("new_entry_at", "When it last had something new."),
        string("last_error", "What went wrong last; empty after a success.", required=True),
        string("from_index", "The sitemap index that named it, if one did.", required=True),
    ),
    indexes=(("next_poll_at",), ("host",)),
)

EVENTS: Table[Any] = Table(
    "events",
    "One row per thing that happened to a feed: a gap, a move, an error.",
    ("event_id",),
    (
        string("event_id", "Sorts by time.", required=True),
        string("kind", "gap, moved, gone, error, disabled, recovered.", required=True),
        string("subject", "The feed or URL that it happened to.", required=True),
        string("detail", "What happened, in words.", required=True),
        time("at", "When.", required=True),
    ),
    indexes=(("subject", "at"), ("kind", "at")),
)

SIGHTINGS: Table[Any] = Table(
    "sightings",
    "One row per feed that named a URL: when first, and how it was spelled there.",
    ("canonical_url", "feed_url"),
    (
        string("canonical_url", "The URL (urls.canonical_url).", required=True),
        string("feed_url", "The feed (feeds.url).", required=True),
        string("url", "How this feed spelled it.", required=True),
        string("guid", "The entry's GUID or id.", required=True),
        string("title", "The entry's title.", required=True),
        time("seen_at", "When this feed first named it.", required=True),
    ),
    indexes=(("feed_url",),),
)

HOSTS: Table[Any] = Table(
    "hosts",
    "One row per host: who may talk to it now, and from when on.",
    ("host",),
    (
        string("host", "Host name.", required=True),
        time("leased_until", "Until when one process has it for itself."),
        string("lease_owner", "The process that has it."),
        time("claimed_at", "When it was last leased; hosts take turns by it."),
        time("free_at", "Before this time nobody asks the host anything."),
        real("delay_s", "Seconds between two requests that the host was last found to want."),
    ),
    indexes=(("lease_owner",),),
)

URL_COUNTS: Table[Any] = Table(
    "url_counts",
    "How many URLs have each fate: the sum of `urls` over all shards. Triggers on `urls` keep it.",
    ("fate", "reason", "shard"),
    (
        string("fate", "waiting, article, rejected, failed, given up or lost.", required=True),
        string("reason", "Why they were rejected or failed; empty for the other fates.", required=True),
        integer("shard", "The PostgreSQL backend that counted, so that no two wait for each other; else 0."),
        integer("urls", "How many URLs came to this fate less how many left it; negative in a shard that lost some."),
    ),
)

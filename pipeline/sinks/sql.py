"""The sink for SQLite and PostgreSQL: an article's rows and its URL's fate in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import apache_beam as beam
import sqlalchemy as sa

from pipeline.database import METADATA, insert_rows, open_database
from pipeline.rows import Landing, Row, landing_of
from transforms.records import Outcome

ARTICLES, REVISIONS, URLS = METADATA.tables["articles"], METADATA.tables["revisions"], METADATA.tables["urls"]
CHILDREN = ("entities", "mentions", "images", "removed_blocks")
# what belongs to the first sighting stays when an article is written again
FIRST_SEEN = {"article_id", "url", "feed_url", "discovered_at"}
BATCH = 16

opened = cache(open_database)  # one engine a process and URL, for all bundles


def write_landings(engine: sa.Engine, landings: Sequence[Landing]) -> None:
    """Write outcomes in one transaction. Writing the same again changes nothing."""
    latest = {landing.replaces: landing for landing in landings if landing.replaces}
    with engine.begin() as connection:
        if latest:
            _write_articles(connection, latest)
        fates = [row for landing in landings for row in landing.tables.get("urls", ())]
        _write_fates(connection, fates)
        letters = [row for landing in landings for row in landing.tables.get("dead_letters", ())]
        table = METADATA.tables["dead_letters"]
        insert_rows(connection, table, letters, update=[c.name for c in table.columns if not c.primary_key])


def _write_articles(connection: sa.Connection, landings: Mapping[str, Landing]) -> None:
    # in one order in every process, so that two that write the same articles do not wait for each other in a ring
    ids = sorted(landings)
    stored = {
        row.article_id: row
        for row in connection.execute(
            sa.select(ARTICLES.c.article_id, ARTICLES.c.content_hash, ARTICLES.c.revision).where(
                ARTICLES.c.article_id.in_(ids)
            )
        )
    }
    articles: list[Row] = []
    revisions: list[Row] = []
    for identity in ids:
        row = landings[identity].tables["articles"][0]
        before = stored.get(identity)
        number = 1 if before is None else before.revision + (before.content_hash != row["content_hash"])
        articles.append({**row, "revision": number})
        if before is None or number != before.revision:
            revisions.extend({**revision, "revision": number} for revision in landings[identity].tables["revisions"])
    insert_rows(connection, ARTICLES, articles, update=[c.name for c in ARTICLES.columns if c.name not in FIRST_SEEN])
    insert_rows(connection, REVISIONS, revisions)
    for name in CHILDREN:
        table = METADATA.tables[name]
        if stored:
            connection.execute(sa.delete(table).where(table.c.article_id.in_(list(stored))))
        insert_rows(connection, table, [row for identity in ids for row in landings[identity].tables[name]])


def _write_fates(connection: sa.Connection, rows: Iterable[Row]) -> None:
    """Write the fates of URLs; a rejection or failure never takes back an article that has landed."""
    landed = [row for row in rows if row["outcome"] == "article"]
    others = [row for row in rows if row["outcome"] != "article"]
    settled = (
        "outcome",
        "reason",
        "stage",
        "message",
        "tries",
        "settled_at",
        "due_at",
        "leased_until",
        "lease_owner",
        "claims",
    )
    insert_rows(connection, URLS, landed, update=(*settled, "article_id"))
    if not others:
        return
    insert_rows(connection, URLS, others)
    key = URLS.c.canonical_url == sa.bindparam("key")
    bound = [{"key": row["canonical_url"], **{f"new_{name}": row[name] for name in settled}} for row in others]
    keep_article = {
        name: sa.case(
            (URLS.c.outcome == "article", URLS.c[name]), else_=sa.bindparam(f"new_{name}", type_=URLS.c[name].type)
        )
        for name in ("outcome", "reason", "stage", "message", "settled_at")
    }
    always = {
        name: sa.bindparam(f"new_{name}", type_=URLS.c[name].type)
        for name in ("tries", "due_at", "leased_until", "lease_owner", "claims")
    }
    connection.execute(sa.update(URLS).where(key).values(keep_article | always), bound)


class _WriteOutcomes(beam.DoFn):  # type: ignore[misc]
    """Collect outcomes and write them BATCH at a time, the rest when the bundle ends."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.waiting: list[Landing] = []

    def start_bundle(self) -> None:
        self.waiting = []

    def process(self, outcome: Outcome) -> None:
        self.waiting.append(landing_of(outcome, datetime.now(UTC)))
        if len(self.waiting) >= BATCH:
            self._write()

    def finish_bundle(self) -> None:
        self._write()

    def _write(self) -> None:
        if self.waiting:
            write_landings(opened(self.url), self.waiting)
        self.waiting = []


class WriteToSql(beam.PTransform):  # type: ignore[misc]
    """Write outcomes (pipeline.graph.Outcomes) to the SQL database at `url`."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def expand(self, outcomes: tuple[Any, Any]) -> None:
        articles, endings = outcomes
        _ = articles | "WriteArticles" >> beam.ParDo(_WriteOutcomes(self.url))
        _ = endings | "WriteEndings" >> beam.ParDo(_WriteOutcomes(self.url))

"""The sink for SQLite and PostgreSQL: an article's rows and its URL's fate in one transaction."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, repeat
from random import random
from typing import Any

import apache_beam as beam
import sqlalchemy as sa
import structlog

from pipeline.config import Config
from pipeline.tables.database import METADATA, insert_rows, is_sql, opened
from pipeline.tables.rows import Landing, Row, landing_of
from transforms.errors import UserError
from transforms.fates import end_with_bug
from transforms.records import BadMessage, Outcome

ARTICLES, REVISIONS, URLS = METADATA.tables["articles"], METADATA.tables["revisions"], METADATA.tables["urls"]
CHILDREN = ("entities", "mentions", "images", "removed_blocks")
# what belongs to the first sighting stays when an article is written again
FIRST_SEEN = {"article_id", "url", "feed_url", "discovered_at"}
BATCH = 16
# what no second try of the same rows will change
POISON = (sa.exc.DataError, sa.exc.IntegrityError)

log = structlog.get_logger(__name__)


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
    insert_rows(connection, URLS, landed, update=(*settled, "article_id", "landed_in"))
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
    """Collect outcomes and write them BATCH at a time, the rest when the bundle ends.

    While the database is away it is tried again for `patience_s` seconds, as some runners lose what a raising DoFn
    had. An outcome that the database will never take ends as a dead letter instead.
    """

    def __init__(self, url: str, patience_s: float) -> None:
        self.url, self.patience_s = url, patience_s
        self.waiting: list[Outcome | BadMessage] = []

    def start_bundle(self) -> None:
        self.waiting = []

    def process(self, outcome: Outcome | BadMessage) -> None:
        self.waiting.append(outcome)
        if len(self.waiting) >= BATCH:
            self._write()

    def finish_bundle(self) -> None:
        self._write()

    def landing(self, outcome: Outcome | BadMessage, now: datetime) -> Landing:
        """Return the rows to be written for an outcome."""
        return landing_of(outcome, now)

    def _write(self) -> None:
        outcomes, self.waiting = self.waiting, []
        if not outcomes:
            return
        now = datetime.now(UTC)
        landings = [self.landing(outcome, now) for outcome in outcomes]
        try:
            self._write_patiently(landings)
        except POISON:
            for outcome, landing in zip(outcomes, landings, strict=True):
                self._write_or_bury(outcome, landing)

    def _write_or_bury(self, outcome: Outcome | BadMessage, landing: Landing) -> None:
        try:
            self._write_patiently([landing])
        except POISON as error:
            if isinstance(outcome, BadMessage):
                raise
            log.exception("row refused", url=outcome.link.url)
            kind, text = type(error.orig).__name__, str(error.orig)
            bug = end_with_bug(outcome.link, kind, text, traceback.format_exc(), "sink", datetime.now(UTC), random())
            self._write_patiently([self.landing(bug, datetime.now(UTC))])

    def _write_patiently(self, landings: Sequence[Landing]) -> None:
        give_up_at = time.monotonic() + self.patience_s
        for pause in chain((0.2, 0.5, 1.0, 2.0), repeat(5.0)):
            try:
                write_landings(opened(self.url), landings)
                return
            except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                if time.monotonic() + pause > give_up_at:
                    raise
                log.warning("database away, trying again", error=str(error.orig))
                time.sleep(pause)


class _SettleFates(_WriteOutcomes):
    """Write of the outcomes only what the ledger keeps: the fates of URLs, and the dead letters."""

    def __init__(self, url: str, patience_s: float, landed_in: str) -> None:
        super().__init__(url, patience_s)
        self.landed_in = landed_in

    def landing(self, outcome: Outcome | BadMessage, now: datetime) -> Landing:
        tables = landing_of(outcome, now).tables
        urls = [dict(row) for row in tables.get("urls", ())]
        for row in urls:
            row["landed_in"] = self.landed_in if row["outcome"] == "article" else None
        return Landing({"urls": urls, "dead_letters": tables.get("dead_letters", ())})


class WriteToSql(beam.PTransform):  # type: ignore[misc]
    """Write outcomes (pipeline.graph.build.Outcomes) to the SQL database at `url`."""

    def __init__(self, url: str, config: Config) -> None:
        super().__init__()
        self.url, self.patience_s = url, config.sink_patience

    def expand(self, outcomes: tuple[Any, Any]) -> None:
        articles, endings = outcomes
        _ = articles | "WriteArticles" >> beam.ParDo(_WriteOutcomes(self.url, self.patience_s))
        _ = endings | "WriteEndings" >> beam.ParDo(_WriteOutcomes(self.url, self.patience_s))


class SettleInLedger(beam.PTransform):  # type: ignore[misc]
    """Record the fates of outcomes, which land at the sink `landed_in`, in the ledger at `url`."""

    def __init__(self, url: str, landed_in: str, config: Config) -> None:
        super().__init__()
        if not is_sql(url):
            raise UserError(f"not a ledger: {url!r}; say sqlite:///newsbeam.db or postgresql://user@host/name")
        self.fates = _SettleFates(url, config.sink_patience, landed_in)

    def expand(self, outcomes: tuple[Any, Any]) -> None:
        articles, endings = outcomes
        _ = articles | "SettleArticles" >> beam.ParDo(self.fates)
        _ = endings | "SettleEndings" >> beam.ParDo(self.fates)

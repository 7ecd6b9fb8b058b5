"""The ledger: every feed and URL with its fate, and who works on what until when.

    feeds   which feeds there are, which are due, what a poll found
    links   the URLs that feeds named, when they are due, batches of them
    hosts   who may talk to a host now
    lease   how work is held, renewed and given back
    counts  how many URLs have each fate, kept by triggers
    reports what people ask: audit, why, failures, feeds, progress

Every method takes `now`, so that tests need no clock.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from pipeline.ledger.feeds import Feeds
from pipeline.ledger.lease import LEASE, Lease, Leases
from pipeline.ledger.links import Links, Sighting

REVISIT_AFTER = timedelta(minutes=15)


class Ledger:
    """The feeds, links and leases in one database."""

    def __init__(self, engine: sa.Engine, revisit_after: timedelta = REVISIT_AFTER, lease: timedelta = LEASE) -> None:
        """`revisit_after` is how long an article stays as it landed, however often its feed says that it was edited."""
        self.engine = engine
        self.leases = Leases(engine, lease)
        self.links = Links(engine, revisit_after, lease)
        self.feeds = Feeds(engine, self.links, lease)


__all__ = ["Feeds", "Lease", "Leases", "Ledger", "Links", "Sighting"]

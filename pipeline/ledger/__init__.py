"""The ledger: every feed and URL with its fate, and which process works on what until when.

    feeds      the feeds, which of them are due, and what polls found
    links      the URLs that feeds listed, when they are due, and batches of them
    link_rows  a link as columns of `urls`, and back
    hosts      which process may send requests to a host
    lease      how work is held, renewed and released
    counts     how many URLs have each fate, maintained by triggers
    reports    audit, why, failures, feeds, progress

Methods of Feeds, Links and Leases that depend on the time take it as an argument, so that tests need no clock.
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
        """`revisit_after` is how long an article is not fetched again, even if its feed says that it was edited."""
        self.engine = engine
        self.leases = Leases(engine, lease)
        self.links = Links(engine, revisit_after, lease)
        self.feeds = Feeds(engine, self.links, lease)


__all__ = ["Feeds", "Lease", "Leases", "Ledger", "Links", "Sighting"]

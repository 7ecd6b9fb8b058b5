"""Mend what was written by a clock that was ahead: after a clock is set back, nothing would be due for a long time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from pipeline.ledger.hosts import CLOCK_ERROR
from pipeline.tables.database import METADATA

FEEDS, URLS = METADATA.tables["feeds"], METADATA.tables["urls"]
# adjustments by less than this are a clock kept right
JUMP_S = 60.0


@dataclass(slots=True)
class Clock:
    """Notices when the system's clock is set back while the process runs."""

    _offset_s: float = field(default_factory=lambda: time.time() - time.monotonic())

    def went_back(self) -> bool:
        """Tell whether the clock was set back by more than JUMP_S since the last call."""
        before, self._offset_s = self._offset_s, time.time() - time.monotonic()
        return before - self._offset_s > JUMP_S


def forget_future(engine: sa.Engine, now: datetime) -> tuple[int, int]:
    """Make due what waits for a time that a clock gave that was ahead; returns how many feeds and URLs.

    Those are feeds that were polled, and URLs that were found, later than now.
    """
    later = now + CLOCK_ERROR
    feeds = sa.and_(FEEDS.c.enabled, FEEDS.c.polled_at > later, FEEDS.c.next_poll_at > now)
    urls = sa.and_(URLS.c.due_at > later, URLS.c.discovered_at > later)
    with engine.begin() as connection:
        # the time of the poll too, or the feed would be found again at the next start
        due = sa.update(FEEDS).where(feeds).values(next_poll_at=now, polled_at=now - timedelta(hours=1))
        found = sa.update(URLS).where(urls).values(due_at=now, discovered_at=now)
        return connection.execute(due).rowcount, connection.execute(found).rowcount

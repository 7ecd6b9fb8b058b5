"""Read links from the ledger itself, for runners that cannot read Pub/Sub from Python, such as Flink.

    lanes -> (poll: claim a batch of due links, by host -> the graph, fused downstream -> release the hosts) forever

A lane is one element of an unbounded splittable DoFn: https://beam.apache.org/documentation/programming-guide/#sdf-basics.
It holds its batch until the downstream stages have finished it, so that no more is claimed than is in progress, and
renews the leases meanwhile. The sink ends the lease of a URL when it writes its fate. If a worker dies, or a restored
checkpoint has lost a claim, the leases expire and the work is claimed again; what was done twice lands once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import apache_beam as beam
import sqlalchemy as sa
import structlog
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.utils.timestamp import Duration

from pipeline.config import Config
from pipeline.ledger import Lease, Ledger
from pipeline.logs import configure_worker_logs
from pipeline.loop import TROUBLE_S
from pipeline.sources import Incoming
from pipeline.tables.database import is_sql, opened
from transforms.errors import DatabaseAway, UserError
from transforms.fetch.fetcher import shared_fetcher
from transforms.records import ArticleLink

LANES = 8
IDLE_S = 1.0

log = structlog.get_logger(__name__)


class ReadLedger(beam.PTransform):  # type: ignore[misc]
    """Claim batches of due links from the ledger at `url`, host by host, until the job is cancelled."""

    def __init__(self, url: str, config: Config) -> None:
        super().__init__()
        if not is_sql(url):
            raise UserError(f"not a ledger: {url!r}; use ledger:postgresql://user@host/name")
        self.claim = _ClaimBatches(url, config)

    def expand(self, begin: Any) -> Incoming:
        lanes = begin | "Lanes" >> beam.Create(range(LANES), reshuffle=False) | "Spread" >> beam.Reshuffle()
        return Incoming(lanes | "ClaimBatches" >> beam.ParDo(self.claim).with_output_types(list[ArticleLink]), None)


class _Polls(RestrictionProvider):  # type: ignore[misc]
    """An endless sequence of polls; the restriction counts them, so that a checkpoint has a position to resume from."""

    def initial_restriction(self, lane: int) -> OffsetRange:
        return OffsetRange(0, 2**62)

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        return OffsetRestrictionTracker(restriction)

    def restriction_size(self, lane: int, restriction: OffsetRange) -> float:
        return 1.0

    def truncate(self, lane: int, restriction: OffsetRange) -> None:
        """Leave no work when the job is drained; links that are not claimed stay due."""


POLLS = beam.DoFn.RestrictionParam(_Polls())


class _ClaimBatches(beam.DoFn):  # type: ignore[misc]
    def __init__(self, url: str, config: Config) -> None:
        self.url, self.config = url, config

    def setup(self) -> None:
        configure_worker_logs()

    @beam.DoFn.unbounded_per_element()  # type: ignore[untyped-decorator]
    def process(self, lane: int, polls: Any = POLLS) -> Iterator[list[ArticleLink]]:
        if not polls.try_claim(polls.current_restriction().start):
            return
        pause = IDLE_S
        try:
            ledger = Ledger(opened(self.url), lease=timedelta(seconds=self.config.lease))
            lease = Lease(ledger.leases, shared_fetcher(self.config.fetch_policy()).delay_of)
            links = ledger.links.claim_batch(lease.owner, datetime.now(UTC), self.config.batch, self.config.host_delay)
            if links:
                log.info("claimed", lane=lane, links=len(links))
                with lease:
                    # resumes when the downstream stages have finished the batch
                    yield links
                    lease.give_back_hosts()
                pause = 0.0
        except (sa.exc.OperationalError, sa.exc.InterfaceError, DatabaseAway) as error:
            # the database may be unavailable for a while; claimed links without a fate are claimed again
            log.warning("no batch claimed", error=str(getattr(error, "orig", error)))
            pause = TROUBLE_S
        polls.defer_remainder(Duration(seconds=pause))

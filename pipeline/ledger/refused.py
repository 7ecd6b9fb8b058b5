"""Leave out what the tables of the ledger cannot hold, and say so in an event of the feed that named it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline.ledger.links import Sighting
from pipeline.tables.fit import RowInvalid, fit
from pipeline.tables.schema import BY_NAME
from transforms.records import Event

FEEDS, URLS = BY_NAME["feeds"], BY_NAME["urls"]

Child = tuple[str, datetime]


def leave_out(
    feed: str, sightings: Sequence[Sighting], children: Sequence[Child], now: datetime
) -> tuple[list[Sighting], list[Child], list[Event]]:
    """Return the sightings and children of a feed that can be stored, and an event if there are others.

    A child is an address of a feed, with the time of its first poll.
    """
    reasons: list[str] = []
    kept: list[Sighting] = []
    named: list[Child] = []
    for sighting in sightings:
        try:
            check_sighting(sighting)
            kept.append(sighting)
        except RowInvalid as error:
            reasons.append(str(error))
    for url, at in children:
        try:
            fit(FEEDS, {"url": url, "next_poll_at": at})
            named.append((url, at))
        except RowInvalid as error:
            reasons.append(str(error))
    if not reasons:
        return kept, named, []
    detail = f"{len(reasons):,} of {len(sightings) + len(children):,} addresses cannot be stored, first {reasons[0]}"
    return kept, named, [Event("refused", feed, detail, now)]


def check_sighting(sighting: Sighting) -> None:
    """Raise RowInvalid for a sighting that `urls` cannot hold; its other texts are cut when it is stored."""
    times = {"discovered_at": sighting.link.discovered_at, "entry_updated_at": sighting.updated_at}
    fit(URLS, {"url": sighting.link.url, **times})

"""Read the bodies of feeds in guarded processes (transforms.guard), so that no feed holds up the others.

Nearly every feed is read in TRIAL_S of CPU. One that needs more gets up to FULL_S in a second process, where slow feeds
wait only for each other.
"""

from __future__ import annotations

import msgspec

from transforms.errors import FeedError, TooComplex, WorkBug
from transforms.feeds.answers import Body, Reading, read_body
from transforms.guard import Guard, Limits

# a feed with 10,000 entries, the most that are kept, may need more
TRIAL_S = 0.5
FULL_S = 5.0
LIMITS = Limits(cpu_s=FULL_S, memory_bytes=500_000_000)

# the records are packed here, as pickling dataclasses with slots takes six times as long
_PACK = msgspec.msgpack.Encoder()
_UNPACK = msgspec.msgpack.Decoder(Reading)


def read_packed(given: Body) -> bytes:
    """Read a body and pack what was read."""
    return _PACK.encode(read_body(given))


def import_formats() -> None:
    """Import what reading needs before the first feed, whose time it would take."""
    from transforms.feeds.formats import markup

    # parsers of dates load their tables at first use
    markup.parse_time("1. März 2026, 12:30")


class FeedReader:
    """Reads bodies of feeds within limits; thread-safe."""

    def __init__(self) -> None:
        self._quick = Guard(read_packed, LIMITS, import_formats)
        self._slow = Guard(read_packed, LIMITS, import_formats)

    def launch(self) -> None:
        """Start the process for quick feeds now rather than with the first feed."""
        self._quick.launch()

    def close(self) -> None:
        """End the processes; may be called again."""
        self._quick.close()
        self._slow.close()

    def read(self, given: Body, slowly: bool = False) -> Reading | None:
        """Read a body in TRIAL_S of CPU, or in FULL_S if `slowly`.

        Returns None if it needs more than TRIAL_S. Raises TooComplex if it needs more than FULL_S, or more memory than
        the limit, and other NewsbeamErrors.
        """
        guard, cpu_s = (self._slow, FULL_S) if slowly else (self._quick, TRIAL_S)
        try:
            return _UNPACK.decode(guard(given, cpu_s))
        except TooComplex:
            if slowly:
                raise
            return None
        except WorkBug as bug:
            raise FeedError(f"a bug in reading it: {bug.text}") from bug

"""Decide how much CPU one page may take, so that a few slow pages do not take the time of all the others.

Nearly every page is read in well under TRIAL_S (`python bench/extraction.py` prints the slowest of its pages). A page
that needs more gets up to FULL_S, but all such pages together get only SHARE of a process's time. What they do not use
is saved, up to one page's worth, so a single slow page is read at once. When nothing is saved:

| the host's slow pages within FORGET_S | its next page gets |
|---|---|
| none | TRIAL_S, and is put off if that is not enough |
| one or two | SHORT_TRIAL_S, likewise |
| three or more | nothing: it is put off without being read |

What is put off comes again later and counts no try. Decisions are pure; times are seconds of a monotonic clock.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

FULL_S = 5.0
TRIAL_S = 0.5
SHORT_TRIAL_S = 0.15
SHARE = 0.05
MOST_STRIKES = 3
FORGET_S = 600.0
SHORTEST_WAIT_S = 30.0
LONGEST_WAIT_S = 600.0
# how far slow pages may overdraw what they get together: trials cost time as well
LARGEST_DEBT_S = 10.0
MAX_REMEMBERED = 4_096


@dataclass(frozen=True, slots=True)
class Grant:
    """How much CPU a page may take; `is_full` if there is no more to be had. 0 seconds: put it off."""

    cpu_s: float
    is_full: bool = False


@dataclass(slots=True)
class Patience:
    """What a process has left for slow pages, and the hosts that lately sent some."""

    left_s: float = FULL_S
    filled_at: float = 0.0
    strikes: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)

    def grant(self, host: str, now: float) -> Grant:
        """Return what the next page of a host may take."""
        self._fill(now)
        if self.left_s >= FULL_S:
            return Grant(FULL_S, is_full=True)
        strikes = self._strikes_of(host, now)
        if strikes >= MOST_STRIKES:
            return Grant(0.0)
        return Grant(SHORT_TRIAL_S if strikes else TRIAL_S)

    def record(self, host: str, cpu_s: float, now: float) -> None:
        """Count what a page has taken."""
        if cpu_s < SHORT_TRIAL_S:
            return
        self._fill(now)
        self.left_s = max(-LARGEST_DEBT_S, self.left_s - cpu_s)

    def strike(self, host: str, now: float) -> None:
        """Remember that a page of a host was not read within what it was granted."""
        self.strikes[host] = self._strikes_of(host, now) + 1, now
        self.strikes.move_to_end(host)
        while len(self.strikes) > MAX_REMEMBERED:
            self.strikes.popitem(last=False)

    def wait_s(self, now: float) -> float:
        """Return the seconds after which a page that was put off should come again."""
        self._fill(now)
        return min(LONGEST_WAIT_S, max(SHORTEST_WAIT_S, (FULL_S - self.left_s) / SHARE))

    def _fill(self, now: float) -> None:
        if self.filled_at:
            self.left_s = min(FULL_S, self.left_s + SHARE * (now - self.filled_at))
        self.filled_at = now

    def _strikes_of(self, host: str, now: float) -> int:
        strikes, at = self.strikes.get(host, (0, 0.0))
        return strikes if now - at < FORGET_S else 0

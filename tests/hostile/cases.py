"""All attacks, by name. To add one, add a `Case` to PAGE_CASES or FEED_CASES."""

from __future__ import annotations

from hostile.declare import Case
from hostile.feed_attacks import FEED_CASES
from hostile.page_attacks import PAGE_CASES

CASES: dict[str, Case] = {case.name: case for case in (*PAGE_CASES, *FEED_CASES)}

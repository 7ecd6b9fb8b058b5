"""What robots.txt of a host says to us (RFC 9309)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from protego import Protego

# RFC 9309, 2.5: a crawler reads at least this much
MAX_ROBOTS_BYTES = 500 * 1024
MAX_ROBOTS_REDIRECTS = 5
ROBOTS_TTL_S = 3_600.0
ROBOTS_FAILED_TTL_S = 60.0
_PRODUCT = re.compile(r"[A-Za-z_-]+")


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The rules of one origin; without a parser everything is allowed."""

    parser: Protego | None
    product: str
    crawl_delay_s: float = 0.0

    def allows(self, url: str) -> bool:
        """Say whether the rules for our product token let us ask for `url`."""
        return self.parser is None or bool(self.parser.can_fetch(url, self.product))


def product_of(user_agent: str) -> str:
    """Return the product token of a User-Agent, which robots.txt may name: "newsbeam" of "newsbeam/0.1 (...)"."""
    found = _PRODUCT.match(user_agent)
    return found[0] if found else "*"


def allow_all(product: str) -> RobotsRules:
    """Return the rules of a host that has no robots.txt."""
    return RobotsRules(None, product)


def read_robots(body: bytes, product: str) -> RobotsRules:
    """Read a robots.txt; what is no rule is ignored, and only the first 500 KiB count."""
    text = body[:MAX_ROBOTS_BYTES].decode("utf-8-sig", "replace")
    parser = Protego.parse(text)
    return RobotsRules(parser, product, float(parser.crawl_delay(product) or 0.0))

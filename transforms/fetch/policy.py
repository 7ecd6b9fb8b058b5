"""How a fetcher makes requests."""

from __future__ import annotations

import math
from dataclasses import dataclass

from transforms.errors import UserError


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How a Fetcher makes requests.

    `user_agent` is sent as it is and should name a contact address; its first word is the product token for robots.txt.
    `host_delay_s` is the minimum time in seconds between the starts of two requests to one host, robots.txt included.
    `timeout_s` is the time limit for one URL with all its redirects; waiting for the host's pace does not count.
    `max_body_bytes` counts decoded bytes.
    """

    user_agent: str = "newsbeam/0.1"
    host_delay_s: float = 1.0
    host_concurrency: int = 2
    allow_private_addresses: bool = False
    max_redirects: int = 10
    max_body_bytes: int = 10_000_000
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        """Raise UserError for a policy under which every request would fail."""
        if not (self.user_agent.isascii() and self.user_agent.isprintable() and self.user_agent.strip()):
            raise UserError(f"the user agent must be printable ASCII: {self.user_agent!r}")
        if self.host_concurrency < 1:
            raise UserError(f"the host concurrency must be at least 1: {self.host_concurrency}")
        if not 0 <= self.host_delay_s < math.inf:
            raise UserError(f"the host delay must be 0 seconds or more: {self.host_delay_s}")
        if not 0 < self.timeout_s < math.inf or self.max_body_bytes < 1:
            raise UserError(
                f"the timeout ({self.timeout_s} s) and the body limit ({self.max_body_bytes} bytes) must be above 0"
            )

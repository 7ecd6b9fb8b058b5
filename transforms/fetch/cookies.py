"""Keep cookies for the duration of one redirect chain.

Some sites respond to the first request with a cookie and a redirect to the same address, and redirect for ever without
that cookie. The jar is discarded after each page, so no cookie is sent with the next article.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from transforms.fetch.target import Target

_MAX_COOKIES = 30
_MAX_COOKIE_LENGTH = 4_096  # RFC 6265, 6.1


@dataclass(slots=True)
class CookieJar:
    """Cookies by domain and name; Path and Expires are ignored, as the jar lives for seconds."""

    _cookies: dict[tuple[str, str], tuple[str, bool, bool]] = field(default_factory=dict)

    def store(self, target: Target, set_cookies: Iterable[str]) -> None:
        """Keep the cookies that a response from `target` sets; cookies for other domains are ignored."""
        for line in set_cookies:
            pair, *rest = line.split(";")
            name, separator, value = (part.strip() for part in pair.partition("="))
            if (
                not separator
                or not name
                or len(pair) > _MAX_COOKIE_LENGTH
                or not pair.isascii()
                or not pair.isprintable()
            ):
                continue
            attributes = dict(_read_attribute(part) for part in rest)
            domain = attributes.get("domain", "").lstrip(".").lower()
            if domain and domain != target.host and not target.host.endswith(f".{domain}"):
                continue
            key = domain or target.host, name
            max_age = attributes.get("max-age", "1")
            if max_age.startswith("-") or not max_age.strip("0"):
                self._cookies.pop(key, None)
            elif len(self._cookies) < _MAX_COOKIES or key in self._cookies:
                self._cookies[key] = value, bool(domain), "secure" in attributes

    def header(self, target: Target) -> str:
        """Return the value of the Cookie header for a request to `target`, "" if no cookie applies."""
        return "; ".join(
            f"{name}={value}"
            for (domain, name), (value, wide, secure) in self._cookies.items()
            if (target.host == domain or (wide and target.host.endswith(f".{domain}")))
            and (target.scheme == "https" or not secure)
        )


def _read_attribute(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')

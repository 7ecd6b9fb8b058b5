"""The target of a request: the parts of an address that HTTP needs, read as a browser reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin

from transforms.errors import InvalidUrl
from transforms.urls import DEFAULT_PORTS, parse_address

_PRINTABLE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
# browsers accept more, but DNS has none of them, and some mean something to libcurl, as "*" does for all hosts
_NOT_IN_HOSTS = re.compile(r"[^0-9a-z._:\[\]-]")
# https://url.spec.whatwg.org/#concept-basic-url-parser: removed anywhere in a URL
_DROPPED = {ord(character): None for character in "\t\n\r"}
# RFC 9110, 4.1 asks servers to accept 8,000; a longer one is a mistake or an attack
MAX_URL_LENGTH = 16_000
# RFC 1035, 2.3.4; the length of a name in DNS counts a byte for each label and one for the root
MAX_HOST_LENGTH = 253
MAX_LABEL_LENGTH = 63


@dataclass(frozen=True, slots=True)
class Target:
    """An http or https address, ready to be requested.

    `host` is ASCII in lower case, an IPv6 address without brackets; `path` includes the query. `userinfo` is
    never part of `url`, so that a password reaches neither a log nor a table.
    """

    scheme: str
    host: str
    port: int
    path: str
    userinfo: str = field(default="", repr=False)

    @property
    def netloc(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """The scope of connections and robots.txt (RFC 6454)."""
        return self.scheme, self.host, self.port

    @property
    def site(self) -> str:
        """The host name whose pace applies, whatever the scheme and the port."""
        return self.host.rstrip(".")


def parse_target(url: str) -> Target:
    """Parse an address, however it is spelled; the fragment is dropped, everything else is kept.

    Dot segments are resolved, so that robots.txt is checked for the path that is fetched. Raises UnsupportedScheme and
    InvalidUrl.
    """
    if len(url) > MAX_URL_LENGTH:
        raise InvalidUrl(f"longer than {MAX_URL_LENGTH} characters: {url[:200]!r}")
    parts = parse_address(url)
    name = parts.host.rstrip(".")
    if _NOT_IN_HOSTS.search(name):
        raise InvalidUrl(f"no such character is in a host name: {parts.host[:80]!r}")
    if len(name) > MAX_HOST_LENGTH or any(len(label) > MAX_LABEL_LENGTH for label in name.split(".")):
        raise InvalidUrl(f"longer than any host name in DNS: {parts.host[:80]!r}")
    # servers get the query as it was written
    query = url.translate(_DROPPED).strip().partition("#")[0].partition("?")[2]
    return Target(
        scheme=parts.scheme,
        host=parts.host.strip("[]"),
        port=parts.port,
        path=parts.path + (f"?{quote(query, safe=_PRINTABLE, errors='replace')}" if query else ""),
        userinfo=parts.userinfo,
    )


def follow_location(base: Target, location: str) -> Target:
    """Resolve the Location header of a response from `base`; raises UnsupportedScheme and InvalidUrl."""
    try:
        joined = urljoin(base.url, location.strip())
    except ValueError as exc:
        raise InvalidUrl(f"location {location[:200]!r}") from exc
    return parse_target(joined)

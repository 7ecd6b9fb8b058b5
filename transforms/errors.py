"""The tree of errors; each class knows whether trying again can help.

    NewsbeamError
    ├── UserError                what the person at the terminal can mend: one line, exit code 2
    ├── MessageInvalid           a message of a topic is no link; it is a dead letter at once
    ├── FeedError                a feed could not be fetched or read; it is always asked again
    │   ├── FeedUnreadable       the bytes are no feed of a known format
    │   └── FeedEntryInvalid     one entry has no usable link; the others go on
    ├── Rejected                 a fate that no retry will change
    │   ├── RobotsDisallowed     "robots"
    │   ├── HttpRejected         "http 404"
    │   ├── RedirectLoop         "redirect loop"
    │   ├── UnsupportedScheme    "scheme"
    │   ├── InvalidUrl           "invalid url"
    │   ├── PrivateAddress       "private address"
    │   ├── TooLarge             "too large"
    │   ├── ContentTypeRejected  "content type"
    │   ├── NoText               "no text"
    │   └── NotAnArticle         "section front", "search result", "consent wall", "soft 404"
    └── Retryable                a fate that a later try may change
        ├── FetchTimeout         "timeout"
        ├── HttpUnavailable      "http 503"
        ├── ConnectFailed        "connect"
        ├── DnsFailed            "dns"
        ├── TlsFailed            "tls"
        ├── ProtocolFailed       "protocol"
        ├── RobotsUnavailable    "robots unavailable"
        ├── WorkTimeout          "work timeout"
        └── HostBusy             "host busy"

`reason` is the word that lands in the tables; keep it stable, consumers group by it.
Foreign errors (httpcore, lxml, SQLAlchemy) are mapped to these where they are met and never leak further.
"""

from __future__ import annotations

from collections.abc import Callable


class NewsbeamError(Exception):
    """Base of every error that newsbeam expects; anything else is a bug."""

    reason = "error"
    retryable = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.reason)

    def __reduce__(self) -> tuple[Callable[..., NewsbeamError], tuple[object, ...]]:
        # some classes make their message in __init__; a copy, or what crosses to another process, is not made anew
        return _restore, (type(self), self.args, dict(self.__dict__))


def _restore(kind: type[NewsbeamError], args: tuple[object, ...], state: dict[str, object]) -> NewsbeamError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UserError(NewsbeamError):
    """Report what the person at the terminal can mend; the message says what to do."""

    reason = "usage"


class MessageInvalid(NewsbeamError):
    """A message of a topic cannot be read as a link; no delivery of it ever will be."""

    reason = "bad message"


class FeedError(NewsbeamError):
    """A feed could not be read this time."""

    reason = "feed"
    retryable = True


class FeedUnreadable(FeedError):
    """The bytes are no feed of a known format."""

    reason = "not a feed"


class FeedEntryInvalid(FeedError):
    """One entry of a feed has no usable link."""

    reason = "entry without link"


class Rejected(NewsbeamError):
    """A fate that no retry will change."""

    reason = "rejected"


class RobotsDisallowed(Rejected):
    """robots.txt of the host forbids the path (RFC 9309)."""

    reason = "robots"


class HttpRejected(Rejected):
    """A final HTTP status that is no article."""

    def __init__(self, status: int, url: str = "") -> None:
        self.status = status
        self.reason = f"http {status}"
        super().__init__(f"http {status} {url}".rstrip())


class RedirectLoop(Rejected):
    """More redirects than allowed, or one that comes back to where it was."""

    reason = "redirect loop"


class UnsupportedScheme(Rejected):
    """The address is neither http nor https."""

    reason = "scheme"


class InvalidUrl(Rejected):
    """The address cannot be parsed as a URL."""

    reason = "invalid url"


class PrivateAddress(Rejected):
    """The name resolves to an address that is not on the public internet."""

    reason = "private address"


class TooLarge(Rejected):
    """The decoded body is larger than allowed."""

    reason = "too large"


class ContentTypeRejected(Rejected):
    """The content type cannot be an article."""

    reason = "content type"


class NoText(Rejected):
    """The page has no article text."""

    reason = "no text"


class NotAnArticle(Rejected):
    """The page is of another kind: a section front, a search result, a consent wall, a soft 404."""

    def __init__(self, reason: str, message: str = "") -> None:
        self.reason = reason
        super().__init__(message or reason)


class Retryable(NewsbeamError):
    """A fate that a later try may change.

    `retry_after` is the seconds that the server asked to be left alone for, if it said so.
    """

    reason = "failed"
    retryable = True

    def __init__(self, message: str = "", retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class FetchTimeout(Retryable):
    """The whole answer did not come within the time for one URL."""

    reason = "timeout"


class HttpUnavailable(Retryable):
    """An HTTP status that says "later": 408, 429, 500, 502, 503, 504, 522, 524."""

    def __init__(self, status: int, url: str = "", retry_after: float | None = None) -> None:
        self.status = status
        self.reason = f"http {status}"
        super().__init__(f"http {status} {url}".rstrip(), retry_after)


class ConnectFailed(Retryable):
    """The host did not accept a connection."""

    reason = "connect"


class DnsFailed(Retryable):
    """The name did not resolve."""

    reason = "dns"


class TlsFailed(Retryable):
    """The TLS handshake failed."""

    reason = "tls"


class ProtocolFailed(Retryable):
    """The server's answer is not valid HTTP, or broke off."""

    reason = "protocol"


class RobotsUnavailable(Retryable):
    """robots.txt answered 5xx or not at all, which RFC 9309 reads as "stay away for now"."""

    reason = "robots unavailable"


class WorkTimeout(Retryable):
    """Extraction or enrichment of one page took longer than allowed."""

    reason = "work timeout"


class HostBusy(Retryable):
    """The host's pace leaves no room for this URL in this batch; nothing was asked, so it counts as no try.

    `retry_after` is the seconds until there may be room.
    """

    reason = "host busy"

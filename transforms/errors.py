"""The tree of errors; each class says whether a retry can help.

    NewsbeamError
    ├── UserError                a mistake that the user can correct: one line, exit code 2
    │   ├── DatabaseAway         the database cannot be reached now; long-running commands wait for it
    │   └── DatabaseGone         the database's file was deleted or replaced while it was in use
    ├── MessageInvalid           a message on a topic is not a link; it becomes a dead letter at once
    ├── FeedError                a feed could not be fetched or read; it is always polled again
    │   ├── FeedUnreadable       the bytes are not a feed of a known format
    │   └── FeedTooComplex       reading the feed would take more time or memory than a feed may take
    ├── Rejected                 final: no retry will change it
    │   ├── RobotsDisallowed     "robots"
    │   ├── HttpRejected         "http 404"
    │   ├── RedirectLoop         "redirect loop"
    │   ├── UnsupportedScheme    "scheme"
    │   ├── InvalidUrl           "invalid url"
    │   ├── PrivateAddress       "private address"
    │   ├── TooLarge             "too large"
    │   ├── TooComplex           "too complex"
    │   ├── WorkerKilled         "kills worker"
    │   ├── ContentTypeRejected  "content type"
    │   ├── NoText               "no text"
    │   └── NotAnArticle         "section front", "search result", "consent wall", "soft 404"
    └── Retryable                temporary: a later try may succeed
        ├── FetchTimeout         "timeout"
        ├── HttpUnavailable      "http 503"
        ├── ConnectFailed        "connect"
        ├── DnsFailed            "dns"
        ├── TlsFailed            "tls"
        ├── ProtocolFailed       "protocol"
        ├── RobotsUnavailable    "robots unavailable"
        ├── WorkCrashed          "crash"
        └── HostBusy             "host busy"
            └── SlowPages        "slow pages"

`reason` is the word that is stored in the tables. Keep it stable: consumers group by it.
Errors of libraries (pycurl, lxml, SQLAlchemy) are mapped to these where they are caught and never leak further.
"""

from __future__ import annotations

from collections.abc import Callable


class NewsbeamError(Exception):
    """Base of every error that newsbeam expects; any other exception is a bug."""

    reason = "error"
    retryable = False
    # the step that raised it, where a stage of the graph has several
    step = ""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.reason)

    def __reduce__(self) -> tuple[Callable[..., NewsbeamError], tuple[object, ...]]:
        # __init__ of some classes composes the message; copying and unpickling must not run it again
        return _restore, (type(self), self.args, dict(self.__dict__))


def _restore(kind: type[NewsbeamError], args: tuple[object, ...], state: dict[str, object]) -> NewsbeamError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UserError(NewsbeamError):
    """The user made a mistake that they can correct; the message says how."""

    reason = "usage"


class DatabaseAway(UserError):
    """The database cannot be reached, or is locked, at this moment; a command that runs for long waits for it."""

    reason = "database away"


class DatabaseGone(UserError):
    """The file of the database was deleted or replaced while it was open: what is written would be lost."""

    reason = "database gone"


class MessageInvalid(NewsbeamError):
    """A message on a topic is not a link; delivering it again does not help."""

    reason = "bad message"


class FeedError(NewsbeamError):
    """A feed could not be read this time."""

    reason = "feed"
    retryable = True


class FeedUnreadable(FeedError):
    """The bytes are not a feed of a known format."""

    reason = "not a feed"


class FeedTooComplex(FeedError):
    """Reading the feed would take more time or memory than one feed may take."""

    reason = "too complex"


class Rejected(NewsbeamError):
    """A final outcome that no retry will change."""

    reason = "rejected"


class RobotsDisallowed(Rejected):
    """The host's robots.txt forbids the path (RFC 9309)."""

    reason = "robots"


class HttpRejected(Rejected):
    """A final HTTP status other than 200."""

    def __init__(self, status: int, url: str = "") -> None:
        self.status = status
        self.reason = f"http {status}"
        super().__init__(f"http {status} {url}".rstrip())


class RedirectLoop(Rejected):
    """More redirects than allowed, or a redirect to an address that was visited before."""

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


class TooComplex(Rejected):
    """Reading it takes more time or memory than one page or feed may take."""

    reason = "too complex"


class WorkerKilled(Rejected):
    """The worker died whenever it worked on the URL, alone and with others."""

    reason = "kills worker"


class ContentTypeRejected(Rejected):
    """The content type cannot be that of an article."""

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
    """A failure after which a later try may succeed.

    `retry_after` is the number of seconds that the server asked clients to wait, None if it did not say.
    """

    reason = "failed"
    retryable = True

    def __init__(self, message: str = "", retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class FetchTimeout(Retryable):
    """The response was not complete within the time limit for one URL."""

    reason = "timeout"


class HttpUnavailable(Retryable):
    """An HTTP status that may be temporary: 408, 429, 500, 502, 503, 504, 522, 524."""

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
    """The response is not valid HTTP, or was cut off."""

    reason = "protocol"


class RobotsUnavailable(Retryable):
    """The request for robots.txt got 5xx or no response, which forbids everything for now (RFC 9309, 2.3.1.4)."""

    reason = "robots unavailable"


class WorkCrashed(Retryable):
    """The process that worked on it died, for example in a parser written in C."""

    reason = "crash"


class WorkBug(Exception):
    """An unexpected exception in a guarded process (transforms.guard): its class, repr, traceback and step."""

    def __init__(self, name: str, text: str, trace: str, step: str = "") -> None:
        self.name, self.text, self.trace, self.step = name, text, trace, step
        super().__init__(name, text, trace, step)


class HostBusy(Retryable):
    """The host's pace leaves no room for this URL in this batch; no request was sent, so it does not count as a try.

    `retry_after` is the number of seconds until there may be room.
    """

    reason = "host busy"


class SlowPages(HostBusy):
    """The host's pages take long to read, and those of other hosts go first; no try is counted."""

    reason = "slow pages"

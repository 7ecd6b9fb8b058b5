"""Requests, answers, and conditional GET for feeds."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate, parsedate_to_datetime

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer.

    `wait_s` is slept before the first byte. `pieces` replaces `body` with parts, each with the seconds to wait before
    it; such an answer has no Content-Length and ends by closing the connection. `raw` replaces the whole answer, status
    line included.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    pieces: Callable[[], Iterator[tuple[float, bytes]]] | None = None
    raw: bytes | None = None


Route = Callable[[Request], Answer]


def always(answer: Answer) -> Route:
    """Return a route that gives the same answer every time."""
    return lambda request: answer


def html(text: str, charset: str = "utf-8", content_type: str = HTML) -> Answer:
    """Return a page as an answer."""
    return Answer(body=text.encode(charset), content_type=content_type)


def status(code: int, **headers: str) -> Answer:
    """Return an answer with an error page for a status; underscores in header names stand for dashes."""
    body = f"<html><head><title>{code}</title></head><body><h1>Error {code}</h1></body></html>".encode()
    return Answer(code, body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def redirect(location: str, code: int = 302) -> Answer:
    """Return a redirect."""
    return Answer(code, headers={"Location": location})


def compressed(answer: Answer) -> Answer:
    """Return the same answer with a gzipped body."""
    return replace(answer, body=gzip.compress(answer.body), headers={**answer.headers, "Content-Encoding": "gzip"})


def decoded(answer: Answer) -> bytes:
    """Return the uncompressed body of an answer."""
    return gzip.decompress(answer.body) if answer.headers.get("Content-Encoding") == "gzip" else answer.body


def fail_first(times: int, failure: Callable[[], Answer], then: Answer) -> Route:
    """Return a route that fails the given number of times and then returns its page."""
    asked = 0

    def route(request: Request) -> Answer:
        nonlocal asked
        asked += 1
        return failure() if asked <= times else then

    return route


def conditional(request: Request, answer: Answer, changed_at: float) -> Answer:
    """Return `answer` with validators, or a 304 if the request's validators still hold (RFC 9110, 13.2.2)."""
    etag = '"' + hashlib.sha256(answer.body).hexdigest()[:16] + '"'
    validators = {"ETag": etag, "Last-Modified": formatdate(changed_at, usegmt=True)}
    wanted, since = request.headers.get("if-none-match", ""), request.headers.get("if-modified-since", "")
    if wanted:
        same = etag in [tag.strip().removeprefix("W/") for tag in wanted.split(",")]
    else:
        same = bool(since) and _is_unchanged(since, changed_at)
    if same:
        return Answer(304, headers=validators)
    return replace(answer, headers={**answer.headers, **validators})


def _is_unchanged(since: str, changed_at: float) -> bool:
    try:
        return parsedate_to_datetime(since).timestamp() >= int(changed_at)
    except ValueError:
        return False

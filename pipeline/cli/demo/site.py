"""The demo's news sites: three newspapers, each at a loopback address of its own.

    with DemoSite(datetime.now(UTC)) as site:
        site.feeds               the addresses to poll
        site.edit(at)            replace one article with its second version, which its feed announces

On systems with only 127.0.0.1 (macOS), the newspapers share that address and differ by port.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Self

from pipeline.cli.demo.newspapers import NEWSPAPERS, Edition, Newspaper, render_feed, render_home, render_page

IDLE_TIMEOUT_S = 5.0
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><path fill="#7a9eb1" d="M0 0h16v9H0z"/>'
    '<path fill="#345" d="M0 7l4-3 3 2 4-4 5 5v2H0z"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Response:
    """The response to one request."""

    status: HTTPStatus
    content_type: str = "text/html; charset=utf-8"
    body: bytes = b""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was received, and the status of its response."""

    newspaper: str
    path: str
    status: int


def respond(edition: Edition, path: str) -> Response:
    """Return the response for a path."""
    newspaper, bare = edition.newspaper, path.partition("?")[0]
    if bare == newspaper.feed_path:
        content_type, text = render_feed(edition)
        return Response(HTTPStatus.OK, content_type, text.encode())
    if bare == newspaper.listed_feed_path:
        return Response(HTTPStatus.MOVED_PERMANENTLY, location=edition.base + newspaper.feed_path)
    if bare == "/robots.txt":
        return Response(HTTPStatus.OK, "text/plain", f"User-agent: *\nDisallow: {newspaper.disallowed}\n".encode())
    if bare == "/":
        return Response(HTTPStatus.OK, body=render_home(edition).encode())
    if bare.endswith(".svg"):
        return Response(HTTPStatus.OK, "image/svg+xml", PICTURE.encode())
    for story in newspaper.stories:
        if story.path.partition("?")[0] == bare and story.file:
            return Response(HTTPStatus.OK, body=render_page(edition, story).encode())
        if story.path == bare and bare.endswith(".pdf"):
            return Response(HTTPStatus.OK, "application/pdf", PDF)
    return Response(HTTPStatus.NOT_FOUND, body=b"<!DOCTYPE html><title>Not found</title><h1>This page is gone</h1>")


class DemoSite:
    """Serve the newspapers for as long as the context lasts."""

    def __init__(self, opened_at: datetime) -> None:
        self.requests: list[Request] = []
        self.editions: dict[str, Edition] = {}
        self._opened_at = opened_at.replace(microsecond=0)
        self._servers: list[ThreadingHTTPServer] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for number, newspaper in enumerate(NEWSPAPERS):
            server = self._open_server(f"127.0.0.{number + 2}", newspaper)
            base = f"http://{server.server_address[0]!s}:{server.server_address[1]}"
            self.editions[newspaper.name] = Edition(newspaper, base, self._opened_at)
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), name=newspaper.name, daemon=True)
            thread.start()
            self._servers.append(server)
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()

    @property
    def feeds(self) -> list[str]:
        """Return the advertised addresses of the feeds; one of them redirects."""
        return [edition.base + edition.newspaper.listed_feed_path for edition in self.editions.values()]

    @property
    def edited_url(self) -> str:
        """Return the address of the article that `edit` changes."""
        return next(
            edition.base + story.path
            for edition in self.editions.values()
            for story in edition.newspaper.stories
            if story.edited_file
        )

    def edit(self, at: datetime) -> None:
        """Publish the second version of the edited article; its feed gives `at` as the time."""
        for name, edition in self.editions.items():
            self.editions[name] = replace(edition, edited_at=at.replace(microsecond=0))

    def _open_server(self, address: str, newspaper: Newspaper) -> ThreadingHTTPServer:
        site = self

        class Handler(BaseHTTPRequestHandler):
            timeout = IDLE_TIMEOUT_S

            def do_GET(self) -> None:
                response = respond(site.editions[newspaper.name], self.path)
                etag = f'"{hashlib.sha256(response.body).hexdigest()[:16]}"'
                if response.status is HTTPStatus.OK and self.headers["If-None-Match"] == etag:
                    response = replace(response, status=HTTPStatus.NOT_MODIFIED, body=b"")
                site.requests.append(Request(newspaper.name, self.path, response.status.value))
                self.send_response(response.status)
                self.send_header("ETag", etag)
                if response.location:
                    self.send_header("Location", response.location)
                if response.status is not HTTPStatus.NOT_MODIFIED:
                    self.send_header("Content-Type", response.content_type)
                    self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                self.wfile.write(response.body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Keep requests out of the terminal; `requests` has them."""

        try:
            return _Server((address, 0), Handler)
        except OSError:
            return _Server(("127.0.0.1", 0), Handler)


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        # HTTPServer looks up its own address in the DNS, which is slow without a network
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

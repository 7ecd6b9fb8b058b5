"""The fetcher over TLS, with a test certificate: HTTP/2 if the server offers it, and every failed handshake."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest
from tinyserver import TinyServer, page

from transforms.errors import FetchTimeout, ProtocolFailed, TlsFailed
from transforms.fetch.fetcher import Fetcher, FetchPolicy
from transforms.records import ArticleLink, FetchedPage
from transforms.results import Ok

POLICY = FetchPolicy(host_delay_s=0, host_concurrency=4, allow_private_addresses=True, timeout_s=2)


async def resolve(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is needed to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "news.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=news.example -addext"
    subprocess.run(
        [*command.split(), "subjectAltName=DNS:news.example", "-keyout", str(path), "-out", f"{path}.crt"],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture(scope="module")
def trust(certificate: Path) -> Path:
    return Path(f"{certificate}.crt")


def serving(certificate: Path, *protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(list(protocols))
    return context


class H2Server(TinyServer):
    """Answers every stream with one page, all streams of a connection at once; counts them."""

    breaks = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        try:
            while True:
                writer.write(connection.data_to_send())
                await writer.drain()
                data = await reader.read(65_536)
                if not data:
                    return
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        self._answer_stream(connection, writer, event)
        except (ConnectionError, asyncio.CancelledError, ssl.SSLError, h2.exceptions.ProtocolError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def _answer_stream(
        self, connection: h2.connection.H2Connection, writer: asyncio.StreamWriter, event: h2.events.RequestReceived
    ) -> None:
        headers = {bytes(name).decode(): bytes(value).decode() for name, value in event.headers or []}
        assert event.stream_id is not None
        self.most_active += 1
        if headers[":path"] == "/robots.txt":
            connection.send_headers(event.stream_id, [(":status", "404")], end_stream=True)
        elif self.breaks:
            # a frame of a kind that is invalid here, then a reset of every stream
            writer.write(connection.data_to_send() + b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00")
        else:
            body = f"<p>{headers[':path']} {headers[':authority']} {headers['user-agent']}</p>".encode()
            connection.send_headers(event.stream_id, [(":status", "200"), ("content-type", "text/html")])
            connection.send_data(event.stream_id, body, end_stream=True)


def fetch(server: TinyServer, trust: Path | None, host: str = "news.example") -> FetchedPage:
    with Fetcher(POLICY, resolve=resolve, ca_file=trust) as fetcher:
        return fetcher.fetch_page(f"https://{host}:{server.port}/a")


def test_http_2_is_used_where_it_is_offered(certificate: Path, trust: Path) -> None:
    with H2Server({}, tls=serving(certificate, "h2")) as server:
        with Fetcher(POLICY, resolve=resolve, ca_file=trust) as fetcher:
            links = [ArticleLink(f"https://news.example:{server.port}/{n}", "", "", "") for n in range(30)]
            pages = list(fetcher.fetch_articles(links))
        bodies = {outcome.record.body for outcome in pages if isinstance(outcome, Ok)}
        assert bodies == {f"<p>/{n} news.example:{server.port} newsbeam/0.1</p>".encode() for n in range(30)}
        assert server.connections == 1


def test_http_1_is_used_where_nothing_else_is_offered(certificate: Path, trust: Path) -> None:
    with TinyServer({"*": lambda seen: page()}, tls=serving(certificate, "http/1.1")) as server:
        assert fetch(server, trust).body
        assert server.seen[0].headers["host"] == f"news.example:{server.port}"


def test_a_broken_http_2_answer_is_a_protocol_error(certificate: Path, trust: Path) -> None:
    with H2Server({}, tls=serving(certificate, "h2")) as server:
        server.breaks = True
        # libcurl says GOAWAY and then waits until the server closes the connection, which this one does not
        with pytest.raises((ProtocolFailed, FetchTimeout)):
            fetch(server, trust)


def test_an_untrusted_certificate_is_refused(certificate: Path) -> None:
    with TinyServer({"*": lambda seen: page()}, tls=serving(certificate)) as server:
        with pytest.raises(TlsFailed, match="certificate"):
            fetch(server, None)
        assert server.seen == []


def test_a_certificate_for_another_name_is_refused(certificate: Path, trust: Path) -> None:
    routes = {"*": lambda seen: page()}
    with TinyServer(routes, tls=serving(certificate)) as server, pytest.raises(TlsFailed, match="news2"):
        fetch(server, trust, "news2.example")


class PlainServer(TinyServer):
    """Answers at once as a server does that mistakes a handshake for a request."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()


def test_a_server_without_tls_is_a_tls_error(trust: Path) -> None:
    with PlainServer({}) as server, pytest.raises(TlsFailed):
        fetch(server, trust)

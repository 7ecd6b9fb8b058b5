"""Measure what newsbeam costs in steady state: a few new links a minute over many feeds.

usage: python bench/steady.py [--feeds 1000] [--links 20] [--minutes 3] [--workers 1]

`newsbeam run` polls feeds of one loopback server in another process. After a first round over all feeds, LINKS new
articles a minute appear in feeds that are due. Printed are the CPU seconds per minute of the poller and the workers,
with the processes that they start, and the CPU per article. Compare: with nothing to do, and in a burst
(bench/pipeline.py).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# in place of this folder, in which this file would hide a package with its name
sys.path[0] = str(REPOSITORY / "tests")
sys.path.insert(1, str(REPOSITORY))

import sqlalchemy as sa  # noqa: E402
from family import cpu_s, family  # noqa: E402
from smallnews import page_of  # noqa: E402

from pipeline.tables.database import METADATA, create_engine, open_database, reading  # noqa: E402

FEEDS, ARTICLES = METADATA.tables["feeds"], METADATA.tables["articles"]
HOSTS = 100


class _Site(BaseHTTPRequestHandler):
    """FEEDS feeds, /feed/N, on 127.0.1.1 to 127.0.1.HOSTS; POST /publish/N adds an article to feed N."""

    protocol_version = "HTTP/1.1"
    published: dict[int, list[int]] = {}  # noqa: RUF012
    newest = 0

    def do_POST(self) -> None:
        feed = int(self.path.rpartition("/")[2])
        type(self).newest += 1
        self.published.setdefault(feed, []).append(self.newest)
        self._send(200, b"", "text/plain")

    def do_GET(self) -> None:
        kind, _, number = self.path[1:].partition("/")
        if kind == "article":
            self._send(200, page_of(int(number)), "text/html; charset=utf-8")
        elif kind == "feed":
            self._send_feed(int(number))
        else:
            self._send(404, b"", "text/plain")

    def _send_feed(self, feed: int) -> None:
        numbers = self.published.get(feed, [])
        etag = f'"{len(numbers)}"'
        if self.headers.get("If-None-Match") == etag:
            self._send(304, b"", "application/rss+xml", etag)
            return
        base = f"http://{self.headers['Host']}/article/"
        items = "".join(f"<item><title>Plan {n}</title><link>{base}{n}</link></item>" for n in numbers[-20:])
        body = f'<rss version="2.0"><channel><title>Feed {feed}</title>{items}</channel></rss>'
        self._send(200, body.encode(), "application/rss+xml", etag)

    def _send(self, status: int, body: bytes, content_type: str, etag: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if etag:
            self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def serve() -> None:
    """Serve until stdin is closed; prints the port."""
    server = _Server(("127.0.0.1", 0), _Site)
    port = server.server_address[1]
    for each in (server, *(_Server((f"127.0.1.{host}", port), _Site) for host in range(1, HOSTS + 1))):
        threading.Thread(target=each.serve_forever, daemon=True).start()
    print(port, flush=True)
    sys.stdin.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--links", type=int, default=20, help="new articles a minute")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    site = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert site.stdout is not None and site.stdin is not None
    port = int(site.stdout.readline())
    with tempfile.TemporaryDirectory() as folder:
        try:
            measure(options, port, folder)
        finally:
            site.stdin.close()
            site.wait()


def measure(options: argparse.Namespace, port: int, folder: str) -> None:
    """Run newsbeam over the feeds, and print what it cost."""
    url = f"sqlite:///{folder}/steady.db"
    feeds = [f"http://127.0.1.{1 + n % HOSTS}:{port}/feed/{n}" for n in range(options.feeds)]
    (Path(folder) / "feeds.txt").write_text("\n".join(feeds))
    open_database(url).dispose()
    engine = create_engine(url)
    command = [sys.executable, "-m", "pipeline.cli", "run", f"{folder}/feeds.txt", "--db", url]
    command += ["--host-delay", "0.01", "--allow-private-addresses", "--workers", str(options.workers)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
    try:
        begun = time.monotonic()
        while count(engine, "select count(*) from feeds where polled_at is not null") < options.feeds:
            time.sleep(0.5)
        print(f"first round over {options.feeds} feeds: {time.monotonic() - begun:.1f} s from the start of the command")
        idle = cpu_over(process.pid, 30.0)
        print("nothing new:  " + " ".join(f"{name} {cpu * 2:.2f}" for name, cpu in idle.items()) + "  CPU s/minute")
        steady(options, process.pid, port, engine)
    finally:
        process.terminate()
        process.wait()
        engine.dispose()


def steady(options: argparse.Namespace, pid: int, port: int, engine: sa.Engine) -> None:
    """Publish, make the feed due as its next poll would be, and see what an article costs."""
    before, begun = split_cpu(pid), time.monotonic()
    published, landed_before = 0, count(engine, "select count(*) from articles")
    delays: list[float] = []
    while time.monotonic() - begun < 60 * options.minutes:
        feed = (published * 37) % options.feeds
        host = f"127.0.1.{1 + feed % HOSTS}"
        post(host, port, f"/publish/{feed}")
        with engine.begin() as connection:
            due = datetime.now(UTC) - timedelta(seconds=1)
            where = FEEDS.c.url == f"http://{host}:{port}/feed/{feed}"
            connection.execute(FEEDS.update().where(where).values(next_poll_at=due))
        published += 1
        start = time.monotonic()
        while count(engine, "select count(*) from articles") < landed_before + published:
            if time.monotonic() - start > 60 / options.links:
                break
            time.sleep(0.1)
        else:
            delays.append(time.monotonic() - start)
        time.sleep(max(0.0, begun + published * 60 / options.links - time.monotonic()))
    minutes = (time.monotonic() - begun) / 60
    used = {name: cpu - before[name] for name, cpu in split_cpu(pid).items()}
    landed = count(engine, "select count(*) from articles") - landed_before
    delays.sort()
    print(f"{options.links} links a minute: " + " ".join(f"{k} {v / minutes:.2f}" for k, v in used.items()), end="")
    print(f"  CPU s/minute; {1000 * sum(used.values()) / max(1, landed):.0f} ms of CPU for each of {landed} articles")
    row = {"published": published, "landed": landed, "median_delay_s": round(delays[len(delays) // 2], 2)}
    print(json.dumps(row))


def split_cpu(pid: int) -> dict[str, float]:
    """Return the CPU seconds so far of the poller's process and of the others."""
    others = [each for each in family(pid) if each != pid]
    return {"poller": cpu_s([pid]), "workers": cpu_s(others)}


def cpu_over(pid: int, seconds: float) -> dict[str, float]:
    before = split_cpu(pid)
    time.sleep(seconds)
    return {name: cpu - before[name] for name, cpu in split_cpu(pid).items()}


def count(engine: sa.Engine, query: str) -> int:
    with reading(engine) as connection:
        return int(connection.exec_driver_sql(query).scalar_one())


def post(host: str, port: int, path: str) -> None:
    connection = HTTPConnection(host, port, timeout=10)
    connection.request("POST", path)
    connection.getresponse().read()
    connection.close()


if __name__ == "__main__":
    main()

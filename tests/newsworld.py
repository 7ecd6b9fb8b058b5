"""Start the shared news web (`../shared/newsworld/serve.py`) for a test, on loopback and a free port.

    with Newsworld(pages=20) as world:
        world.feeds_url        # every feed of this web, one a line
        world.truth()          # the outcome a careful ingester reaches for every URL
        world.stats()          # per host: requests, most at once, shortest gap, robots breaches

A test that enters it is skipped where the shared folder is absent. `stop()` and `start()` play an outage: the port
stays the same.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
SERVER = SHARED / "newsworld" / "serve.py"
CORPUS = SHARED / "corpus"
START_S = 60.0
STOP_S = 10.0

# the control address is loopback: no proxy of the environment may come between
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def find_free_port() -> int:
    """Ask the kernel for a TCP port that is free on 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Newsworld:
    """The server as a subprocess; a context manager that stops it.

    `pages` is the number of corpus pages (None: all, 0: none); `drip` seconds between one item of a feed and the next
    (0: all at once); `latency` mean seconds before each answer; `bomb` swaps the 60 MB bomb for one of 400 MB.
    """

    def __init__(
        self,
        pages: int | None = 20,
        faults: bool = True,
        drip: float = 0,
        latency: float = 0,
        bomb: bool = False,
        port: int | None = None,
    ) -> None:
        self.port = port or 0
        self._options = ["--drip", str(drip), "--latency", str(latency), "--faults" if faults else "--no-faults"]
        self._options += [] if pages is None else ["--pages", str(pages)]
        self._options += ["--bomb"] if bomb else []
        self._process: subprocess.Popen[str] | None = None
        self.control = ""
        self.summary: dict[str, Any] = {}

    def __enter__(self) -> Newsworld:
        if not SERVER.exists():
            pytest.skip(f"the shared news web is not beside this repository ({SERVER})")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server (again, on the port it had) and wait until it listens on all its addresses."""
        fixed = self.port
        for _ in range(5):
            self.port = fixed or find_free_port()
            command = [sys.executable, str(SERVER), "--corpus", str(CORPUS), "--port", str(self.port), *self._options]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if line:
                self.summary = json.loads(line)
                self.control = self.summary["control"]
                return
            # somebody took the port between the question and the bind: ask for another
            trouble = self._end_process()
        raise RuntimeError(f"the news web did not start: {trouble}")

    def stop(self) -> None:
        """Stop the server; harmless when it does not run."""
        if self._process is not None:
            self._end_process()

    def _end_process(self) -> str:
        process, self._process = self._process, None
        assert process is not None
        process.terminate()
        try:
            _, trouble = process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, trouble = process.communicate()
        return trouble

    @property
    def feeds_url(self) -> str:
        return f"{self.control}/feeds.txt"

    @property
    def opml_url(self) -> str:
        return f"{self.control}/feeds.opml"

    def read(self, path: str) -> str:
        """Read one control page as text."""
        with _opener.open(self.control + path, timeout=START_S) as answer:
            return str(answer.read().decode())

    def feeds(self) -> list[str]:
        """Every feed of this web."""
        return self.read("/feeds.txt").split()

    def truth(self) -> list[dict[str, Any]]:
        """Every URL that the feeds name: {"url", "feed", "outcome", "reason", "id"}."""
        return [json.loads(line) for line in self.read("/truth.jsonl").splitlines()]

    def stats(self) -> list[dict[str, Any]]:
        """Per host: {"host", "base", "requests", "not_modified", "most_active", "shortest_gap", "robots_breaches"}."""
        rows: list[dict[str, Any]] = json.loads(self.read("/stats.json"))
        return rows

    def site(self, host: str) -> dict[str, Any]:
        """The row of `stats()` for one host by its name, "status.example" for one."""
        return next(row for row in self.stats() if row["host"] == host)

"""Start a news web as a process and query it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

TESTS = Path(__file__).resolve().parent.parent
START_S = 60.0
STOP_S = 10.0

# the control address is loopback: ignore proxies from the environment
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def find_free_port() -> int:
    """Return a TCP port that is free on 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class WebProcess:
    """A news web in a separate process; a context manager that stops it.

    `--port N` is appended to `command`, which must print a line of JSON with its control address once it listens.
    """

    def __init__(self, command: Sequence[str], port: int | None = None) -> None:
        self.port = port or 0
        self._command = list(command)
        self._process: subprocess.Popen[str] | None = None
        self.control = ""
        self.summary: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server (a restart keeps its port) and wait until it listens on all its addresses."""
        fixed = self.port
        trouble = ""
        for _ in range(5):
            self.port = fixed or find_free_port()
            self._process = subprocess.Popen(
                [*self._command, "--port", str(self.port)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=TESTS,
                env=os.environ | {"PYTHONPATH": str(TESTS)},
            )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if line:
                self.summary = json.loads(line)
                self.control = self.summary["control"]
                return
            # another process took the port before the server could bind it: try another
            trouble = self._end_process()
        raise RuntimeError(f"the news web did not start: {trouble}")

    def stop(self) -> None:
        """Stop the server; harmless if it is not running."""
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
        """Return the feeds to start from."""
        return self.read("/feeds.txt").split()

    def truth(self) -> list[dict[str, Any]]:
        """Return the expected outcome of every URL in a feed: {"url", "feed", "outcome", "reason"}."""
        return [json.loads(line) for line in self.read("/truth.jsonl").splitlines()]

    def stats(self) -> list[dict[str, Any]]:
        """Return per host: {"host", "base", "requests", "not_modified", "most_active", "shortest_gap", ...}.

        "lateness" is the most that the server was late to see anything, in seconds.
        """
        rows: list[dict[str, Any]] = json.loads(self.read("/stats.json"))
        return rows

    def site(self, host: str) -> dict[str, Any]:
        """Return the row of `stats()` for a host name such as "status.example"."""
        return next(row for row in self.stats() if row["host"] == host)


class Newsworld(WebProcess):
    """The synthetic news web.

    `pages` is the number of pages of well-behaved publishers (None: 36); `faults` adds the misbehaving sites. `drip` is
    the seconds between the entries that a feed adds (0: all at once), `latency` the mean seconds before each answer,
    `stall` the seconds for which hanging sites hang.
    """

    def __init__(
        self,
        pages: int | None = None,
        faults: bool = True,
        drip: float = 0,
        latency: float = 0,
        stall: float = 60,
        port: int | None = None,
    ) -> None:
        command = [sys.executable, "-m", "newsworld", "--drip", str(drip), "--latency", str(latency)]
        command += ["--stall", str(stall), "--faults" if faults else "--no-faults"]
        command += [] if pages is None else ["--pages", str(pages)]
        super().__init__(command, port)

    def articles(self) -> list[dict[str, Any]]:
        """Return the expected content of articles: {"url", "title", "paragraphs", "template", ...}."""
        return [json.loads(line) for line in self.read("/articles.jsonl").splitlines()]

    def edit(self) -> None:
        """Edit some articles and their feed entries."""
        self.read("/edit")

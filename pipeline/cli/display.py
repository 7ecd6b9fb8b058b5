"""The live display of `newsbeam run` on a terminal.

It stands below what is logged and not in it: while it runs, everything that this process and its workers write to
stderr passes through it and appears above. Logs come as JSON lines then, and those from WARNING on are shown.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.ledger.reports import Progress
from pipeline.logs import readable_line

REFRESH_AFTER = timedelta(seconds=0.5)
# how long a worker that will not let go of stderr may hold up the end
DRAIN_S = 1.0
STDERR = 2


class Display:
    """Show progress on a terminal for as long as the context lasts.

    Without a `console` of the caller's, the display is on stderr and takes it over, file descriptor and all.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._stderr = _TakenStderr() if console is None else None
        self._console = console
        self._live: Live | None = None
        self._latest: Progress | None = None
        self._refreshed_at: datetime | None = None

    def __enter__(self) -> Self:
        if self._stderr is not None:
            self._console = Console(file=self._stderr.take(self._print_line), highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._live is not None
        if self._latest is not None:
            self._live.update(render(self._latest))
        if self._stderr is not None:
            self._stderr.drain()
        self._live.stop()
        if self._stderr is not None:
            self._stderr.give_back()

    def update(self, progress: Progress, now: datetime) -> None:
        """Show these figures, unless others were shown less than REFRESH_AFTER ago.

        The last ones are always shown in the end.
        """
        self._latest = progress
        if self._live is None or (self._refreshed_at is not None and now - self._refreshed_at < REFRESH_AFTER):
            return
        self._refreshed_at = now
        self._live.update(render(progress), refresh=True)

    def _print_line(self, line: str) -> None:
        shown = readable_line(line, "warning")
        if shown is not None and self._console is not None:
            self._console.print(Text(shown))


def render(progress: Progress) -> RenderableType:
    """Lay out the figures; pure."""
    figures = Table.grid(padding=(0, 3))
    figures.add_row(
        _figure("feeds", progress.feeds, f"{progress.feeds_failing} failing" if progress.feeds_failing else ""),
        _figure("waiting", progress.waiting),
        _figure("in work", progress.leased),
        _figure("articles", progress.articles, f"{progress.articles_last_minute} in the last minute"),
    )
    parts: list[RenderableType] = [figures]
    parts += [_reasons(name, style, counts) for name, style, counts in _endings(progress) if counts]
    if progress.newest:
        newest = Table.grid(padding=(0, 2))
        newest.add_column(style="dim", no_wrap=True)
        newest.add_column(no_wrap=True, overflow="ellipsis")
        for host, title in progress.newest:
            newest.add_row(Text(host), Text(title or "(no title)"))
        parts += [Text(), newest]
    return Group(*parts)


def _endings(progress: Progress) -> tuple[tuple[str, str, Mapping[str, int]], ...]:
    return (("rejected", "yellow", progress.rejected), ("failed", "red", progress.failed))


def _figure(name: str, count: int, remark: str = "") -> Text:
    return Text.assemble((f"{count:,}", "bold"), f" {name}", (f" ({remark})" if remark else "", "dim"))


def _reasons(name: str, style: str, counts: Mapping[str, int]) -> Text:
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in most_first)
    return Text.assemble((f"{sum(counts.values()):,}", style), f" {name}: ", (reasons, "dim"))


class _TakenStderr:
    """Stand in for file descriptor 2, so that what child processes and C libraries write comes by too.

    The descriptor becomes the end of a pipe; a thread reads whole lines from it. The terminal itself stays reachable
    through a copy of the old descriptor.
    """

    def take(self, on_line: Callable[[str], None]) -> TextIO:
        """Begin; returns the terminal to draw on."""
        sys.stderr.flush()
        self._old = os.dup(STDERR)
        reader, writer = os.pipe()
        os.dup2(writer, STDERR)
        os.close(writer)
        self._terminal = os.fdopen(os.dup(self._old), "w", encoding=sys.stderr.encoding, errors="replace")
        self._pump = threading.Thread(target=_pump_lines, args=(reader, on_line), name="stderr", daemon=True)
        self._pump.start()
        return self._terminal

    def drain(self) -> None:
        """Put the old descriptor back and wait until what was written before has been passed on."""
        sys.stderr.flush()
        os.dup2(self._old, STDERR)
        os.close(self._old)
        self._pump.join(DRAIN_S)

    def give_back(self) -> None:
        """End."""
        if not self._pump.is_alive():
            self._terminal.close()


def _pump_lines(reader: int, on_line: Callable[[str], None]) -> None:
    with os.fdopen(reader, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            on_line(line.rstrip("\n"))

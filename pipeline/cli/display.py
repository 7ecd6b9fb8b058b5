"""The live display of `newsbeam run` on a terminal: figures at the bottom, log lines above them.

While it is shown, it receives the logs of this process and of the workers as JSON lines. Those at WARNING and above are
printed above the figures, in readable form and without control characters.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.cli.console import PrintableConsole
from pipeline.ledger.reports import Progress
from pipeline.logs import one_line, readable_line, redirected_logs

REFRESH_AFTER = timedelta(seconds=0.5)


class Display:
    """Show progress on a terminal (by default stderr) while the context is open."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or PrintableConsole(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False)
        self._open = ExitStack()
        self._latest: Progress | None = None
        self._refreshed_at: datetime | None = None

    def __enter__(self) -> Self:
        self._live.start()
        self._open.enter_context(redirected_logs(self.print_line))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Live holds back what others wrote to sys.stderr until the line is complete; this writes an incomplete one
        sys.stderr.flush()
        self._open.close()
        if self._latest is not None:
            self._live.update(render(self._latest))
        self._live.stop()

    def update(self, progress: Progress, now: datetime) -> None:
        """Show these figures, unless others were shown less than REFRESH_AFTER ago.

        The last figures are always shown when the context closes.
        """
        self._latest = progress
        if self._refreshed_at is not None and now - self._refreshed_at < REFRESH_AFTER:
            return
        self._refreshed_at = now
        self._live.update(render(progress), refresh=True)

    def print_line(self, line: str) -> None:
        """Show a log line above the figures, unless it is below WARNING; any thread may call this."""
        shown = readable_line(line, "warning")
        if shown is not None:
            self._console.print(Text(shown))


def render(progress: Progress) -> RenderableType:
    """Lay out the figures."""
    figures = Table.grid(padding=(0, 3))
    figures.add_row(
        _figure("feeds", progress.feeds, f"{progress.feeds_failing} failing" if progress.feeds_failing else ""),
        _figure("waiting", progress.waiting),
        _figure("in progress", progress.leased),
        _figure("articles", progress.articles, f"{progress.articles_last_minute} in the last minute"),
    )
    parts: list[RenderableType] = [figures]
    parts += [_reasons(name, style, counts) for name, style, counts in _outcomes(progress) if counts]
    if progress.newest:
        newest = Table.grid(padding=(0, 2))
        newest.add_column(style="dim", no_wrap=True)
        newest.add_column(no_wrap=True, overflow="ellipsis")
        for host, title in progress.newest:
            newest.add_row(Text(one_line(host)), Text(one_line(title) or "(no title)"))
        parts += [Text(), newest]
    return Group(*parts)


def _outcomes(progress: Progress) -> tuple[tuple[str, str, Mapping[str, int]], ...]:
    return (("rejected", "yellow", progress.rejected), ("failed", "red", progress.failed))


def _figure(name: str, count: int, note: str = "") -> Text:
    return Text.assemble((f"{count:,}", "bold"), f" {name}", (f" ({note})" if note else "", "dim"))


def _reasons(name: str, style: str, counts: Mapping[str, int]) -> Text:
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{one_line(reason)} {count:,}" for reason, count in most_first)
    return Text.assemble((f"{sum(counts.values()):,}", style), f" {name}: ", (reasons, "dim"))

"""The rich console that commands print on: its own colours and movements pass, control characters in texts do not."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from pipeline.logs.streams import raw_stream
from pipeline.logs.terminal import printable


class PrintableConsole(Console):
    """A rich Console that shows control characters in what it prints as escapes.

    Write texts with `one_line` or `printable` all the same where columns have to line up: rich lays out what it is
    given, and the escapes are longer. A plain rich Console on sys.stdout shows its own colours as escapes, too.
    """

    def __init__(self, file: TextIO | None = None, *, stderr: bool = False, **options: Any) -> None:
        super().__init__(file=file or raw_stream(sys.stderr if stderr else sys.stdout), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what to print; what moves the cursor is marked as such by rich."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)

"""The standard streams of a process: always open, and closed to control characters.

`protect_streams` is called once, at the start of every command, so that whatever writes to sys.stdout or sys.stderr,
commands, tracebacks and libraries alike, cannot pass text from outside to a terminal as it is. What draws on a terminal
itself (pipeline.cli.console, and the lines of the log, which have been made printable already) writes to `raw_stream`.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from pipeline.logs.terminal import printable

STDIN, STDOUT, STDERR = 0, 1, 2


class PrintableStream(io.TextIOBase):
    """A text stream that shows control characters as escapes. It has no `buffer`, by which they could get past it.

    With `is_lossy`, what cannot be written is dropped: a command goes on when nobody reads its messages.
    """

    def __init__(self, raw: TextIO, is_lossy: bool = False) -> None:
        self.raw, self.is_lossy = raw, is_lossy

    # io.TextIOBase declares both as read-write attributes
    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Return the encoding of the stream."""
        return self.raw.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """Return how the stream writes characters that its encoding lacks."""
        return self.raw.errors

    def write(self, text: str, /) -> int:
        """Write a text."""
        with suppress(*((OSError,) if self.is_lossy else ())):
            self.raw.write(printable(text))
        return len(text)

    def flush(self) -> None:
        """Write what is still held back."""
        with suppress(*((OSError,) if self.is_lossy else ())):
            self.raw.flush()

    def fileno(self) -> int:
        """Return the number of the file descriptor."""
        return self.raw.fileno()

    def isatty(self) -> bool:
        """Tell whether the stream is a terminal."""
        return self.raw.isatty()

    def writable(self) -> bool:
        """Return True."""
        return True


def raw_stream(stream: TextIO) -> TextIO:
    """Return the stream behind a PrintableStream; any other as it is."""
    return stream.raw if isinstance(stream, PrintableStream) else stream


def protect_streams() -> None:
    """Open the standard streams that are closed, and make sys.stdout and sys.stderr printable; may be called again."""
    _open_closed()
    sys.stdout, sys.stderr = _printable(sys.stdout, False), _printable(sys.stderr, True)


def discard(descriptor: int) -> None:
    """Send what is written to a file descriptor nowhere from now on.

    After a write that failed, the interpreter would try to write the rest at exit, and fail again.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)


def _open_closed() -> None:
    """Open the standard streams that were closed when the process started.

    Otherwise the next file that is opened gets the number of standard output or error: that of a database, say, into
    which a library may then write its messages.
    """
    # standard output is opened for reading only, so that a command with something to print fails
    for descriptor, mode in ((STDIN, os.O_RDONLY), (STDOUT, os.O_RDONLY), (STDERR, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            # the lowest free number, which is this one
            os.open(os.devnull, mode)
    # None if it was closed, against what the types say
    sys.stdin = sys.stdin or os.fdopen(STDIN, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(STDOUT, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(STDERR, "w", encoding="utf-8", closefd=False)


def _printable(stream: TextIO, is_lossy: bool) -> TextIO:
    if isinstance(stream, PrintableStream):
        return stream
    if isinstance(stream, io.TextIOWrapper):
        # a terminal that cannot show a letter gets its escape
        stream.reconfigure(errors="backslashreplace")
    protected: TextIO = PrintableStream(stream, is_lossy)  # type: ignore[assignment]
    return protected

"""What commands print: JSON lines and tables on stdout, one line on stderr for an error that the user can fix."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import click

from pipeline.logs.streams import STDERR, STDOUT, discard, protect_streams, raw_stream
from pipeline.logs.terminal import json_text, one_line
from transforms.errors import UserError

USER_ERROR = 2
# a full disk, a closed standard output, a terminal that is gone
NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF, errno.EIO)


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn an error that the user can fix into one line on stderr and exit code 2.

    Also protects the standard streams (pipeline.logs.streams).
    """
    protect_streams()
    try:
        try:
            yield
        finally:
            # otherwise the interpreter does so at exit, where an error cannot be caught
            sys.stdout.flush()
    except UserError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno not in NOT_WRITTEN:
            raise
        discard(STDOUT)
        _fail(f"cannot write the output: {os.strerror(error.errno).lower()}")
    finally:
        try:
            raw_stream(sys.stderr).flush()
        except OSError:
            discard(STDERR)


def _fail(message: str) -> None:
    click.echo(f"newsbeam: {one_line(message)}", err=True)
    sys.exit(USER_ERROR)


def print_rows(rows: Iterable[Mapping[str, object]], columns: tuple[str, ...], as_json: bool) -> None:
    """Print these columns as a table on a terminal; otherwise, or with `as_json`, print whole rows as JSON lines."""
    if as_json or not sys.stdout.isatty():
        for row in rows:
            click.echo(json_text(row))
        return
    from rich.table import Table
    from rich.text import Text

    from pipeline.cli.console import PrintableConsole

    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(_cell(row[name])) for name in columns))
    PrintableConsole().print(table)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else one_line(str(value))

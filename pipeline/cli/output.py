"""What commands print: JSON lines and tables on stdout, one line on stderr for an error that the user can fix."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import click

from pipeline.logs.terminal import UNSAFE, one_line
from transforms.errors import UserError

USER_ERROR = 2
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn an error that the user can fix into one line on stderr and exit code 2."""
    try:
        yield
    except UserError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        # discard what is still buffered: the interpreter would try to write it again at exit, and fail
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _fail(f"cannot write the output: {os.strerror(error.errno).lower()}")


def _fail(message: str) -> None:
    click.echo(f"newsbeam: {one_line(message)}", err=True)
    sys.exit(USER_ERROR)


def json_text(value: object, indent: int | None = None) -> str:
    """Return a value as JSON, with times in ISO 8601.

    Control characters that JSON allows in strings are escaped, so that a terminal does not interpret them.
    """
    text = json.dumps(value, indent=indent, default=_plain, ensure_ascii=False)
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_rows(rows: Iterable[Mapping[str, object]], columns: tuple[str, ...], as_json: bool) -> None:
    """Print these columns as a table on a terminal; otherwise, or with `as_json`, print whole rows as JSON lines."""
    if as_json or not sys.stdout.isatty():
        for row in rows:
            click.echo(json_text(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(_cell(row[name])) for name in columns))
    Console().print(table)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else one_line(str(value))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)

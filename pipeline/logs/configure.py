"""Set up logging in a process: where events go, in which form, and from which level on libraries log.

Call `configure_logs` before the heavy imports of a command, since libraries log while they are imported. What libraries
log at WARNING and above is treated like newsbeam's own events.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog

from pipeline.logs.streams import protect_streams, raw_stream
from pipeline.logs.terminal import LEVELS, console_renderer, json_text, shorten

OURS = ("pipeline", "transforms", "__main__")
# libraries whose warnings nobody can act on
QUIETER: Mapping[str, int] = {
    # about options and file systems that nothing here uses
    "apache_beam": logging.ERROR,
    # about single pages: the tables say what became of each page
    "trafilatura": logging.CRITICAL,
    "htmldate": logging.CRITICAL,
    "courlan": logging.CRITICAL,
}
FIRST_KEYS = ("timestamp", "level", "event")
# the arguments of configure_logs
LogForm = tuple[bool, str]
_in_use: LogForm | None = None


def logs_in_use() -> LogForm | None:
    """Return how to configure logs in a process that logs for this one; None if this one does not log."""
    return _in_use


def configure_logs(json: bool, level: str = "info") -> None:
    """Send events of at least `level` to stderr, as JSON lines or readable ones; may be called again.

    Also protects the standard streams (pipeline.logs.streams). Raises KeyError for a level that is not debug, info,
    warning or error.
    """
    protect_streams()
    global _in_use
    _in_use = json, level
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    last: list[structlog.typing.Processor]
    if json:
        last = [_order_keys, structlog.processors.JSONRenderer(_dump)]
    else:
        last = [shorten, console_renderer(colors=sys.stderr.isatty())]
    handler = _StderrHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                *last,
            ],
        )
    )
    handler.addFilter(_is_named)
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _StderrHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(LEVELS[level])
    for name, least in QUIETER.items():
        logging.getLogger(name).setLevel(least)
    logging.captureWarnings(True)


@contextmanager
def redirected_logs(on_line: Callable[[str], None]) -> Iterator[None]:
    """Pass the lines that would go to stderr to `on_line` instead, while the context is open."""
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, _StderrHandler)]
    for handler in handlers:
        handler.on_line = on_line
    try:
        yield
    finally:
        for handler in handlers:
            handler.on_line = None


def configure_worker_logs() -> None:
    """Send events as JSON lines to the logging of a Beam runner's worker, and none to its standard output.

    Does nothing if logs are already configured in this process. Some runners never read a worker's standard output, so
    the worker would block after 64 KB.
    """
    global _in_use
    if structlog.is_configured():
        return
    _in_use = True, "info"
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_dump),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for name, least in QUIETER.items():
        logging.getLogger(name).setLevel(least)


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Write to the current sys.stderr, or pass each line to `on_line` while that is set.

    Lines are written as they are, since those on a terminal have colours; both renderers escape texts from outside.
    """

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.on_line: Callable[[str], None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        if self.on_line is None:
            super().emit(record)
            return
        try:
            self.on_line(self.format(record))
        except OSError:
            self.handleError(record)

    @property
    def stream(self) -> TextIO:
        return raw_stream(sys.stderr)

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        raise AttributeError("the stream is always sys.stderr")


def _is_named(record: logging.LogRecord) -> bool:
    # only libraries log to the root logger; Beam does so when imported without [gcp]: "apitools not found"
    return record.name != "root" or record.levelno >= logging.ERROR


def _order_keys(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    first = {key: event[key] for key in FIRST_KEYS if key in event}
    return first | {key: value for key, value in event.items() if key not in first}


def _dump(event: Any, **_: Any) -> str:
    return json_text(event, separators=(",", ":"))

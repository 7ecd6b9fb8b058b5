"""Logs: events with fields, JSON lines on stderr for machines, readable lines for a person.

    {"timestamp":"2026-03-01T09:30:00.123456Z","level":"info","event":"batch","links":64,"logger":"pipeline.jobs.work"}

`configure_logs` comes before the heavy imports of a command, since libraries talk while they are imported. What
libraries log goes the same way as our own events, from WARNING on.
"""

from __future__ import annotations

import json as json_module
import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

OURS = ("pipeline", "transforms", "__main__")
# Libraries whose warnings say nothing that somebody could act on.
QUIETER: Mapping[str, int] = {
    # remarks on options and file systems that nothing here uses
    "apache_beam": logging.ERROR,
    # remarks on single pages: what becomes of each page stands in the tables
    "trafilatura": logging.CRITICAL,
    "htmldate": logging.CRITICAL,
    "courlan": logging.CRITICAL,
}
FIRST_KEYS = ("timestamp", "level", "event")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logs(json: bool, level: str = "info") -> None:
    """Send events of at least `level` to stderr, as JSON lines or readable ones; may be called again.

    Raises KeyError for a level that is not debug, info, warning or error.
    """
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
        last = [structlog.processors.format_exc_info, _order_keys, structlog.processors.JSONRenderer(_dump)]
    else:
        last = [_shorten, _console_renderer(colors=sys.stderr.isatty())]
    handler = _StderrHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
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


def configure_worker_logs() -> None:
    """Send events, as JSON lines, where the worker of a Beam runner sends what is logged; not to its standard output.

    Does nothing in a process whose logs are configured already. Some runners give a worker an output that nobody reads:
    after 64 KB it would stand still.
    """
    if structlog.is_configured():
        return
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


def readable_line(line: str, level: str = "debug") -> str | None:
    """Turn one JSON line of ours into a readable one; None if it is below `level`. Other lines stay as they are."""
    if not line.startswith("{"):
        return line
    try:
        event = json_module.loads(line)
    except ValueError:
        return line
    if not isinstance(event, dict) or "event" not in event:
        return line
    if LEVELS.get(event.get("level", ""), logging.CRITICAL) < LEVELS[level]:
        return None
    return str(_console_renderer(colors=False)(None, "", _shorten(None, "", event)))


def _console_renderer(colors: bool) -> structlog.dev.ConsoleRenderer:
    # the pretty traceback shows local variables, passwords of database URLs among them
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(
        colors=colors, pad_event_to=0, pad_level=False, sort_keys=False, exception_formatter=plain
    )


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Write to what sys.stderr is at that moment: the live display takes its place for a while."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        raise AttributeError("the stream is always sys.stderr")


def _is_named(record: logging.LogRecord) -> bool:
    # Only libraries log on the root logger itself; Beam does, while it is imported: "apitools not found" without [gcp].
    return record.name != "root" or record.levelno >= logging.ERROR


def _order_keys(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    first = {key: event[key] for key in FIRST_KEYS if key in event}
    return first | {key: value for key, value in event.items() if key not in first}


def _shorten(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For a person: the time of day here, no logger, and no fields without a value."""
    event.pop("logger", None)
    for name in [name for name, value in event.items() if value is None]:
        del event[name]
    try:
        at = datetime.fromisoformat(event["timestamp"])
    except (KeyError, TypeError, ValueError):
        return event
    event["timestamp"] = f"{at.replace(tzinfo=at.tzinfo or UTC).astimezone():%H:%M:%S}"
    return event


def _dump(event: Any, **_: Any) -> str:
    return json_module.dumps(event, ensure_ascii=False, default=str, separators=(",", ":"))

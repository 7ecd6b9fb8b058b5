"""Text for a terminal: readable log lines, and text from outside without control characters."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# C0 without tab and newline, DEL, C1, bidirectional controls (https://trojansource.codes), and lone surrogates, which
# cannot be encoded
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Show control characters as escapes such as \x1b, so that a terminal does not interpret them.

    Tabs and newlines stay. Escape sequences can change the window's title or overwrite earlier output; bidirectional
    overrides can disguise a text as a different one.
    """
    return UNSAFE.sub(lambda found: _escape(found[0]), text)


def one_line(text: str) -> str:
    """Return a text as `printable` does, with each run of white space reduced to one space."""
    return " ".join(printable(text).split())


def readable_line(line: str, level: str = "debug") -> str | None:
    """Turn one JSON log line into a readable one; None if it is below `level`.

    Other lines, such as those of a traceback, stay as they are except for control characters.
    """
    if not line.startswith("{"):
        return printable(line)
    try:
        event = json.loads(line)
    except ValueError:
        return printable(line)
    if not isinstance(event, dict) or "event" not in event:
        return printable(line)
    if LEVELS.get(event.get("level", ""), logging.CRITICAL) < LEVELS[level]:
        return None
    return str(console_renderer(colors=False)(None, "", shorten(None, "", event)))


def console_renderer(colors: bool) -> structlog.dev.ConsoleRenderer:
    """Return a renderer for people, with plain tracebacks.

    Pretty tracebacks show local variables, including database URLs with their passwords.
    """
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(
        colors=colors, pad_event_to=0, pad_level=False, sort_keys=False, exception_formatter=plain
    )


def shorten(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Prepare an event for people: local time of day, no logger, no empty fields, no control characters."""
    event.pop("logger", None)
    for name, value in list(event.items()):
        if value is None:
            del event[name]
        elif isinstance(value, str):
            event[name] = printable(value)
    try:
        at = datetime.fromisoformat(event["timestamp"])
    except (KeyError, TypeError, ValueError):
        return event
    event["timestamp"] = f"{at.replace(tzinfo=at.tzinfo or UTC).astimezone():%H:%M:%S}"
    return event


def _escape(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if ord(letter) < 0x100 else f"\\u{ord(letter):04x}"

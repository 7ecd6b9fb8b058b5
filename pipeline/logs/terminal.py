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
TRACES = ("exception", "stack")
# What a terminal acts on, or does not show:
UNSAFE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u202a-\u202e\u2066-\u2069"  # bidirectional controls (https://trojansource.codes)
    "\u2028\u2029"  # separators at which some programs begin a new line
    # letters without width that no script needs; joiners and direction marks stay, as Persian and Hebrew need them
    "\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f"
    "\ud800-\udfff"  # lone surrogates, which cannot be encoded
    "]"
)


def printable(text: str) -> str:
    r"""Show control characters as escapes such as \x1b, so that a terminal does not interpret them.

    Tabs and newlines stay. Escape sequences can change the window's title or overwrite earlier output; bidirectional
    overrides and letters without width can disguise a text as a different one.
    """
    return UNSAFE.sub(lambda found: _escape(found[0]), text)


def one_line(text: str) -> str:
    """Return a text as `printable` does, with each run of white space reduced to one space."""
    return " ".join(printable(text).split())


def json_text(value: object, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """Return a value as JSON, with times in ISO 8601 and other objects as text.

    What `printable` escapes is escaped here as JSON does it, so that the same text is read back.
    """
    text = json.dumps(value, indent=indent, separators=separators, default=_plain, ensure_ascii=False)
    return UNSAFE.sub(lambda found: _json_escape(found[0]), text)


def readable_line(line: str, level: str = "debug") -> str | None:
    """Turn one JSON log line into a readable one; None if it is below `level`.

    Other lines, such as those of a traceback, stay as they are except for control characters.
    """
    if not line.startswith("{"):
        return printable(line)
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return printable(line)
    if not isinstance(event, dict) or "event" not in event:
        return printable(line)
    if LEVELS.get(str(event.get("level", "")), logging.CRITICAL) < LEVELS[level]:
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
    """Prepare an event for people: local time of day, no logger, no empty fields, no control characters.

    Only tracebacks keep their line breaks, so that no value can pass for a line of its own.
    """
    event.pop("logger", None)
    for name, value in list(event.items()):
        if value is None:
            del event[name]
        elif not isinstance(value, bool | int | float):
            event[name] = printable(str(value)) if name in TRACES else one_line(str(value))
    try:
        at = datetime.fromisoformat(event["timestamp"])
        event["timestamp"] = f"{at.replace(tzinfo=at.tzinfo or UTC).astimezone():%H:%M:%S}"
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    return event


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(letter: str) -> str:
    code = ord(letter)
    if code < 0x10000:
        return f"\\u{code:04x}"
    # https://www.rfc-editor.org/rfc/rfc8259#section-7: two surrogates
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)

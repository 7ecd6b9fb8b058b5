"""Logs as an operator sees them; each case runs in its own process, since logging is configured once per process."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.logs import readable_line

SET_UP = "import logging, warnings, structlog\nfrom pipeline.logs import configure_logs\n"


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code after configuring logs; warnings behave as in a user's shell."""
    return subprocess.run([sys.executable, "-c", SET_UP + code], capture_output=True, text=True, timeout=60, check=True)


def test_events_are_json_lines_with_time_level_and_fields() -> None:
    before = datetime.now(UTC)
    done = run_python("configure_logs(json=True)\nstructlog.get_logger().info('fetched', url='http://a/ä', status=200)")
    (line,) = done.stderr.splitlines()
    event = json.loads(line)
    assert list(event)[:3] == ["timestamp", "level", "event"]
    at = datetime.fromisoformat(event.pop("timestamp"))
    assert at.utcoffset() == timedelta(0)
    assert before <= at <= datetime.now(UTC)
    assert event == {"level": "info", "event": "fetched", "url": "http://a/ä", "status": 200, "logger": "__main__"}
    assert done.stdout == ""


def test_an_exception_stays_on_its_line() -> None:
    code = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    structlog.get_logger().exception('batch failed', links=3)"
    (line,) = run_python(f"configure_logs(json=True)\n{code}").stderr.splitlines()
    event = json.loads(line)
    assert event["event"] == "batch failed"
    assert event["exception"].endswith("ZeroDivisionError: division by zero")


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    code = "import datetime\nstructlog.get_logger().info('due', at=datetime.date(2026, 3, 1), what={1})"
    event = json.loads(run_python(f"configure_logs(json=True)\n{code}").stderr)
    assert (event["at"], event["what"]) == ("2026-03-01", "{1}")


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_applies_to_our_own_events(level: str, shown: int) -> None:
    code = "\n".join(
        f"structlog.get_logger('pipeline.x').{name}('e')" for name in ("debug", "info", "warning", "error")
    )
    assert len(run_python(f"configure_logs(json=True, level={level!r})\n{code}").stderr.splitlines()) == shown


def test_libraries_log_from_level_warning() -> None:
    code = (
        "logging.getLogger('httpx').info('HTTP Request: GET')\n"
        "logging.getLogger('alembic').warning('%s is old', 'schema')\n"
        "logging.getLogger('trafilatura.core').error('discarding data')\n"
        "warnings.warn('model is old')\n"
    )
    lines = run_python(f"configure_logs(json=True, level='debug')\n{code}").stderr.splitlines()
    events = [json.loads(line) for line in lines]
    assert [(event["level"], event["logger"]) for event in events] == [
        ("warning", "alembic"),
        ("warning", "py.warnings"),
    ]
    assert events[0]["event"] == "schema is old"


def test_importing_beam_logs_nothing() -> None:
    done = run_python(
        "configure_logs(json=True)\nfrom apache_beam.runners.portability.fn_api_runner import FnApiRunner"
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_setting_up_twice_does_not_double_the_lines() -> None:
    code = "configure_logs(json=True)\nconfigure_logs(json=True)\nstructlog.get_logger().info('once')"
    assert len(run_python(code).stderr.splitlines()) == 1


def test_lines_for_people_have_no_traceback_with_variables() -> None:
    code = "password = 'sesame'\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    structlog.get_logger().exception('no')"
    text = run_python(f"configure_logs(json=False)\n{code}").stderr
    assert re.match(r"\d\d:\d\d:\d\d \[error\] no", text)
    assert "ZeroDivisionError" in text
    assert "sesame" not in text


def test_readable_line_keeps_other_lines_and_drops_events_below_the_level() -> None:
    line = '{"timestamp":"2026-03-01T09:30:00.5Z","level":"info","event":"batch","links":64,"error":null,"logger":"x"}'
    shown = readable_line(line)
    assert shown is not None
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info\] batch links=64", shown)
    assert readable_line(line, "warning") is None
    for other in ("Traceback (most recent call last):", "{broken", '{"a": 1}', "[]", ""):
        assert readable_line(other, "error") == other
    assert readable_line('{"event":"no level"}', "error") is not None

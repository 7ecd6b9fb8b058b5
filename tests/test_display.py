"""The live display: its layout, how often it draws, and that log lines stay whole next to it."""

import io
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from pipeline.cli.display import REFRESH_AFTER, Display, render
from pipeline.ledger.reports import Progress

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
EMPTY = Progress(0, 0, 0, 0, 0, 0, {}, {}, ())
BUSY = Progress(
    feeds=12,
    feeds_failing=1,
    waiting=1034,
    leased=8,
    articles=1204,
    articles_last_minute=71,
    rejected={"robots": 3, "http 404": 12},
    failed={"timeout": 2},
    newest=(("news.example", "Storm [bold]tears[/bold] wall"), ("other.example", "")),
)


def shown(progress: Progress, width: int = 100) -> str:
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(render(progress))
    return console.export_text()


def test_every_figure_is_shown() -> None:
    text = shown(BUSY)
    for part in (
        "12 feeds (1 failing)",
        "1,034 waiting",
        "8 in progress",
        "1,204 articles (71 in the last minute)",
        "15 rejected: http 404 12, robots 3",
        "2 failed: timeout 2",
        "news.example   Storm [bold]tears[/bold] wall",
        "other.example  (no title)",
    ):
        assert part in text


def test_empty_sections_are_not_shown() -> None:
    assert re.split(r"  +", shown(EMPTY).strip()) == [
        "0 feeds",
        "0 waiting",
        "0 in progress",
        "0 articles (0 in the last minute)",
    ]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_lines_fit_a_narrow_terminal(width: int) -> None:
    assert max(map(len, shown(BUSY, width).splitlines())) <= width


def test_it_draws_at_most_twice_a_second_and_the_last_figures_at_the_end() -> None:
    out = io.StringIO()
    with Display(Console(file=out, force_terminal=True, width=100)) as display:
        for number in range(100):
            display.update(Progress(number, 0, 0, 0, 0, 0, {}, {}, ()), NOW + number * timedelta(milliseconds=20))
        drawn = re.findall(r"(\d+)\x1b\[0m feeds", out.getvalue())
        # 20 ms apart, so every 25th comes REFRESH_AFTER the last one drawn
        assert timedelta(milliseconds=20) * 25 == REFRESH_AFTER
        assert drawn == ["0", "25", "50", "75"]
    assert re.findall(r"(\d+)\x1b\[0m feeds", out.getvalue())[-1] == "99"


def test_without_a_terminal_only_the_last_figures_are_written() -> None:
    out = io.StringIO()
    with Display(Console(file=out, width=100)) as display:
        display.update(EMPTY, NOW)
        display.update(BUSY, NOW + timedelta(seconds=9))
    assert out.getvalue().count("feeds") == 1
    assert "12 feeds" in out.getvalue()


WITH_WORKER = """
import datetime, subprocess, sys
from pipeline.cli.display import Display
from pipeline.logs import configure_logs
from pipeline.ledger.reports import Progress

NOW = datetime.datetime.now(datetime.UTC)
configure_logs(json=True)
import structlog
log = structlog.get_logger()
with Display() as display:
    display.update(Progress(3, 0, 0, 0, 0, 0, {}, {}, ()), NOW)
    log.info("too small to show")
    log.warning("own line", feed="a")
    child = "import sys; sys.stderr.write('from a worker\\\\n' + 'Traceback: tail')"
    subprocess.run([sys.executable, "-c", child])
    display.update(Progress(4, 0, 0, 0, 0, 0, {}, {}, ()), NOW + datetime.timedelta(seconds=1))
print("after", file=sys.stderr)
"""


def test_log_lines_of_all_processes_stay_whole_above_the_display() -> None:
    parent, child = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", WITH_WORKER], stderr=child, stdout=child, stdin=child)
    os.close(child)
    text = b""
    try:
        while chunk := os.read(parent, 65536):
            text += chunk
    except OSError:  # Linux raises this if the other end of a terminal is closed
        pass
    finally:
        os.close(parent)
    assert process.wait(60) == 0
    plain = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"\n", text).decode()
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    assert [line for line in lines if "own line" in line] == [
        next(line for line in lines if re.fullmatch(r"\d\d:\d\d:\d\d \[warning\] own line feed=a", line))
    ]
    assert "from a worker" in lines
    assert "Traceback: tail" in lines
    assert lines[-1] == "after"
    assert "too small" not in plain
    # the display is drawn once more below all log lines, with the last figures
    last = max(number for number, line in enumerate(lines) if line == "feeds")
    assert lines[last - 1] == "4"
    assert last > lines.index("Traceback: tail")

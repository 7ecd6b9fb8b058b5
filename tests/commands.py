"""Run `newsbeam` as users do: as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.tables.database import create_engine, reading

NEWSBEAM = [sys.executable, "-m", "pipeline.cli"]
RUN_TIMEOUT_S = 420.0


def clean_environment() -> dict[str, str]:
    """Return the environment without newsbeam's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NEWSBEAM_")}


def newsbeam(
    *arguments: str, cwd: Path | None = None, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; `environment` is added to the current one."""
    return subprocess.run(
        [*NEWSBEAM, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        cwd=cwd,
        env=clean_environment() | dict(environment or {}),
    )


def start(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a command in its own process group, so that all of it can be killed at once."""
    return subprocess.Popen(
        [*NEWSBEAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=clean_environment() | dict(environment or {}),
    )


def rows_of(db: str, query: sa.Select[Any]) -> list[sa.RowMapping]:
    """Read rows of a database that the commands wrote."""
    engine = create_engine(db)
    try:
        with reading(engine) as connection:
            return list(connection.execute(query).mappings())
    finally:
        engine.dispose()


def log_lines(text: str) -> list[dict[str, Any]]:
    """Return the JSON log lines of a command's stderr; fails if a line is not JSON."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def wait_for(process: subprocess.Popen[str], db: str, count: sa.Select[Any], more_than: int = 0) -> None:
    """Wait until a count in the database that a command writes is above this, or until the command has ended."""
    path = Path(db.removeprefix("sqlite:///"))
    while process.poll() is None:
        # the command makes the file, and then its tables
        with suppress(sa.exc.OperationalError):
            if path.exists() and next(iter(rows_of(db, count)[0].values())) > more_than:
                return
        time.sleep(0.05)

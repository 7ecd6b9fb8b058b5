"""Run `newsbeam` in a process that is forked from one which has imported it.

Such a process has its own streams, folder, environment and end, as one that a user starts, but costs a tenth: half a
second of CPU goes into imports. What a test says about starting, imports or signals wants commands.py instead.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile

from commands import RUN_TIMEOUT_S, clean_environment

# what commands import when they are called
IMPORTED = (
    *("alembic.command", "alembic.config", "rich.console", "sqlite3"),
    *("pipeline.cli.ask", "pipeline.cli.explain", "pipeline.cli.extract", "pipeline.cli.extraction"),
    *("pipeline.cli.ingest", "pipeline.jobs.run", "pipeline.ledger", "pipeline.ledger.reports"),
    *("pipeline.sources.addresses", "pipeline.tables.database"),
)
# threads would not survive a fork
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Template:
    """The process to fork from; it ends with this one, which holds the other end of its socket."""

    def __init__(self) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(RUN_TIMEOUT_S)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=clean_environment() | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )

    def close(self) -> None:
        """End the process."""
        self.control.close()
        self.process.wait()


@cache
def template() -> Template:
    """Return this process's template, started with its first use."""
    started = Template()
    atexit.register(started.close)
    return started


def newsbeam(
    *arguments: str, cwd: Path | None = None, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, as `commands.newsbeam` does."""
    order = {
        "arguments": arguments,
        "cwd": str(cwd or Path.cwd()),
        "environment": clean_environment() | dict(environment or {}),
    }
    control = template().control
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        socket.send_fds(control, [json.dumps(order).encode()], [file.fileno() for file in (given, out, err)])
        code = int(control.recv(100))
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(["newsbeam", *arguments], code, out.read().decode(), err.read().decode())


def serve(control: socket.socket) -> None:
    """Fork for each order, and answer with the exit code; returns only in a child, and at the end."""
    while True:
        message, files, _, _ = socket.recv_fds(control, 1_000_000, 3)
        if not message:
            return
        child = os.fork()
        if not child:
            control.close()
            become(json.loads(message), files)
            return
        for file in files:
            os.close(file)
        control.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def become(order: dict[str, object], files: list[int]) -> None:
    """Run the command in this process, to the end of what `python -m pipeline.cli` would run."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(str(order["cwd"]))
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    sys.argv[1:] = order["arguments"]  # type: ignore[call-overload]
    runpy.run_module("pipeline.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    assert len(os.listdir("/proc/self/task")) == 1, "a forked process would lack the other threads"
    # a child that looked through all objects for garbage at its end would copy them all
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))

"""Work in a guarded process: what it takes is limited, and whatever happens to it, the next work is done."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from guarded_work import fail_to_prepare, work

from transforms.errors import HttpUnavailable, TooComplex, UserError, WorkBug, WorkCrashed
from transforms.guard import Guard, Limits

LIMITS = Limits(cpu_s=0.3, wall_s=20, memory_bytes=100_000_000)


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard[str, object]]:
    guard = Guard(work, LIMITS)
    yield guard
    guard.close()


def test_results_come_back(guard: Guard[str, object]) -> None:
    assert guard("hello") == "HELLO"
    assert guard("pid") == guard("pid") != os.getpid()
    assert len(cast(str, guard("large result"))) == 20_000_000


def test_errors_come_back_with_what_they_know(guard: Guard[str, object]) -> None:
    with pytest.raises(HttpUnavailable) as caught:
        guard("unavailable")
    assert caught.value.status == 503 and caught.value.retry_after == 7


def test_a_bug_comes_back_with_its_traceback(guard: Guard[str, object]) -> None:
    with pytest.raises(WorkBug) as caught:
        guard("bug")
    assert caught.value.name == "KeyError" and "guarded_work.py" in caught.value.trace


@pytest.mark.parametrize(
    ("order", "error", "message"),
    [
        ("spin in C", TooComplex, "more than 0.3 s of CPU"),
        ("allocate", TooComplex, "more than 100 MB of memory"),
        ("crash", WorkCrashed, "SIGSEGV"),
    ],
)
def test_the_next_work_is_done(order: str, error: type[Exception], message: str, guard: Guard[str, object]) -> None:
    start = time.monotonic()
    with pytest.raises(error, match=message):
        guard(order)
    assert guard("hello") == "HELLO"
    # no limit of time has ended it
    assert time.monotonic() - start < LIMITS.wall_s


def test_work_that_only_waits_is_ended_too() -> None:
    guard = Guard(work, Limits(wall_s=0.5))
    with pytest.raises(TooComplex, match=r"more than 0\.5 s"):
        guard("sleep")
    assert guard("hello") == "HELLO"
    guard.close()


def test_the_limit_can_be_set_for_one_call_and_what_it_took_is_told(guard: Guard[str, object]) -> None:
    spent: list[float] = []
    with pytest.raises(TooComplex, match=r"more than 0\.1 s"):
        guard("spin in C", 0.1, spent.append)
    guard("hello", 0.1, spent.append)
    assert 0.05 < spent[0] <= 0.1 and spent[1] < 0.05


def test_a_killed_process_is_replaced(guard: Guard[str, object]) -> None:
    os.kill(cast(int, guard("pid")), signal.SIGKILL)
    with pytest.raises(WorkCrashed, match="SIGKILL"):
        guard("hello")
    assert guard("hello") == "HELLO"


def test_the_process_to_fork_from_is_replaced_too(guard: Guard[str, object]) -> None:
    child, template = cast(int, guard("pid")), cast(int, guard("template"))
    for process in (template, child):
        os.kill(process, signal.SIGKILL)
    with pytest.raises(WorkCrashed):
        guard("hello")
    assert guard("hello") == "HELLO" and guard("template") != template


def test_a_default_timeout_of_sockets_does_not_matter() -> None:
    """Beam sets one for Google's services."""
    socket.setdefaulttimeout(60)
    try:
        guard = Guard(work, LIMITS)
        assert guard("hello") == "HELLO"
        time.sleep(0.2)  # the process waits for its next work
        pid = guard("pid")
        assert guard("pid") == pid
    finally:
        socket.setdefaulttimeout(None)
    guard.close()


def test_what_is_loaded_for_later_pages_does_not_count() -> None:
    guard = Guard(work, LIMITS)
    first = guard("load")  # more than the limits of memory and of CPU
    assert guard("pid") == first, "and does not make the process worn"
    guard.close()


def test_a_process_whose_memory_has_grown_is_replaced() -> None:
    guard = Guard(work, LIMITS)
    first = guard("grow")
    assert guard("pid") != first and guard("hello") == "HELLO"
    guard.close()


def test_what_cannot_be_prepared_is_said_in_the_callers_process() -> None:
    guard = Guard(work, LIMITS, fail_to_prepare)
    for _ in range(2):
        with pytest.raises(UserError, match="model 'x' is not installed"):
            guard("hello")


def test_no_process_is_left_when_the_caller_is_killed(tmp_path: Path) -> None:
    script = "from guarded_work import work; from transforms.guard import Guard; import os, sys\n"
    script += "guard = Guard(work); print(guard('pid'), guard('template'), flush=True); sys.stdin.read()"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    caller = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    )
    assert caller.stdout is not None and caller.stdin is not None
    processes = [int(text) for text in caller.stdout.readline().split()]
    caller.kill()
    caller.wait()
    caller.stdout.close()
    caller.stdin.close()
    deadline = time.monotonic() + 10
    while any(map(_is_running, processes)):
        assert time.monotonic() < deadline, "left behind"
        time.sleep(0.05)


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

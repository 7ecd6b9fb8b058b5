"""The limits of one piece of work, set in the child and enforced by the kernel."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of work may take.

    `cpu_s` is CPU time; `wall_s` bounds work that waits for something instead of computing, so it is much larger.
    `memory_bytes` counts what is allocated beyond what the child had when it was forked.
    """

    cpu_s: float = 5.0
    wall_s: float = 120.0
    memory_bytes: int = 500_000_000


class _Accounts:
    """What this process may allocate for one piece of work, and what it has loaded that does not count."""

    memory_bytes = 0
    uncounted_bytes = 0


def limit_memory(memory_bytes: int) -> None:
    """Let this process allocate this much more; allocations past it fail. Does nothing where /proc is missing.

    RLIMIT_DATA counts private writable memory, mapped or from the heap (Linux 4.7 and later, setrlimit(2)).
    """
    _Accounts.memory_bytes = memory_bytes
    used = _read_status("VmData")
    if used is not None:
        _set_limit(used + memory_bytes)


def start_clock(cpu_s: float) -> None:
    """Let the kernel kill this process with SIGPROF after `cpu_s` seconds of CPU; 0 stops the clock."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)


@contextmanager
def uncounted() -> Iterator[None]:
    """Do not count time and memory of what happens in this context, such as loading a model, as work on a page.

    Does nothing in a process that is not guarded.
    """
    if not _Accounts.memory_bytes:
        yield
        return
    left, _ = signal.setitimer(signal.ITIMER_PROF, 0)
    _set_limit(resource.RLIM_INFINITY)
    before = peak_bytes()
    try:
        yield
    finally:
        _Accounts.uncounted_bytes += peak_bytes() - before
        limit_memory(_Accounts.memory_bytes)
        signal.setitimer(signal.ITIMER_PROF, left)


def counted_peak_bytes() -> int:
    """Return the largest resident memory of this process so far, without what did not count."""
    return peak_bytes() - _Accounts.uncounted_bytes


def peak_bytes() -> int:
    """Return the largest resident memory of this process so far."""
    # in kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _set_limit(limit: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most != resource.RLIM_INFINITY and (limit == resource.RLIM_INFINITY or limit > most):
        limit = most
    resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


def _read_status(name: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(f"{name}:")), None)
    return int(found.split()[1]) * 1024 if found else None

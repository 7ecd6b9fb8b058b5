"""Work for the guard's tests, in a module of its own so that the guarded process can import it."""

from __future__ import annotations

import ctypes
import os
import re
import time

from transforms.errors import HttpUnavailable
from transforms.guard.limits import uncounted

LOADED: list[bytes] = []


def work(order: str) -> object:
    """Do what a stranger's page might make a parser do."""
    match order:
        case "pid":
            return os.getpid()
        case "template":
            return os.getppid()
        case "spin in C":
            return re.match(r"(a+)+$", "a" * 64 + "b")
        case "allocate":
            return [bytearray(10_000_000) for _ in range(100_000)]
        case "large result":
            return "x" * 20_000_000
        case "crash":
            return ctypes.string_at(0)
        case "sleep":
            return time.sleep(60)
        case "unavailable":
            raise HttpUnavailable(503, "https://a.example/", retry_after=7)
        case "bug":
            return {}["missing"]
        case "load":
            with uncounted():
                LOADED.append(b"m" * 120_000_000)
                spin(0.5)
            return os.getpid()
        case "grow":
            LOADED.append(b"m" * 60_000_000)
            return os.getpid()
    return order.upper()


def spin(cpu_s: float) -> None:
    """Use this much CPU."""
    start = time.process_time()
    while time.process_time() - start < cpu_s:
        pass


def fail_to_prepare() -> None:
    """Fail as a model that is not installed does."""
    from transforms.errors import UserError

    raise UserError("model 'x' is not installed")

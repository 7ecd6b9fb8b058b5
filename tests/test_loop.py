"""The loop that poller, worker and publisher share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from pipeline.loop import Loop

LONG_S = 60.0


def scripted(loop: Loop, *results: bool | Exception) -> Callable[[], bool]:
    """Return a function that returns these results in turn and then stops the loop."""
    left = list(results)

    def work() -> bool:
        if not left:
            loop.stop()
            return False
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    return work


def test_it_rests_only_when_idle() -> None:
    loop = Loop("failed", idle_s=0.05, trouble_s=LONG_S)
    start = time.monotonic()
    loop.run(scripted(loop, True, True, True, False, False))
    assert 0.1 <= time.monotonic() - start < LONG_S


def test_an_error_is_logged_and_the_work_is_retried_after_a_wait() -> None:
    loop = Loop("batch failed", idle_s=LONG_S, trouble_s=0.05)
    start = time.monotonic()
    with capture_logs() as logs:
        loop.run(scripted(loop, ValueError("no such row"), True))
    assert time.monotonic() - start >= 0.05
    assert [(line["event"], line["log_level"]) for line in logs] == [("batch failed", "error")]


def test_it_ends_when_there_is_nothing_to_do_and_no_more_to_come() -> None:
    loop = Loop("failed", idle_s=0, trouble_s=LONG_S)
    asked: list[int] = []

    def is_done() -> bool:
        asked.append(1)
        return len(asked) == 2

    loop.run(scripted(loop, True, False, True, False), is_done)
    assert len(asked) == 2 and not loop.stopping


def test_an_error_of_is_done_is_retried_too() -> None:
    loop = Loop("failed", idle_s=LONG_S, trouble_s=0)
    answers = iter([ValueError("the database is away"), True])

    def is_done() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with capture_logs() as logs:
        loop.run(lambda: False, is_done)
    assert len(logs) == 1


def test_a_fatal_error_is_raised() -> None:
    loop = Loop("failed", trouble_s=LONG_S)
    with pytest.raises(KeyError):
        loop.run(scripted(loop, KeyError("no topic")), fatal=(KeyError,))


def test_stop_wakes_all_resting_threads() -> None:
    loop = Loop("failed", idle_s=LONG_S)
    threads = [threading.Thread(target=loop.run, args=(lambda: False,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    loop.stop()
    for thread in threads:
        thread.join(LONG_S / 2)
    assert not any(thread.is_alive() for thread in threads)
    loop.run(lambda: pytest.fail("a stopped loop does no more work"))

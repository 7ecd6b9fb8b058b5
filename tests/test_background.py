import asyncio
from collections import deque

import pytest

from transforms.fetch.background import Background
from transforms.fetch.room import Permit, Room


async def nothing() -> None:
    return None


def test_an_unexpected_error_ends_the_stream_and_is_raised() -> None:
    async def work(job: int, permit: Permit) -> int:
        if job == 3:
            raise ZeroDivisionError("a bug")
        await permit.acquire()
        return job

    background = Background("test", nothing)
    try:
        stream = background.stream([deque(range(10))], 1, Room(1), 100, work)
        with pytest.raises(ZeroDivisionError):
            list(stream)
    finally:
        background.close(5)


def test_results_wait_for_room() -> None:
    done = []

    async def work(job: int, permit: Permit) -> int:
        await permit.acquire()
        done.append(job)
        return job

    background = Background("test", nothing)
    try:
        stream = background.stream([deque(range(100))], 4, Room(1), 5, work)
        first = next(stream)
        # after many iterations of the event loop, everything that can run has run
        background.call(many_turns())
        assert len(done) <= 5 + 1
        assert sorted([first, *stream]) == list(range(100))
    finally:
        background.close(5)


def test_closing_a_stream_cancels_its_running_jobs() -> None:
    ended = []

    async def work(job: int, permit: Permit) -> int:
        try:
            if job:
                await asyncio.Event().wait()
        finally:
            ended.append(job)
        return job

    background = Background("test", nothing)
    try:
        stream = background.stream([deque(range(4))], 4, Room(1), 5, work)
        assert next(stream) == 0
        assert ended == [0]
        stream.close()
        background.call(many_turns())
        assert sorted(ended) == [0, 1, 2, 3]
    finally:
        background.close(5)


async def many_turns() -> None:
    for _ in range(1_000):
        await asyncio.sleep(0)


def test_running_tasks_are_cancelled_before_at_end() -> None:
    order = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            order.append("cancelled")

    async def end() -> None:
        order.append("ended")

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        return task

    background = Background("test", end)
    task = background.call(start())
    background.close(5)
    assert order == ["cancelled", "ended"]
    assert task.cancelled()
    assert background.is_closed
    background.close(5)

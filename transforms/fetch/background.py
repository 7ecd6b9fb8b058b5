"""Run an event loop in its own thread and hand its results to the thread that computes."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from typing import Any, Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

Job = TypeVar("Job")
Result = TypeVar("Result")

_CHECK_S = 5.0


class Permit:
    """Room for one result between the event loop and its consumer."""

    def __init__(self, room: asyncio.Semaphore) -> None:
        self._room = room
        self._held = False

    @property
    def is_held(self) -> bool:
        return self._held

    async def acquire(self) -> None:
        """Wait for room; does nothing if it is held already."""
        if not self._held:
            await self._room.acquire()
            self._held = True

    def release(self) -> None:
        """Give the room back; does nothing if it is not held."""
        if self._held:
            self._held = False
            self._room.release()


class Background:
    """An event loop that runs until `close`; the caller's thread receives the results of its coroutines."""

    def __init__(self, name: str, at_end: Callable[[], Awaitable[None]]) -> None:
        """Start the loop; on `close` it awaits `at_end` after cancelling all other tasks."""
        self._loop = asyncio.new_event_loop()
        self._at_end = at_end
        # the loop itself holds only weak references to its tasks
        self._started: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(self._end(tasks))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _end(self, tasks: set[asyncio.Task[Any]]) -> None:
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._at_end()

    @property
    def is_closed(self) -> bool:
        return not self._thread.is_alive()

    def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run one coroutine in the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run one coroutine in the loop without waiting for it; an exception that it raises is logged.

        Raises RuntimeError if the loop is closed.
        """
        self._loop.call_soon_threadsafe(self._start, work)

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = self._loop.create_task(work())
        self._started.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._started.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("work in the background failed", exc_info=task.exception())

    def close(self, timeout_s: float) -> None:
        """Cancel all tasks and end the thread, waiting at most `timeout_s` seconds."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout_s)

    def stream(
        self, lanes: Iterable[deque[Job]], width: int, room: int, work: Callable[[Job, Permit], Awaitable[Result]]
    ) -> Generator[Result, None, None]:
        """Run the jobs of every lane, up to `width` of one lane at once, and yield results in order of completion.

        A job that has acquired its permit holds one of `room` places until its result is taken, so a slow consumer
        slows the work down instead of filling memory. Closing the iterator cancels the remaining jobs. An exception
        raised by `work` is a bug: it ends the stream and is raised here.
        """
        return _Stream(self._loop, self._thread, lanes, width, room, work).read()


class _Stream(Generic[Job, Result]):
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        thread: threading.Thread,
        lanes: Iterable[deque[Job]],
        width: int,
        room: int,
        work: Callable[[Job, Permit], Awaitable[Result]],
    ) -> None:
        self._loop = loop
        self._thread = thread
        self._lanes = list(lanes)
        self._width = width
        self._room = asyncio.Semaphore(room)
        self._work = work
        self._ready: queue.SimpleQueue[tuple[Result, Permit] | BaseException] = queue.SimpleQueue()

    def read(self) -> Generator[Result, None, None]:
        left = sum(map(len, self._lanes))
        running = asyncio.run_coroutine_threadsafe(self._run_lanes(), self._loop)
        try:
            for _ in range(left):
                item = self._take()
                if isinstance(item, BaseException):
                    raise item
                result, permit = item
                self._loop.call_soon_threadsafe(permit.release)
                yield result
        finally:
            if not running.done():
                running.cancel()

    def _take(self) -> tuple[Result, Permit] | BaseException:
        while True:
            try:
                return self._ready.get(timeout=_CHECK_S)
            except queue.Empty:
                if not self._thread.is_alive():
                    raise RuntimeError("the fetcher was closed while its results were being read") from None

    async def _run_lanes(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    for _ in range(min(self._width, len(lane))):
                        group.create_task(self._run_lane(lane))
        except ExceptionGroup as exc:
            self._ready.put(exc.exceptions[0])
        except asyncio.CancelledError:
            self._ready.put(RuntimeError("the fetcher was closed while its results were being read"))
            raise

    async def _run_lane(self, lane: deque[Job]) -> None:
        while lane:
            permit = Permit(self._room)
            result = await self._work(lane.popleft(), permit)
            self._ready.put((result, permit))

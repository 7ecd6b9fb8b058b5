"""Run an event loop in its own thread and hand its results to the thread that computes."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import structlog

from transforms.fetch.room import Permit, Room, Share

log = structlog.get_logger(__name__)

Job = TypeVar("Job")
Result = TypeVar("Result")

_CHECK_S = 5.0
# how many results a consumer takes before it gives their room back, unless it has to wait earlier
_RELEASED_AT_ONCE = 8


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
        self,
        lanes: Iterable[deque[Job]],
        width: int,
        room: Room,
        places: int,
        work: Callable[[Job, Permit], Awaitable[Result]],
    ) -> Generator[Result, None, None]:
        """Run the jobs of every lane, up to `width` of one lane at once, and yield results in order of completion.

        A job that has acquired its permit holds one of `places` places, and the bytes of its body in `room`, until its
        result is taken, so a slow consumer slows the work down instead of filling memory. Closing the iterator cancels
        the remaining jobs. An exception raised by `work` is a bug: it ends the stream and is raised here.
        """
        return _Stream(self._loop, self._thread, lanes, width, room, places, work).read()


class _Stream(Generic[Job, Result]):
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        thread: threading.Thread,
        lanes: Iterable[deque[Job]],
        width: int,
        room: Room,
        places: int,
        work: Callable[[Job, Permit], Awaitable[Result]],
    ) -> None:
        self._loop = loop
        self._thread = thread
        self._lanes = list(lanes)
        self._width = width
        self._room = room
        self._places = places
        self._work = work
        self._ready: queue.SimpleQueue[list[tuple[Result, Permit] | BaseException]] = queue.SimpleQueue()
        # what became ready in this turn of the loop, and what the consumer has got but not yielded
        self._next: list[tuple[Result, Permit] | BaseException] = []
        self._got: deque[tuple[Result, Permit] | BaseException] = deque()
        self._taken: list[Permit] = []
        self._share: Share | None = None

    def read(self) -> Generator[Result, None, None]:
        left = sum(map(len, self._lanes))
        running = asyncio.run_coroutine_threadsafe(self._run_lanes(), self._loop)
        try:
            for _ in range(left):
                item = self._take()
                if isinstance(item, BaseException):
                    raise item
                result, permit = item
                self._taken.append(permit)
                if len(self._taken) >= _RELEASED_AT_ONCE:
                    self._release()
                yield result
        finally:
            if not running.done():
                running.cancel()
            with suppress(RuntimeError):  # the loop has been closed
                self._loop.call_soon_threadsafe(self._leave_room)

    def _take(self) -> tuple[Result, Permit] | BaseException:
        if not self._got:
            self._got.extend(self._get())
        return self._got.popleft()

    def _get(self) -> list[tuple[Result, Permit] | BaseException]:
        with suppress(queue.Empty):
            return self._ready.get_nowait()
        self._release()
        while True:
            try:
                return self._ready.get(timeout=_CHECK_S)
            except queue.Empty:
                if not self._thread.is_alive():
                    raise RuntimeError("the fetcher was closed while its results were being read") from None

    def _put(self, item: tuple[Result, Permit] | BaseException) -> None:
        """Hand a result over together with the others of this turn of the loop, since waking a thread takes time."""
        if not self._next:
            self._loop.call_soon(self._flush)
        self._next.append(item)

    def _flush(self) -> None:
        ready, self._next = self._next, []
        self._ready.put(ready)

    def _release(self) -> None:
        """Give back the room of what was taken; for several at once, since waking the loop costs both threads time."""
        taken, self._taken = self._taken, []
        if taken:
            with suppress(RuntimeError):  # the loop has been closed
                self._loop.call_soon_threadsafe(_release_all, taken)

    def _leave_room(self) -> None:
        if self._share is not None:
            self._room.close(self._share)

    async def _run_lanes(self) -> None:
        self._share = share = self._room.open(self._places)
        try:
            async with asyncio.TaskGroup() as group:
                # the second job of a lane comes after the first of every lane
                for n in range(self._width):
                    for lane in self._lanes:
                        if n < len(lane):
                            group.create_task(self._run_lane(lane, share))
        except ExceptionGroup as exc:
            self._put(exc.exceptions[0])
        except asyncio.CancelledError:
            # the loop may not run again
            self._ready.put([RuntimeError("the fetcher was closed while its results were being read")])
            raise

    async def _run_lane(self, lane: deque[Job], share: Share) -> None:
        while lane:
            permit = share.permit()
            result = await self._work(lane.popleft(), permit)
            permit.end()
            self._put((result, permit))


def _release_all(permits: list[Permit]) -> None:
    for permit in permits:
        permit.release()

"""Bound the bodies in memory, in bytes and in number, without letting one batch stop another.

    a batch: at most so many requests that are under way or whose results wait for the consumer
    all batches: at most so many bytes of bodies, under way or waiting for a consumer

While all room is taken, no request starts and transfers under way pause. To keep that from stopping everything for ever
(each of two consumers may wait for the other), a batch whose consumer has nothing to take may always go on with one.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable


class Room:
    """Bytes for bodies; belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        """Pause at `limit` bytes; one chunk that inflates and one body of each batch may still come on top."""
        self._limit = limit
        self._shares: dict[Share, None] = {}
        self.used = 0

    @property
    def is_full(self) -> bool:
        return self.used >= self._limit

    def open(self, places: int) -> Share:
        """Return a share for a batch that may hold `places` results at once."""
        share = Share(self, places)
        self._shares[share] = None
        return share

    def close(self, share: Share) -> None:
        """Forget a batch and all that it holds."""
        if share in self._shares:
            del self._shares[share]
            share.close()
            self.let_on()

    def let_on(self) -> None:
        """Let everything start and go on that may."""
        for share in list(self._shares):
            share.let_on()


class Share:
    """What one batch holds of the room."""

    def __init__(self, room: Room, places: int) -> None:
        self._room = room
        self._free = places
        self._active = 0
        self._ready = 0
        self._used = 0
        self._is_closed = False
        self._favourite: Permit | None = None
        self._waiting: deque[tuple[asyncio.Future[None], Permit]] = deque()
        self._paused: dict[Permit, Callable[[], object]] = {}

    def permit(self) -> Permit:
        """Return a permit for one job, which it has to acquire before it sends a request."""
        return Permit(self)

    def close(self) -> None:
        """Give back all bytes; what its permits do from now on counts no more."""
        self.count(-self._used)
        self._is_closed = True

    def count(self, size: int) -> None:
        """Count bytes that were added or, below 0, given back."""
        if not self._is_closed:
            self._used += size
            self._room.used += size

    def may_start(self) -> bool:
        """Say whether another request may start."""
        if self._free <= 0:
            return False
        return not self._room.is_full or (not self._ready and not self._active)

    def may_grow(self, permit: Permit) -> bool:
        """Say whether the body of `permit` may grow."""
        if not self._room.is_full:
            return True
        if self._ready or self._favourite not in (None, permit):
            return False
        self._favourite = permit
        return True

    def start(self, permit: Permit) -> None:
        """Give `permit` a place."""
        permit.is_held = True
        self._free -= 1
        self._active += 1

    async def wait(self, permit: Permit) -> None:
        """Wait until `permit` has a place."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((waiter, permit))
        try:
            await waiter
        except asyncio.CancelledError:
            # it may have got its place in the same turn of the loop
            permit.release()
            raise

    def pause(self, permit: Permit, resume: Callable[[], object]) -> None:
        """Call `resume` once `permit` may grow: at once if room was given back since it was full."""
        if self.may_grow(permit):
            resume()
        else:
            self._paused[permit] = resume

    def drop(self, permit: Permit, size: int) -> None:
        """Give back `size` bytes of `permit`, whose transfer has ended."""
        self._paused.pop(permit, None)
        if size:
            self.count(-size)
            self._room.let_on()

    def end(self, permit: Permit) -> None:
        """Note that the result of `permit` waits for the consumer."""
        self._paused.pop(permit, None)
        self._active -= 1
        self._ready += 1
        if self._favourite is permit:
            self._favourite = None

    def leave(self) -> None:
        """Note that the consumer has taken a result."""
        self._free += 1
        self._ready -= 1
        self._room.let_on()

    def let_on(self) -> None:
        """Start waiting requests and resume paused transfers as far as there is room."""
        for permit, resume in list(self._paused.items()):
            if self.may_grow(permit):
                del self._paused[permit]
                resume()
        while self._waiting and self.may_start():
            waiter, permit = self._waiting.popleft()
            if not waiter.done():
                self.start(permit)
                waiter.set_result(None)


class Permit:
    """The room for one request and its body, until its consumer has taken the result."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._bytes = 0
        self._is_ended = False
        self.is_held = False
        # seconds for which the transfer was paused
        self.paused_s = 0.0

    async def acquire(self) -> None:
        """Wait for room; does nothing if it is held already."""
        if self.is_held:
            return
        if self._share.may_start():
            self._share.start(self)
        else:
            await self._share.wait(self)

    def may_grow(self) -> bool:
        """Say whether the body may grow now; if not, the transfer has to `pause`."""
        return self._share.may_grow(self)

    def grow(self, size: int) -> None:
        """Count bytes that were added to the body."""
        self._bytes += size
        self._share.count(size)

    def pause(self, resume: Callable[[], object]) -> None:
        """Have `resume` called once there is room, unless the permit ends before."""
        paused_at = time.monotonic()

        def go_on() -> None:
            self.paused_s += time.monotonic() - paused_at
            resume()

        self._share.pause(self, go_on)

    def drop(self) -> None:
        """Give back the bytes of a body that is not kept."""
        size, self._bytes = self._bytes, 0
        self._share.drop(self, size)

    def end(self) -> None:
        """Say that the result is complete and waits for its consumer; does nothing unless the permit is held."""
        if self.is_held and not self._is_ended:
            self._is_ended = True
            self._share.end(self)

    def release(self) -> None:
        """Give everything back; does nothing if the permit is not held."""
        if self.is_held:
            self.end()
            self.is_held = self._is_ended = False
            self.drop()
            self._share.leave()

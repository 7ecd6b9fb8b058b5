"""The lock that a process computes under: one record at a time, in the order in which threads ask for it."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """A lock that goes to the thread that has waited longest; a context manager, not reentrant.

    `threading.Lock` goes to whichever thread asks first after it is released, nearly always the one that released it: a
    second batch in the same process would starve until the first has run out of pages.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_held = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> FairLock:
        with self._guard:
            if not self._is_held:
                self._is_held = True
                return self
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        try:
            ticket.acquire()
        except BaseException:
            self._give_up(ticket)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_held = False

    def _give_up(self, ticket: threading.Lock) -> None:
        with self._guard:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                return
        # the lock had already been passed to this thread
        self._pass_on()

    @property
    def waiting(self) -> int:
        """The number of waiting threads."""
        return len(self._waiting)

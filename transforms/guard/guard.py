"""Call work in a guarded process, and tell why it did not come back."""

from __future__ import annotations

import atexit
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import structlog

from transforms.errors import TooComplex, WorkCrashed
from transforms.guard.frames import BUG, FORK, REAP, Answer, receive_frame, send_frame
from transforms.guard.limits import Limits

Given = TypeVar("Given")
Made = TypeVar("Made")

log = structlog.get_logger(__name__)

# importing and loading a model takes seconds; on a busy machine many
START_S = 120.0
END_S = 6.0
# growth of memory from which a death is put down to the limit of memory
NEAR_LIMIT = 0.7
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(2)); from transforms.guard.template import main; main()"
)
# one page at a time: threads of a numerical library would not survive the fork, and other cores have work of their own
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Guard(Generic[Given, Made]):
    """Calls `work` in another process, within limits; thread-safe, one call at a time.

    `work` and `prepare` are pickled by reference, and so are what is given and made. `prepare` is called once, in the
    process that the others are forked from: it imports and loads what `work` needs. The processes start with the first
    call and end with this process at the latest.
    """

    def __init__(
        self,
        work: Callable[[Given], Made],
        limits: Limits | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._order = pickle.dumps((work, prepare, self.limits))
        self._lock = threading.Lock()
        self._template: _Template | None = None
        self._child: _Child | None = None

    def __call__(
        self, given: Given, cpu_s: float | None = None, on_spent: Callable[[float], None] | None = None
    ) -> Made:
        """Return what `work` makes of `given`, or raise what it raises.

        `cpu_s` replaces the limit of CPU for this call. `on_spent` is called with the seconds of CPU that it took.
        Raises TooComplex past a limit, WorkCrashed if the process died of something else, WorkBug for an exception
        that is not a NewsbeamError.
        """
        limit_s = cpu_s or self.limits.cpu_s
        message = pickle.dumps((given, limit_s), pickle.HIGHEST_PROTOCOL)
        with self._lock:
            start, spent = time.monotonic(), None
            try:
                answer: Answer = pickle.loads(self._ask(message, limit_s))
                spent = answer.cpu_s
            finally:
                if on_spent is not None:
                    # a process that died cannot tell; it can have taken no more than this
                    on_spent(min(limit_s, time.monotonic() - start) if spent is None else spent)
        if answer.kind == BUG and answer.value[0] == "MemoryError":
            raise self._too_much_memory()
        made: Made = answer.read()
        return made

    def launch(self) -> None:
        """Start the processes now, in the background, rather than with the first call."""
        with self._lock:
            if self._template is None:
                self._template = _Template(self._order)

    def _too_much_memory(self) -> TooComplex:
        return TooComplex(f"reading it takes more than {self.limits.memory_bytes / 1e6:.0f} MB of memory")

    def close(self) -> None:
        """End the processes; a later call starts them again. Work under way in another thread fails."""
        self._drop()

    def _ask(self, message: bytes, cpu_s: float) -> bytes:
        while True:
            child = self._find_child()
            try:
                answer = child.ask(message, self.limits.wall_s)
            except TimeoutError:
                os.kill(child.pid, signal.SIGKILL)
                self._bury(child)
                raise TooComplex(f"reading it takes more than {self.limits.wall_s:g} s") from None
            if answer is not None:
                return answer
            code, grown = self._bury(child)
            if code == 0:
                continue  # it was worn, and had not taken the message
            if code == -signal.SIGPROF:
                raise TooComplex(f"reading it takes more than {cpu_s:g} s of CPU")
            if grown > NEAR_LIMIT * self.limits.memory_bytes:
                raise self._too_much_memory()
            raise WorkCrashed(f"the process that worked on it ended with {_name_code(code)}")

    def _find_child(self) -> _Child:
        if self._child is not None and self._child.process == os.getpid():
            return self._child
        if self._template is None or self._template.process != os.getpid():
            # a forked process has the objects, but must not share the sockets
            self._template = _Template(self._order)
        try:
            self._child = self._template.fork()
        except (OSError, ValueError):
            # the process to fork from is gone: killed by the system when memory ran out, for example
            log.warning("starting the guarded process again")
            self._drop()
            self._template = _Template(self._order)
            self._child = self._template.fork()
        except BaseException:
            self._drop()
            raise
        return self._child

    def _bury(self, child: _Child) -> tuple[int, int]:
        """Return how a child ended: exit code (negative for a signal), bytes by which its memory had grown."""
        child.stream.close()
        self._child = None
        assert self._template is not None
        try:
            return self._template.reap()
        except (OSError, ValueError):
            # the template died as well
            self._drop()
            return -signal.SIGKILL, 0

    def _drop(self) -> None:
        child, template = self._child, self._template
        self._child = self._template = None
        # a forked process has copies of these objects, and they are not its own to close
        if child is not None and child.process == os.getpid():
            child.stream.close()
        if template is not None and template.process == os.getpid():
            template.close()

    def __del__(self) -> None:
        self._drop()


class _Template:
    """This side of the process that children are forked from."""

    def __init__(self, order: bytes) -> None:
        self.process = os.getpid()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._popen = subprocess.Popen(
                [sys.executable, "-c", _BOOT, str(theirs.fileno()), json.dumps(sys.path)],
                pass_fds=[theirs.fileno()],
                env=os.environ | _ONE_THREAD,
                stdin=subprocess.DEVNULL,
                # not this process's own output, which may be a result that someone reads
                stdout=subprocess.DEVNULL,
            )
        self._control.settimeout(START_S)
        self._is_ready = False
        send_frame(self._control, order)

    def fork(self) -> _Child:
        """Start a process that works; raises what `prepare` raises."""
        if not self._is_ready:
            answer = receive_frame(self._control)
            if answer is None:
                raise WorkCrashed(f"the process for guarded work did not start: exit code {self._popen.wait()}")
            pickle.loads(answer).read()
            self._is_ready = True
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [FORK], [theirs.fileno()])
            return _Child(ours, json.loads(self._receive()))

    def reap(self) -> tuple[int, int]:
        self._control.sendall(REAP)
        code, grown = json.loads(self._receive())
        return code, grown

    def close(self) -> None:
        """End the process, which ends those that it was forked into."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(END_S)

    def _receive(self) -> bytes:
        answer = receive_frame(self._control)
        if answer is None:
            raise ConnectionError("the process that children are forked from is gone")
        return answer


class _Child:
    """This side of a process that works."""

    def __init__(self, stream: socket.socket, pid: int) -> None:
        self.process, self.stream, self.pid = os.getpid(), stream, pid

    def ask(self, message: bytes, wall_s: float) -> bytes | None:
        """Return the answer, None if the process ended; raises TimeoutError."""
        self.stream.settimeout(wall_s)
        try:
            send_frame(self.stream, message)
        except TimeoutError:
            raise
        except OSError:
            return None
        return receive_frame(self.stream)


def _name_code(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


_shared: dict[bytes, Any] = {}
_shared_lock = threading.Lock()


def shared_guard(work: Callable[[Given], Made], prepare: Callable[[], None] | None = None) -> Guard[Given, Made]:
    """Return this process's guard for `work`, so that all threads and batches share its processes."""
    key = pickle.dumps((work, prepare))
    with _shared_lock:
        guard: Guard[Given, Made] | None = _shared.get(key)
        if guard is None:
            guard = _shared[key] = Guard(work, prepare=prepare)
        return guard


@atexit.register
def _close_shared() -> None:
    for guard in _shared.values():
        guard.close()

"""What the processes say to each other: frames (four bytes of length, then a message) and answers."""

from __future__ import annotations

import pickle
import socket
import struct
import traceback
from dataclasses import dataclass
from typing import Any, Self

from transforms.errors import NewsbeamError, WorkBug

# requests to the template
FORK, REAP = b"F", b"R"
OK, ERROR, BUG = "ok", "error", "bug"

_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of work: OK and its result, ERROR and a NewsbeamError, or BUG and the arguments of a WorkBug."""

    kind: str
    value: Any = None
    cpu_s: float = 0.0

    @classmethod
    def of(cls, error: Exception, cpu_s: float = 0.0) -> Self:
        """Return the answer for an exception, while it is being handled."""
        if isinstance(error, NewsbeamError):
            return cls(ERROR, error, cpu_s)
        trace = "".join(traceback.format_exception(error))
        return cls(BUG, (type(error).__name__, repr(error), trace, getattr(error, "step", "")), cpu_s)

    def pack(self) -> bytes:
        return pickle.dumps(self, pickle.HIGHEST_PROTOCOL)

    def read(self) -> Any:
        """Return the result, or raise the error; raises WorkBug for a bug."""
        if self.kind == OK:
            return self.value
        raise self.value if self.kind == ERROR else WorkBug(*self.value)


def send_frame(stream: socket.socket, message: bytes) -> None:
    """Send one message; raises OSError if the other side is gone."""
    stream.sendall(_LENGTH.pack(len(message)))
    stream.sendall(message)


def receive_frame(stream: socket.socket) -> bytes | None:
    """Return the next message, None if the other side is gone; raises TimeoutError as the socket does."""
    head = _receive(stream, _LENGTH.size)
    if head is None:
        return None
    return _receive(stream, _LENGTH.unpack(head)[0])


def _receive(stream: socket.socket, size: int) -> bytes | None:
    body = bytearray(size)
    view, got = memoryview(body), 0
    while got < size:
        try:
            count = stream.recv_into(view[got:])
        except ConnectionError:
            return None
        if not count:
            return None
        got += count
    return bytes(body)

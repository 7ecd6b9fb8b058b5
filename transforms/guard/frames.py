"""Messages over a stream socket: their length in four bytes, then themselves."""

from __future__ import annotations

import socket
import struct

_LENGTH = struct.Struct("!I")


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

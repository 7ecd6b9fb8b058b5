"""The process that children are forked from: one thread, everything imported, models loaded.

It is told by its control socket, one byte a request: FORK with a socket for the child, answered with the child's
process id; REAP, answered with how the last child ended. It exits when the other side is gone.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from transforms.guard.frames import FORK, OK, REAP, Answer, receive_frame, send_frame
from transforms.guard.limits import Limits, counted_peak_bytes, limit_memory, peak_bytes, start_clock

# a child whose memory has once grown by this share of its limit is replaced before its next work
WORN = 0.4


def main() -> None:
    """Serve the control socket whose number is the first argument, until the other side is gone."""
    # a terminal and systemd send these to the whole group: the process that this one works for decides when to end
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(ConnectionError):
        _fork_on_request(_open(int(sys.argv[1])))


def _open(descriptor: int) -> socket.socket:
    """Return the socket with this descriptor, blocking even if the other program set a default timeout."""
    opened = socket.socket(fileno=descriptor)
    opened.setblocking(True)
    return opened


def _fork_on_request(control: socket.socket) -> None:
    given = receive_frame(control)
    if given is None:
        return
    try:
        work, prepare, limits = pickle.loads(given)
        if prepare is not None:
            prepare()
    except Exception as error:  # noqa: BLE001  reported to the side that can tell the user
        send_frame(control, Answer.of(error).pack())
        return
    gc.collect()
    # what is there now is never collected, so the pages that it lies on stay shared with the children
    gc.freeze()
    send_frame(control, Answer(OK).pack())
    child = 0
    while True:
        request, sockets, _, _ = socket.recv_fds(control, 1, 1)
        if request == FORK:
            child = os.fork()
            if not child:
                control.close()
                _serve(_open(sockets[0]), work, limits)
            os.close(sockets[0])
            send_frame(control, json.dumps(child).encode())
        elif request == REAP:
            _, status, usage = os.wait4(child, 0)
            grown = usage.ru_maxrss * 1024 - peak_bytes()
            send_frame(control, json.dumps([os.waitstatus_to_exitcode(status), grown]).encode())
        else:
            # the other side is gone, and the child notices it as well
            with suppress(ChildProcessError):
                os.waitpid(child or -1, 0)
            return


def _serve(stream: socket.socket, work: Callable[[Any], Any], limits: Limits) -> NoReturn:
    """Work on what comes until the other side is gone, or until this process is worn."""
    worn = peak_bytes() + int(WORN * limits.memory_bytes)
    code = 1
    try:
        limit_memory(limits.memory_bytes)
        while counted_peak_bytes() < worn and (message := receive_frame(stream)) is not None:
            given, cpu_s = pickle.loads(message)
            start_clock(cpu_s)
            # the result is packed within the limits too, as it can be huge
            answer = _answer(work, given)
            start_clock(0)
            send_frame(stream, answer)
        code = 0
    except OSError:
        code = 0  # the other side is gone
    finally:
        # not sys.exit: what the template would clean up at its exit is not the child's
        os._exit(code)


def _answer(work: Callable[[Any], Any], given: Any) -> bytes:
    start = time.process_time()
    try:
        return Answer(OK, work(given), time.process_time() - start).pack()
    except Exception as error:  # noqa: BLE001  raised again on the other side
        return Answer.of(error, time.process_time() - start).pack()


if __name__ == "__main__":
    main()

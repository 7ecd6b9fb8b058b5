"""Run commands on a terminal of their own, and tell what in their output a terminal would act on."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path

from commands import RUN_TIMEOUT_S, clean_environment

ROWS, COLUMNS = 60, 250
# the colours and movements that rich prints of its own, and no others
OWN = re.compile(r"\x1b\[(?:[0-9;]*m|[0-9]*[AGK]|\?25[hl])")
# all of Unicode's control characters, and those of its format characters that can disguise a text
ACTED_ON = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b\u2060-\u2064\ufeff"
    "\U000e0000-\U000e007f]"
)


def run_on_terminal(
    command: Sequence[str | bytes],
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = RUN_TIMEOUT_S,
) -> tuple[int, bytes]:
    """Run a command that writes to a terminal and reads nothing; returns its exit code and every byte that it wrote."""
    parent, child = pty.openpty()
    ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=child,
        stderr=child,
        cwd=cwd,
        env=clean_environment() | {"TERM": "xterm-256color"} | dict(environment or {}),
        start_new_session=True,
    )
    os.close(child)
    written = bytearray()
    give_up_at = time.monotonic() + timeout
    try:
        while time.monotonic() < give_up_at:
            if select.select([parent], [], [], 0.2)[0]:
                try:
                    chunk = os.read(parent, 65536)
                except OSError:  # how Linux says that the other end of a terminal is closed
                    break
                if not chunk:
                    break
                written += chunk
        return process.wait(max(0.1, give_up_at - time.monotonic())), bytes(written)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(parent)


def acted_on(written: bytes) -> list[str]:
    """Return what a terminal would act on beside the colours and movements of rich, each with its neighbours."""
    text = OWN.sub("", written.decode("utf-8", "surrogateescape"))
    found = list(ACTED_ON.finditer(text))
    found += re.finditer("[\udc80-\udcff]", text)
    return [repr(text[max(0, match.start() - 30) : match.end() + 30]) for match in found[:5]]

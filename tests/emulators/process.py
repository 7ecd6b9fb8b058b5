"""Child processes of the tests: started with a log file, waited for, and stopped."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path


class EmulatorFailed(RuntimeError):
    """An emulator exited or did not answer in time; the message contains the end of its log."""


class Child:
    """A process in its own group, with its output in a log file, which runs until `stop`."""

    def __init__(
        self, name: str, command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        with self.log.open("ab") as output:
            # standard input stays open while this process lives: children that read it end with us, however we end
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return once `ready()` is true; raise EmulatorFailed if the child exits first or after `seconds`."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running():
                raise EmulatorFailed(f"{self.name} exited with {self._process.returncode}:\n{self.read_log_end()}")
            if time.monotonic() > deadline:
                raise EmulatorFailed(f"{self.name} not ready after {seconds} s:\n{self.read_log_end()}")
            time.sleep(0.05)

    def read_log_end(self, characters: int = 3000) -> str:
        return self.log.read_text(errors="replace")[-characters:]

    def kill(self) -> None:
        """Kill the whole group at once, as if its machine were lost."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._reap(5)

    def stop(self) -> None:
        """Ask the child to end, and kill its group if it has not after three seconds."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(3)
        self.kill()

    def _reap(self, seconds: float) -> None:
        self._process.wait(seconds)
        if self._process.stdin is not None:
            self._process.stdin.close()


def find_free_port() -> int:
    """Return a loopback TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0

"""Google's own in-memory Pub/Sub (Go package pstest) as a server for tests.

It speaks the gRPC protocol of Pub/Sub; Python's client and Beam find it through `PUBSUB_EMULATOR_HOST`, which is in
`PubSubServer.environment`. It is built once into .cache and needs Go: `find_missing_tools` says if that is missing.
"""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from emulators.process import Child

HERE = Path(__file__).parent
SOURCE = HERE / "pubsub"
CACHE = HERE / ".cache"


def find_missing_tools() -> list[str]:
    """Return the programs that the build needs and this machine lacks."""
    return [] if _find_built().exists() or _has_go() else ["go 1.21 or newer"]


def _has_go() -> bool:
    """Tell whether there is a Go that fetches the version named in go.mod by itself, as it does from 1.21 on."""
    if shutil.which("go") is None:
        return False
    printed = subprocess.run(["go", "version"], capture_output=True, text=True).stdout
    found = re.search(r"go(\d+)\.(\d+)", printed)
    return found is not None and (int(found[1]), int(found[2])) >= (1, 21)


def build_server() -> Path:
    """Return the server's binary, built on first use and again after its source has changed."""
    binary = _find_built()
    if not binary.exists():
        CACHE.mkdir(exist_ok=True)
        unfinished = binary.with_suffix(f".{os.getpid()}")
        done = subprocess.run(["go", "build", "-o", str(unfinished), "."], cwd=SOURCE, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"go build failed with exit code {done.returncode}:\n{done.stderr}")
        unfinished.rename(binary)
    return binary


def _find_built() -> Path:
    source = b"".join((SOURCE / name).read_bytes() for name in ("go.sum", "main.go"))
    return CACHE / f"pubsub-{hashlib.sha256(source).hexdigest()[:12]}"


class PubSubServer:
    """An empty Pub/Sub server on a free loopback port, for the duration of a `with` block."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> Self:
        self._child = Child("pubsub", [str(build_server())], self._directory)
        try:
            self._child.wait_until(lambda: self._child.log.read_text().endswith("\n"), 20)
        except BaseException:
            self._child.kill()
            raise
        self.address = self._child.log.read_text().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables with which a process uses this server instead of Google's."""
        return {"PUBSUB_EMULATOR_HOST": self.address}

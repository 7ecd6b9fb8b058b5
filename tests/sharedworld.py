"""The shared news web of real pages (`../shared/newsworld/serve.py`), if it is beside this repository.

Benchmarks measure on it, and `make test-corpus` runs the whole pipeline on it. Everything else uses `newsworld`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from newsworld import WebProcess

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
SERVER = SHARED / "newsworld" / "serve.py"
CORPUS = SHARED / "corpus"


class SharedNewsworld(WebProcess):
    """The shared news web; `pages` is the number of corpus pages (None: all), `latency` mean seconds per answer."""

    def __init__(self, pages: int | None = None, faults: bool = True, latency: float = 0) -> None:
        command = [sys.executable, str(SERVER), "--corpus", str(CORPUS), "--latency", str(latency)]
        command += ["--faults" if faults else "--no-faults"]
        command += [] if pages is None else ["--pages", str(pages)]
        super().__init__(command)

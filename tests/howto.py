"""Follow the README's steps for an enrichment with its own table, in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from commands import RUN_TIMEOUT_S, clean_environment

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("pipeline", "transforms", "tests", "deploy", "docs", "README.md", "pyproject.toml", "setup.py", "Makefile")


def read_steps() -> list[str]:
    """Return the code blocks of the README's section, in order."""
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("### An enrichment with a table of its own\n")[2].partition("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", section, re.M | re.S)


class Copy:
    """A copy of the project in which to follow the steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / name)
        # mypy need not read again what the steps leave as it is
        if (ROOT / ".mypy_cache").is_dir():
            shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
        self.written: set[str] = set()

    def follow(self) -> None:
        """Insert the README's code where it says."""
        transform, record, field, declaration, entry = read_steps()
        (self.folder / "transforms/reading.py").write_text(transform)
        self.written.add("transforms/reading.py")
        self._insert("transforms/records.py", r"^@dataclass[^\n]*\nclass Article:", f"{record}\n\n")
        self._insert("transforms/records.py", r"^\n    @property\n    def paragraphs", field)
        self._insert(
            "pipeline/tables/enrichments.py", r"^# in the order in which they run\nENRICHMENTS", f"{declaration}\n\n"
        )
        self._insert("pipeline/tables/enrichments.py", r"^    # the next enrichment\n", entry)

    def _insert(self, name: str, before: str, text: str) -> None:
        path = self.folder / name
        found = re.search(before, path.read_text(), re.M)
        assert found, f"{name} has no {before}"
        old = path.read_text()
        path.write_text(old[: found.start()] + text + old[found.start() :])
        self.written.add(name)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None, timeout: float = RUN_TIMEOUT_S) -> str:
        """Run Python in the copy and return its output; fails if the command fails."""
        path = os.pathsep.join([str(self.folder), str(self.folder / "tests")])
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=clean_environment() | dict(environment or {}) | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout

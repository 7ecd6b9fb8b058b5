"""`python -m pipeline --urls`: one bounded job over a file of URLs, on the same graph as all other jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import clean_environment
from forked import newsbeam
from newsworld import Newsworld


def run_job(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", "--runner=DirectRunner", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=clean_environment(), timeout=300)


@pytest.mark.slow
def test_a_file_of_urls_is_one_bounded_job(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/x.db"
    with Newsworld(pages=12, faults=False) as world:
        truth = world.truth()
        lines = [row["url"] for row in truth] + [truth[0]["url"] + "#again", world.control + "/missing"]
        (tmp_path / "urls.txt").write_text("# articles\n" + "\n".join(lines))
        arguments = ["--urls", str(tmp_path / "urls.txt"), "--db", db, "--host-delay=0", "--allow-private-addresses"]
        done = run_job(*arguments)
        assert done.returncode == 0, done.stderr[-3000:]
        counts = json.loads(done.stdout)
        assert counts["fetch_in"] == 13 and counts["read_out"] == 12 and counts["fetch_ended"] == 1
        again = run_job(*arguments)
    assert json.loads(again.stdout)["fetch_in"] == 1, "articles that have landed are not fetched again"
    audit = json.loads(newsbeam("audit", "--db", db).stdout)
    assert audit["article"] == 12 and audit["rejected"] == {"http 404": 1} and audit["lost"] == 0


def test_user_errors_are_one_line(tmp_path: Path) -> None:
    done = run_job("--db", f"sqlite:///{tmp_path}/x.db")
    assert done.returncode == 2 and done.stderr.splitlines() == [
        "newsbeam: nothing to read: pass --urls FILE, or --streaming and --source SOURCE"
    ]

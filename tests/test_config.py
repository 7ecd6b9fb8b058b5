"""Settings: their sources, how invalid ones are refused, and that everything generated from them is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
from forked import newsbeam

FEED = "https://feed.invalid/rss"


def refusal(tmp_path: Path, *arguments: str, **variables: str) -> str:
    """Run a command that must end in a user error; returns the error line."""
    done = newsbeam(*arguments, cwd=tmp_path, environment=variables)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not list(tmp_path.glob("*.db")), "nothing may be created before the settings have been validated"
    return done.stderr.strip()


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("workers", "-1", "a whole number from 1 to 256"),
        ("workers", "0", "a whole number from 1 to 256"),
        ("workers", "99999999999999999999", "a whole number from 1 to 256"),
        ("workers", "two", "a whole number from 1 to 256"),
        ("host-delay", "nan", "a number from 0 to 3600"),
        ("host-delay", "inf", "a number from 0 to 3600"),
        ("host-delay", "-0.5", "a number from 0 to 3600"),
        ("host-concurrency", "0", "a whole number from 1 to 64"),
        ("patience", "1e12", "a number from 0 to 604800"),
    ],
)
def test_values_out_of_bounds_are_refused_with_the_range(
    tmp_path: Path, option: str, value: str, expected: str
) -> None:
    line = refusal(tmp_path, "run", FEED, "--once", f"--{option}", value)
    assert line == f"newsbeam: --{option} {value}: expected {expected}"


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("NEWSBEAM_BATCH", "0", "a whole number from 1 to 1000"),
        ("NEWSBEAM_BATCH_BUDGET", "0", "a number above 0, at most 3600"),
        ("NEWSBEAM_FETCH_TIMEOUT", "-1", "a number above 0, at most 3600"),
        ("NEWSBEAM_LEASE", "nan", "a number from 5 to 86400"),
        ("NEWSBEAM_ALLOW_PRIVATE_ADDRESSES", "perhaps", "true or false"),
        ("NEWSBEAM_BIGQUERY_METHOD", "POST", "FILE_LOADS, STORAGE_WRITE_API or STREAMING_INSERTS"),
    ],
)
def test_a_refused_variable_is_named(tmp_path: Path, variable: str, value: str, expected: str) -> None:
    line = refusal(tmp_path, "run", FEED, "--once", **{variable: value})
    assert line == f"newsbeam: {variable}={value}: expected {expected}"


def test_unknown_variables_are_refused_with_the_nearest_name(tmp_path: Path) -> None:
    line = refusal(tmp_path, "run", FEED, NEWSBEAM_HOST_DLAY="1")
    assert line == "newsbeam: NEWSBEAM_HOST_DLAY: unknown setting; did you mean NEWSBEAM_HOST_DELAY?"
    assert refusal(tmp_path, "run", FEED, NEWSBEAM_XYZZY="1") == "newsbeam: NEWSBEAM_XYZZY: unknown setting"


def test_the_file_is_read_and_its_mistakes_are_named(tmp_path: Path) -> None:
    (tmp_path / "newsbeam.toml").write_text("host_dlay = 2\n")
    line = refusal(tmp_path, "run", FEED)
    assert line == "newsbeam: newsbeam.toml: host_dlay: unknown setting; did you mean host_delay?"
    (tmp_path / "newsbeam.toml").write_text("workers = -1\n")
    line = refusal(tmp_path, "run", FEED)
    assert line == "newsbeam: newsbeam.toml: workers = -1: expected a whole number from 1 to 256"
    (tmp_path / "newsbeam.toml").write_text("workers = \n")
    assert refusal(tmp_path, "run", FEED).startswith("newsbeam: newsbeam.toml: not valid TOML: ")
    assert refusal(tmp_path, "run", FEED, "--config", "gone.toml") == (
        "newsbeam: cannot read gone.toml: no such file or directory"
    )

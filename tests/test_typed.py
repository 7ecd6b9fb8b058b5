"""Whatever a user types, sets or passes: an exit code and one line, and never a traceback."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import sqlalchemy as sa
from commands import NEWSBEAM, RUN_TIMEOUT_S, clean_environment
from forked import newsbeam
from hypothesis import given, settings
from hypothesis import strategies as st
from smallnews import page_of

from pipeline.cli.commands import COMMANDS, main
from pipeline.config import Config, read_config, settings_of
from transforms.errors import UserError

# Runs one command after the other, in one process, and answers with its exit code and what it wrote.
DRIVER = """
import json, sys
from click.testing import CliRunner
from pipeline.cli.commands import main
from pipeline.cli.job import job

for line in sys.stdin:
    arguments = json.loads(line)
    command = job if arguments[0] == "job" else main
    done = CliRunner().invoke(command, arguments[1:] if command is job else arguments, input="")
    bug = None if done.exception is None or isinstance(done.exception, SystemExit) else repr(done.exception)
    print(json.dumps({"code": done.exit_code, "stderr": done.stderr, "bug": bug}), flush=True)
"""
STARTING = ("run", "poll", "work", "publish", "demo", "job")
NOWHERE = ["--db", "mysql://nobody@nowhere/x"]
NASTY = (
    "", " ", "-", "--", "-1", "0", "1", "nan", "inf", "-inf", "1e999", "99999999999999999999", "9" * 5000, "1_0", "٣",
    "0x10", "true", "None", "\x1b]0;x\x07", "\n", "a\nb", "\udcff", "a\udc9b", "\u202e", "é", "x" * 100_000, ".", "/",
    "..", "folder", "empty", "binary", "list", "page.html", "broken.gz", "missing", "/dev/null", "folder/x",
    "page.html/x",     "file:///etc/passwd", "http://", "http://[", "http://[::1", "http://a b/", "http://a:99999/", "http://\u202e/",
    "http://" + "a" * 300 + "/", "http://a/" + "x" * 5000, "://", "x://y", "a=b", "=", ",", "en=", "en=x",
    "tables,-tables",     "sqlite://", "sqlite:///", "sqlite:///folder", "sqlite:///binary", "sqlite:////dev/null", "sqlite:///\x01",
    "sqlite:///missing/x.db", "postgresql://", "postgresql://u:sesame@127.0.0.1:1/x", "postgresql://u:sesame@h:x/y",
    "postgresql+nope://u:sesame@h", "//u:sesame@h", "projects/p/topics/t", "projects/p/topics/", "pubsub:", "ledger:",
    "bigquery:", "bigquery:x", "bigquery:.", "ledger:x", "ledger:sqlite:///", "pubsub:projects/p/subscriptions/s",
)  # fmt: skip
# bytes that are not UTF-8 arrive as lone surrogates
BYTES = st.binary(max_size=40).map(lambda raw: raw.replace(b"\x00", b"x").decode("utf-8", "surrogateescape"))
WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
TEXTS = st.sampled_from(NASTY) | WORDS | BYTES


class Driver:
    """A process that runs commands for as long as the tests ask it to."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=clean_environment(),
        )

    def run(self, arguments: list[str]) -> dict[str, Any]:
        """Run one command; returns its exit code, what it wrote to stderr, and the exception that it left uncaught."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        answered: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answered

    def close(self) -> None:
        """End the process."""
        self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of all kinds."""
    path = tmp_path_factory.mktemp("typed")
    (path / "folder").mkdir()
    (path / "empty").write_bytes(b"")
    (path / "binary").write_bytes(bytes(range(256)) * 20)
    (path / "list").write_text("not an address\n")
    (path / "page.html").write_bytes(page_of(1))
    (path / "broken.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    (path / "bomb.gz").write_bytes(gzip.compress(bytes(200_000_000), 9))
    return path


@pytest.fixture(scope="module")
def driver(folder: Path) -> Iterator[Driver]:
    found = Driver(folder)
    yield found
    found.close()


def parameters_of(name: str) -> list[click.Parameter]:
    """Return the options and arguments of a command that take a text."""
    if name == "job":
        from pipeline.cli.job import job

        return [parameter for parameter in job.params if not getattr(parameter, "is_flag", False)]
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return [parameter for parameter in command.params if not getattr(parameter, "is_flag", False)]


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with some of its options, each with any text; none that would start to work."""
    name = draw(st.sampled_from([*COMMANDS, "job"]))
    line = [name]
    chosen = draw(st.lists(st.sampled_from(parameters_of(name)), max_size=3, unique_by=lambda one: one.name))
    for parameter in chosen:
        if isinstance(parameter, click.Option) and not (parameter.name == "db" and name in STARTING):
            line += [parameter.opts[0], draw(TEXTS)]
        elif isinstance(parameter, click.Argument):
            line.append(draw(TEXTS))
    if name in STARTING:
        # checked after everything else, so that a command that would accept the rest ends all the same
        line += NOWHERE
    return line


@settings(max_examples=200)
@given(line=command_lines())
def test_any_command_line_ends_without_a_traceback(line: list[str], driver: Driver) -> None:
    done = driver.run(line)
    assert done["bug"] is None, done
    assert done["code"] in (0, 1, 2), done
    assert "Traceback" not in done["stderr"]
    if done["code"] == 2 and done["stderr"].startswith("newsbeam: "):
        assert len(done["stderr"].splitlines()) == 1, done


@pytest.mark.parametrize("name", [*COMMANDS, "job"])
def test_every_option_with_every_nasty_text(name: str, driver: Driver) -> None:
    for parameter in parameters_of(name):
        for text in NASTY:
            if parameter.name == "db" and name in STARTING:
                continue
            line = [name, parameter.opts[0], text] if isinstance(parameter, click.Option) else [name, text]
            done = driver.run([*line, *(NOWHERE if name in STARTING else [])])
            assert done["bug"] is None, (line, done)
            assert done["code"] in (0, 1, 2), (line, done)
            assert "Traceback" not in done["stderr"], (line, done)
            if parameter.name in ("db", "sink", "ledger"):
                assert "sesame" not in done["stderr"], (line, done)


VALUES = st.one_of(
    TEXTS, st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers()), st.binary(), st.dates()
)


@given(st.dictionaries(st.sampled_from(sorted(settings_of(Config))), TEXTS))
def test_settings_are_refused_or_work_and_survive_the_way_to_a_worker(given_: dict[str, str]) -> None:
    with contextlib.suppress(UserError):
        config = read_config({}, "", {f"NEWSBEAM_{name.upper()}": text for name, text in given_.items()})
        assert config.fetch_policy().user_agent.isprintable()
        config.body_policy()
        config.entity_models()
        assert read_config({}, None, config.as_environment()) == config
        for value in config.as_environment().values():
            os.fsencode(value)
            assert "\x00" not in value


@given(st.sampled_from(list(settings_of(Config).values())), VALUES)
def test_any_value_in_a_file_is_refused_or_has_the_type_that_is_declared(setting: Any, value: object) -> None:
    with contextlib.suppress(UserError):
        parsed = setting.parse(value)
        assert isinstance(parsed, setting.kind) and "\x00" not in str(parsed)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "x = " + "[" * 100_000, 'db = "a\\u0000b"', "batch = 1" + "0" * 5000, "\x00"]
)
def test_any_file_of_settings_is_read_or_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "newsbeam.toml").write_text(text)
    done = newsbeam("audit", cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and len(done.stderr) < 1000, done.stderr[:3000]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command, contact",
    [
        (["work"], "a\nb"),
        (["run", "http://a.example/f"], "é"),
        (["poll", "http://a.example/f"], "\x1b"),
        (["audit"], "a\nb"),
    ],
)
def test_settings_are_checked_before_anything_starts(command: list[str], contact: str, tmp_path: Path) -> None:
    done = newsbeam(*command, cwd=tmp_path, environment={"NEWSBEAM_CONTACT": contact})
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "NEWSBEAM_CONTACT" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["poll", "http://a.example/f", "--topic", "nonsense"],
        ["publish", "--topic", "nonsense"],
        ["publish", "--topic", "projects/p/topics/t"],
        ["demo", "--sink", "nonsense"],
        ["job", "--urls", "list", "--sink", "nonsense"],
        ["job", "--streaming", "--source", "nonsense", "--sink", "sqlite:///x.db"],
        ["job", "--streaming", "--source", "pubsub:projects/p/subscriptions/s", "--sink", "nonsense"],
    ],
)
def test_names_are_checked_before_anything_starts(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "list").write_text("http://a.example/1\n")
    program = [sys.executable, "-m", "pipeline", *command[1:]] if command[0] == "job" else [*NEWSBEAM, *command]
    done = subprocess.run(
        program,
        cwd=tmp_path,
        env=clean_environment() | {"NO_GCE_CHECK": "true", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["list"]
    assert done.stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "/dev/zero"],
        ["extract", "bomb.gz"],
        ["extract", "--manifest", "/dev/zero"],
        ["clean", "bomb.gz"],
        ["audit", "--config", "/dev/zero"],
        ["job", "--urls", "/dev/zero"],
    ],
)
def test_a_file_without_end_is_refused_and_takes_no_memory(arguments: list[str], folder: Path) -> None:
    program = [sys.executable, "-m", "pipeline", *arguments[1:]] if arguments[0] == "job" else [*NEWSBEAM, *arguments]
    limited = ["prlimit", "--as=4000000000", "--cpu=30", *program]
    done = subprocess.run(limited, cwd=folder, env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert len(done.stderr) < 1000


@pytest.mark.parametrize(
    "line",
    [
        '{"id": 1, "url": "x", "html": "\\u0000"}',
        '{"id": 1, "url": "x", "html": "\\ud800"}',
        '{"id": 1, "url": "x", "html": "folder"}',
        '{"id": 1, "url": "x", "html": "../../../../dev/null/x"}',
        "[" * 100_000,
        "1",
        '{"id": "\\ud800", "url": "\\ud800\\u0000", "html": "page.html"}',
    ],
)
def test_any_line_of_a_manifest_is_read_or_refused(line: str, folder: Path) -> None:
    (folder / "manifest").write_text(line + "\n")
    done = newsbeam("extract", "--manifest", "manifest", cwd=folder)
    assert "Traceback" not in done.stderr
    # a page that cannot be read is a line of the output, and one of stderr counts them
    assert (done.returncode, len(done.stderr.splitlines())) in ((0, 0), (1, 1)), done.stderr
    assert len(done.stdout.splitlines()) == 1


# all write through the same streams: one that reads the tables, one that reads stdin, one that starts a process, and
# what click writes by itself
COMMAND_LINES = (["audit"], ["clean"], ["extract", "page.html"], ["--help"], ["nonsense"])


@pytest.fixture(scope="module")
def with_tables(folder: Path) -> Path:
    """The folder, with an empty database in it."""
    from pipeline.tables.database import open_database

    open_database(f"sqlite:///{folder}/newsbeam.db").dispose()
    return folder


def in_shell(redirection: str, arguments: list[str], folder: Path) -> tuple[int, str, str]:
    """Run a command with its streams redirected by a shell; returns its exit code and what it wrote where it could."""
    line = f'"$@" {redirection}'
    done = subprocess.run(
        ["bash", "-c", line, "bash", *NEWSBEAM, *arguments],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        input="One day the council met.\n",
        timeout=RUN_TIMEOUT_S,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=lambda line: line[0])
def test_streams_that_are_full_or_closed(arguments: list[str], with_tables: Path) -> None:
    # one of them tries all ways, the others the worst ones
    in_full = arguments[0] == "audit"
    usual, out, _ = in_shell("", arguments, with_tables)
    for redirection in (">/dev/full", ">&-", "<&- >&-") if in_full else (">/dev/full",):
        code, _, said = in_shell(redirection, arguments, with_tables)
        assert "Traceback" not in said and "Exception" not in said, (redirection, said)
        if out and redirection != "<&- >&-":
            assert code == 2 and said.startswith("newsbeam: cannot write the output: "), (redirection, code, said)
            assert len(said.splitlines()) == 1, said
    for redirection in ("2>&-", "2>/dev/full") if in_full else ():
        assert in_shell(redirection, arguments, with_tables)[:2] == (usual, out), redirection
    rest = ("<&-", "<&- 2>&-", ">&- 2>&-", ">/dev/full 2>/dev/full") if in_full else ()
    for redirection in ("<&- >&- 2>&-", *rest):
        code, _, said = in_shell(redirection, arguments, with_tables)
        assert code in (0, 1, 2) and "Traceback" not in said, (redirection, said)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=lambda line: line[0])
def test_a_reader_that_has_gone(arguments: list[str], with_tables: Path) -> None:
    for redirection in ("| true", "2>&1 | true", "| head -c 1") if arguments[0] == "audit" else ("2>&1 | true",):
        code, _, said = in_shell(redirection, arguments, with_tables)
        assert code == 0 and "Traceback" not in said and "Exception" not in said, said


@pytest.mark.slow
def test_nothing_is_written_into_a_database_that_has_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("http://127.0.0.1:1/feed\n")
    for redirection in (">&-", "2>&-", "<&- >&- 2>&-"):
        in_shell(f"--db sqlite:///{tmp_path}/x.db {redirection}", ["poll", "--once", "list"], tmp_path)
        with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as connection:
            assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
            assert connection.execute("select count(*) from feeds").fetchone() == (1,)


@pytest.mark.slow
@pytest.mark.parametrize("tables", [["moz_places"], ["urls"], ["alembic_version"]])
def test_a_database_of_another_program_is_called_that_and_left_alone(tables: list[str], tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        for name in tables:
            connection.execute(f"create table {name} (version_num text)")
            connection.execute(f"insert into {name} values ('a1b2c3')")
        connection.commit()
    before = (tmp_path / "other.db").read_bytes()
    for arguments in (["audit"], ["work", "--once"], ["run", "--once", "http://a.example/f"]):
        done = newsbeam(*arguments, "--db", "sqlite:///other.db", cwd=tmp_path)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
        assert f"belongs to another program (its tables: {tables[0]})" in done.stderr
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        assert [row[0] for row in connection.execute("select name from sqlite_master")] == tables
    assert len(before) == len((tmp_path / "other.db").read_bytes())


@pytest.mark.slow
def test_tables_of_another_program_in_postgresql() -> None:
    from emulators.postgres import create_database

    url = create_database()
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql("create table customers (id int)")
    # others' tables may stand beside ours
    assert newsbeam("work", "--once", "--patience", "0", "--db", url).returncode == 0
    url = create_database()
    other = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with other.begin() as connection:
        connection.exec_driver_sql("create table urls (id int)")
    done = newsbeam("work", "--once", "--db", url)
    assert done.returncode == 2 and "belongs to another program (its tables: urls)" in done.stderr
    assert done.stderr.count("newsbeam: ") == 1 and "Traceback" not in done.stderr
    for each in (engine, other):
        each.dispose()

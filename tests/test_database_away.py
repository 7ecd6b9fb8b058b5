"""A database that is away when a command starts, comes back, or is deleted under a run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from commands import NEWSBEAM, RUN_TIMEOUT_S, clean_environment, start
from emulators.postgres import create_database
from forked import newsbeam
from structlog.testing import capture_logs
from tinyserver import TinyServer, answer

from pipeline.config import Config
from pipeline.jobs.work import Worker
from pipeline.ledger import Ledger, Sighting
from pipeline.ledger.links import GUILTY_CLAIMS
from pipeline.loop import Loop
from pipeline.tables.database import METADATA, create_engine, open_database, open_for_reading, reading
from transforms.errors import DatabaseAway, DatabaseGone, UserError
from transforms.fetch.fetcher import shared_fetcher
from transforms.records import FeedEntry
from transforms.urls import link_of


def line_with(process: subprocess.Popen[str], word: str) -> str:
    """Read the command's stderr up to a line with this word."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if word in line:
            return line
    raise AssertionError("".join(seen))


@pytest.mark.slow
@pytest.mark.parametrize("command", [["work", "--once"], ["poll", "--once"], ["run", "--once", "--workers", "1"]])
def test_a_command_that_starts_while_the_database_is_away_waits_for_it(command: list[str], tmp_path: Path) -> None:
    """The server's socket is put aside, as if it did not run, and put back."""
    db = create_database()
    url = sa.make_url(db)
    folder = Path(str(url.query["host"]))
    mine = tmp_path / "s"
    mine.mkdir()
    db = url.update_query_dict({"host": str(mine)}).render_as_string(hide_password=False)
    empty = tmp_path / "feeds.txt"
    feed = b"<rss version='2.0'><channel><title>x</title></channel></rss>"
    with TinyServer({"/feed": lambda _: answer(200, feed)}) as server:
        empty.write_text(f"{server.base}/feed\n")
        feeds = [] if command[0] == "work" else [str(empty)]
        process = start(*command, *feeds, "--db", db, "--allow-private-addresses")
        try:
            said = json.loads(line_with(process, "waiting for it"))
            assert said["level"] == "warning" and "No such file or directory" in said["error"]
            (mine / ".s.PGSQL.5432").symlink_to(folder / ".s.PGSQL.5432")
            _, rest = process.communicate(timeout=RUN_TIMEOUT_S)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0, rest[-2000:]


def test_what_waiting_does_not_change_is_said_at_once() -> None:
    url = sa.make_url(create_database())
    done = newsbeam("poll", "--once", "--db", url.set(database="nosuch").render_as_string(hide_password=False))
    assert done.returncode == 2 and 'database "nosuch" does not exist' in done.stderr
    assert len(done.stderr.splitlines()) == 1
    for wrong, says in (
        (url.set(username="nobody", password="sesame"), 'role "nobody" does not exist'),
        (sa.make_url("postgresql+psycopg://u:sesame@127.0.0.1:99999/x"), "invalid port"),
        (sa.make_url("postgresql+psycopg://u:sesame@127.0.0.1/x?connect_timeout=abc&nope=1"), "nope"),
    ):
        with pytest.raises(UserError, match=says) as caught:
            open_database(wrong.render_as_string(hide_password=False))
        assert not isinstance(caught.value, DatabaseAway) and "sesame" not in str(caught.value)


def test_an_error_of_opening_says_whether_waiting_helps(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(DatabaseAway, match="refused"):
            open_database(f"postgresql://u@127.0.0.1:{port}/x")
    (tmp_path / "text.db").write_text("no database\n" * 100)
    for url in (f"sqlite:///{tmp_path}/text.db", f"sqlite:///{tmp_path}"):
        with pytest.raises(UserError) as caught:
            open_database(url)
        assert not isinstance(caught.value, DatabaseAway)


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_file_that_is_deleted_or_replaced_is_said_and_never_made_anew(how: str, tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    engine = open_database(f"sqlite:///{path}")
    ledger = Ledger(engine)
    assert ledger.feeds.count() == 0
    if how == "replaced":
        open_database(f"sqlite:///{tmp_path}/other.db").dispose()
        os.replace(tmp_path / "other.db", path)
    else:
        path.unlink()
    size = path.stat().st_size if path.exists() else None
    for _ in range(2):
        with pytest.raises(DatabaseGone, match="deleted or replaced"):
            ledger.feeds.count()
        with pytest.raises(DatabaseGone), engine.begin():
            pass
        engine.dispose()  # new connections must not create it either
    assert (path.stat().st_size if path.exists() else None) == size
    engine.dispose()


def test_a_worker_of_a_run_never_makes_a_database(tmp_path: Path) -> None:
    """It would be one that nothing else of the run writes to."""
    command = [*NEWSBEAM, "work", "--until-stdin-closes", "--db", f"sqlite:///{tmp_path}/news.db"]
    ours, its = os.pipe()
    try:
        done = subprocess.run(
            command, stdin=ours, capture_output=True, text=True, env=clean_environment(), timeout=RUN_TIMEOUT_S
        )
    finally:
        os.close(ours)
        os.close(its)
    assert done.returncode == 2 and "was deleted or replaced" in done.stderr
    assert not list(tmp_path.iterdir())


def test_vacuum_and_a_checkpoint_leave_the_file_the_same(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/x.db")
    other = create_engine(f"sqlite:///{tmp_path}/x.db")
    with other.connect().execution_options(isolation_level="AUTOCOMMIT", newsbeam_write=False) as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    other.dispose()
    assert Ledger(engine).feeds.count() == 0
    engine.dispose()
    reader = open_for_reading(f"sqlite:///{tmp_path}/x.db")
    with reading(reader) as connection:
        connection.execute(sa.text("select count(*) from urls"))
    reader.dispose()


def test_a_batch_that_the_database_ends_makes_no_link_suspect(database_url: str) -> None:
    """After so many batches that ended with their workers, a link is given up."""
    engine = create_engine(database_url)
    ledger = Ledger(engine)
    now = datetime.now(UTC)
    with TinyServer({"/down": lambda _: answer(503, b"")}) as server:
        ledger.links.add([Sighting(link_of(FeedEntry(f"{server.base}/down"), "", now))], now)
        with engine.begin() as connection:
            connection.exec_driver_sql("alter table dead_letters rename to gone")
        config = Config(db=database_url, host_delay=0, allow_private_addresses=True, sink_patience=0)
        worker = Worker(ledger, config, Loop("batch failed", trouble_s=0.01))
        running = threading.Thread(target=worker.run)
        with capture_logs() as logs:
            running.start()
            give_up_at = time.monotonic() + 60
            while [line["event"] for line in logs].count("batch failed") < GUILTY_CLAIMS:
                assert time.monotonic() < give_up_at
                time.sleep(0.02)
            with engine.begin() as connection:
                connection.exec_driver_sql("alter table gone rename to dead_letters")
            while not (fate := fates(engine)) and time.monotonic() < give_up_at:
                time.sleep(0.02)
        worker.stop()
        running.join()
    shared_fetcher(config.fetch_policy()).close()
    engine.dispose()
    assert fate == [("failed", "http 503", 0)]


def fates(engine: sa.Engine) -> list[tuple[str | None, str, int]]:
    """Return outcome, reason and claims of the URLs that were given up or have failed once."""
    table = METADATA.tables["urls"]
    query = sa.select(table.c.outcome, table.c.reason, table.c.claims)
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(query.where(table.c.reason.is_not(None)))]


@pytest.mark.slow
@pytest.mark.parametrize("command", [["work"], ["poll"], ["run", "--workers", "1"]])
def test_a_command_ends_when_its_file_is_deleted(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    with TinyServer({"/feed": lambda _: answer(200, b"<rss version='2.0'><channel/></rss>")}) as server:
        ledger = Ledger(open_database(f"sqlite:///{path}"))
        now = datetime.now(UTC)
        ledger.links.add([Sighting(link_of(FeedEntry(f"{server.base}/missing"), "", now))], now)
        ledger.engine.dispose()
        feeds = [] if command[0] == "work" else [f"{server.base}/feed"]
        process = start(*command, *feeds, "--db", f"sqlite:///{path}", "--allow-private-addresses")
        try:
            line_with(process, "batch" if command[0] == "work" else "polled")
            for file in tmp_path.glob("news.db*"):
                file.unlink()
            _, rest = process.communicate(timeout=RUN_TIMEOUT_S)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 2, rest[-3000:]
    assert "was deleted or replaced" in rest and "Traceback" not in rest
    assert not path.exists()

"""Run newsbeam for a long time on a web where articles drip in and are edited, with faults and kills, and check that
nothing grows and nothing is lost.

usage: python bench/soak.py [--minutes 60] [--database sqlite|postgresql] [--feeds 200] [--rate 2] [--kill-every 20]

Two pollers and two workers share one database. One of each lives from beginning to end: its memory, open descriptors
and threads, with those of the processes that it starts, are sampled every 10 s, and so is the size of the database. The
other poller and worker are killed (SIGKILL, with all that they started) at random moments and started
again; PostgreSQL is restarted as well. In the web, 5 % of the requests go wrong, 2 % of the articles do not exist, and
one article in ten is edited.

At the end every address that a feed named must have one fate, and every article must say what was last served. The exit
code is 1 if anything is missing or wrong, or if a figure grew between the second and the last quarter.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import IO

REPOSITORY = Path(__file__).resolve().parent.parent
# in place of this folder, in which this file would hide a package with its name
sys.path[0] = str(REPOSITORY / "tests")
sys.path.insert(1, str(REPOSITORY))

import sqlalchemy as sa  # noqa: E402
from commands import NEWSBEAM, clean_environment, newsbeam  # noqa: E402
from dripweb import mark_of  # noqa: E402
from family import family, resident  # noqa: E402
from newsworld import WebProcess  # noqa: E402

from pipeline.tables.database import METADATA, create_engine, open_database, reading  # noqa: E402
from transforms.urls import url_key  # noqa: E402

ARTICLES, URLS, FEEDS = METADATA.tables["articles"], METADATA.tables["urls"], METADATA.tables["feeds"]
SAMPLE_S = 10.0
TICK_S = 1.0
POLL_EACH_S = 30.0  # feeds are made due this often: by themselves they would be polled every ten minutes or less
RESTART_EVERY_S = 120.0  # of PostgreSQL
DRAIN_S = 180.0
STOP_S = 30.0
OPTIONS = ("--host-delay", "0", "--allow-private-addresses")
# how much a mean of the last quarter may exceed that of the second: a share of it, or an amount, if that is more
ALLOWED = {"MB": (0.05, 15.0), "descriptors": (0.05, 12.0), "threads": (0.05, 2.0), "bytes an article": (0.1, 2_000.0)}


@dataclass
class Member:
    """A command that is started again when it ends."""

    name: str
    arguments: Sequence[str]
    log: IO[bytes]
    lives: int = 0
    process: subprocess.Popen[bytes] | None = None

    def keep_alive(self) -> None:
        """Start it unless it runs."""
        if self.process is None or self.process.poll() is not None:
            self.lives += 1
            self.process = subprocess.Popen(
                [*NEWSBEAM, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=self.log,
                env=clean_environment() | {"NEWSBEAM_FETCH_TIMEOUT": "10"},
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill it and all that it started, as it is."""
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """End it as a user would."""
        if self.process is None:
            return
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S)
        self.kill()

    def figures(self) -> dict[str, float]:
        """Return memory in MB, open descriptors and threads, with those of the processes that it started."""
        assert self.process is not None
        pids = family(self.process.pid)
        return {
            f"{self.name}: MB": sum(resident(pid) for pid in pids) / 1e6,
            f"{self.name}: descriptors": float(sum(_entries(pid, "fd") for pid in pids)),
            f"{self.name}: threads": float(sum(_entries(pid, "task") for pid in pids)),
        }


@dataclass
class Soak:
    """The members, their database, and the samples."""

    db: str
    members: list[Member]
    restart_database: Callable[[], None] | None
    kill_every_s: float
    chance: random.Random
    samples: list[dict[str, float]] = field(default_factory=list)
    kills: int = 0
    restarts: int = 0

    def run(self, seconds: float) -> None:
        """Let the members run, make feeds due, kill, and sample."""
        engine = create_engine(self.db)
        start = time.monotonic()
        next_kill, next_sample = start + self.kill_every_s, start + SAMPLE_S
        next_restart = start + RESTART_EVERY_S
        while (now := time.monotonic()) < start + seconds:
            for member in self.members:
                member.keep_alive()
            with suppress(sa.exc.SQLAlchemyError):
                make_feeds_due(engine, self.chance, TICK_S / POLL_EACH_S)
            if now >= next_kill:
                self.chance.choice(self.members[2:]).kill()
                self.kills += 1
                next_kill = now + self.chance.uniform(0.2, 1.8) * self.kill_every_s
            if self.restart_database is not None and now >= next_restart:
                self.restart_database()
                self.restarts += 1
                next_restart = now + RESTART_EVERY_S
            if now >= next_sample:
                next_sample += SAMPLE_S
                with suppress(sa.exc.SQLAlchemyError):
                    self.sample(engine, now - start)
            time.sleep(TICK_S)
        engine.dispose()

    def sample(self, engine: sa.Engine, at: float) -> None:
        """Take one sample and print it."""
        size, articles = size_of(engine)
        row = {"s": round(at), "articles": float(articles)}
        for member in self.members[:2]:
            row |= member.figures()
        row["bytes of the database"] = float(size)
        self.samples.append(row)
        print("  ".join(f"{name} {value:,.0f}" for name, value in row.items()), flush=True)

    def growth(self) -> list[str]:
        """Print the growth of each figure from the second to the last quarter; returns what grew too much."""
        quarter = len(self.samples) // 4
        grew = []
        if not quarter:
            return ["too few samples to compare"]
        second, last = self.samples[quarter : 2 * quarter + 1], self.samples[-quarter - 1 :]
        figures = {
            name: (mean(row[name] for row in second), mean(row[name] for row in last))
            for name in self.samples[0]
            if ": " in name
        }
        figures["database: bytes an article"] = bytes_an_article(second), bytes_an_article(last)
        for name, (before, after) in figures.items():
            share, amount = ALLOWED[name.partition(": ")[2]]
            is_flat = after - before <= max(share * before, amount)
            print(f"{name:32} {before:12,.1f} -> {after:12,.1f}  {'flat' if is_flat else 'GREW'}")
            if not is_flat:
                grew.append(f"{name} grew")
        return grew


def bytes_an_article(samples: Sequence[dict[str, float]]) -> float:
    """Return by how many bytes the database grew for each article that landed in this time."""
    first, last = samples[0], samples[-1]
    landed = last["articles"] - first["articles"]
    return (last["bytes of the database"] - first["bytes of the database"]) / landed if landed else 0.0


def make_feeds_due(engine: sa.Engine, chance: random.Random, share: float) -> None:
    """Make a random share of the feeds due now."""
    with reading(engine) as connection:
        urls = connection.execute(sa.select(FEEDS.c.url)).scalars().all()
    chosen = [url for url in urls if chance.random() < share]
    with engine.begin() as connection:
        connection.execute(sa.update(FEEDS).where(FEEDS.c.url.in_(chosen)).values(next_poll_at=datetime.now(UTC)))


def size_of(engine: sa.Engine) -> tuple[int, int]:
    """Return the bytes that the database takes, with SQLite's log, and its number of articles."""
    with reading(engine) as connection:
        articles = connection.execute(sa.select(sa.func.count()).select_from(ARTICLES)).scalar_one()
        if engine.dialect.name == "postgresql":
            return connection.exec_driver_sql("select pg_database_size(current_database())").scalar_one(), articles
    path = Path(engine.url.database or "")
    # the log is cut after a checkpoint, so that it would hide the size per article
    return path.stat().st_size, articles


def drain(db: str, web: WebProcess, members: Sequence[Member]) -> None:
    """Let nothing new appear, poll every feed once more, and wait until nothing is due."""
    web.read("/still")
    engine = create_engine(db)
    make_feeds_due(engine, random.Random(1), 1.1)
    give_up_at = time.monotonic() + DRAIN_S
    asked_at = datetime.now(UTC)
    while time.monotonic() < give_up_at:
        for member in members:
            member.keep_alive()
        with reading(engine) as connection:
            due = connection.execute(
                sa.select(sa.func.count()).select_from(URLS).where(URLS.c.due_at.is_not(None))
            ).scalar_one()
            unpolled = connection.execute(
                sa.select(sa.func.count())
                .select_from(FEEDS)
                .where(sa.or_(FEEDS.c.polled_at.is_(None), FEEDS.c.polled_at < asked_at))
            ).scalar_one()
        if not due and not unpolled:
            break
        time.sleep(TICK_S)
    engine.dispose()


def check(db: str, web: WebProcess) -> list[str]:
    """Compare the tables with what was served; returns what is missing or wrong."""
    wrong = []
    audit = newsbeam("audit", "--db", db)
    counts = json.loads(audit.stdout or "{}")
    print("audit", json.dumps(counts))
    if audit.returncode or counts.get("miscounted"):
        wrong.append(f"audit: exit code {audit.returncode}, {counts.get('lost')} lost, {counts.get('miscounted')}")
    truth = {url_key(address): (address, row) for address, row in json.loads(web.read("/truth.json")).items()}
    engine = create_engine(db)
    with reading(engine) as connection:
        urls = {row.canonical_url: row for row in connection.execute(sa.select(URLS))}
        bodies = {
            row.article_id: row.body for row in connection.execute(sa.select(ARTICLES.c.article_id, ARTICLES.c.body))
        }
    engine.dispose()
    for key, (address, row) in truth.items():
        found = urls.get(key)
        wanted = "rejected" if row["gone"] else "article"
        if found is None or found.outcome != wanted:
            state = (
                "missing"
                if found is None
                else f"{found.outcome} {found.reason}, {found.tries} tries, due {found.due_at}"
            )
            wrong.append(f"{address}: {state} instead of {wanted}")
        elif wanted == "article":
            place, number = (int(part) for part in address.rpartition("/feed")[2].split("/"))
            if mark_of(place, number, row["served"]) not in bodies.get(found.article_id, ""):
                wrong.append(f"{address}: the article is not edition {row['served']}, which was last served")
    wrong += [f"{key}: no feed has named it" for key in urls.keys() - truth.keys()]
    edited = sum(row["served"] > 1 for _, row in truth.values())
    print(
        f"{len(truth)} addresses named, {len(bodies)} articles, {edited} served in a later edition, {len(wrong)} wrong"
    )
    return wrong


def print_troubles(log: Path) -> None:
    """Print the last lines of the members' log that are no daily business."""
    lines = log.read_text("utf-8", "replace").splitlines()
    print("\n".join([line for line in lines if '"level":"info"' not in line][-30:]))


def _entries(pid: int, folder: str) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/{folder}"))
    except OSError:
        return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--feeds", type=int, default=200)
    parser.add_argument("--rate", type=float, default=2.0, help="new articles a second")
    parser.add_argument("--kill-every", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # so that the members are stopped too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    restart = None
    with tempfile.TemporaryDirectory() as folder:
        db = f"sqlite:///{folder}/soak.db"
        if options.database == "postgresql":
            from emulators.postgres import create_database, restart_server

            db, restart = create_database(), restart_server
        open_database(db).dispose()
        web_command = [sys.executable, "-m", "dripweb", "--feeds", str(options.feeds), "--rate", str(options.rate)]
        with WebProcess([*web_command, "--seed", str(options.seed)]) as web, Path(folder, "log").open("wb") as log:
            poll, work = ["poll", web.feeds_url, "--db", db, *OPTIONS], ["work", "--db", db, *OPTIONS]
            members = [
                Member("poller", poll, log),
                Member("worker", work, log),
                Member("poller that is killed", poll, log),
                Member("worker that is killed", work, log),
            ]
            soak = Soak(db, members, restart, options.kill_every, random.Random(options.seed))
            try:
                soak.run(options.minutes * 60)
                drain(db, web, members)
            finally:
                for member in members:
                    member.stop()
            wrong = check(db, web)
            wrong += [f"the {member.name} ended by itself" for member in members[:2] if member.lives > 1]
        print(f"{soak.kills} kills, {soak.restarts} restarts of the database")
        wrong += soak.growth()
        if wrong:
            print("\n".join(wrong[:50]))
            print_troubles(Path(folder, "log"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

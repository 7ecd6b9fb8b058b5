"""Shared fixtures: an empty ledger on each database; and more time for property tests on slow machines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from pipeline.ledger import Ledger
from pipeline.tables.database import create_engine, open_database

settings.register_profile("newsbeam", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("newsbeam")
# files whose tests take longest, mostly by waiting: what starts last must not be what all others wait for
LONGEST = (
    "test_kill",
    "test_run_newsworld",
    "test_how_to_add",
    "test_processes",
    "test_progress",
    "test_database_away",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, dealt in turn to the workers of xdist, which start on equal parts."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    files = {name: [item for item in items if item.path.stem == name] for name in LONGEST}
    firsts = [[item for name in LONGEST[n::workers] for item in files[name]] for n in range(workers)]
    rest = [item for item in items if item.path.stem not in LONGEST]
    # the same sizes as of the parts that xdist makes
    sizes = [(len(items) * (n + 1)) // workers - (len(items) * n) // workers for n in range(workers)]
    dealt: list[pytest.Item] = []
    for first, size in zip(firsts, sizes, strict=True):
        count = max(0, size - len(first))
        dealt += [*first, *rest[:count]]
        del rest[:count]
    items[:] = [*dealt, *rest]


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables, to be copied, so that migrations do not run for every test."""
    path = tmp_path_factory.mktemp("migrated") / "newsbeam.db"
    # closing the last connection writes the log into the file itself
    open_database(f"sqlite:///{path}").dispose()
    return path


@cache
def migrated_postgresql() -> str:
    """The name of a PostgreSQL database with all tables, to be copied."""
    from emulators.postgres import create_database

    url = create_database()
    open_database(url).dispose()
    return str(sa.make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, migrated_sqlite: Path) -> str:
    """The URL of a database with all tables and no rows, once for each kind of database."""
    if request.param == "sqlite":
        shutil.copy(migrated_sqlite, tmp_path / "newsbeam.db")
        return f"sqlite:///{tmp_path}/newsbeam.db"
    from emulators.postgres import create_database

    return create_database(migrated_postgresql())


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine on an empty database with all tables."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: sa.Engine) -> Ledger:
    """An empty ledger."""
    return Ledger(engine)

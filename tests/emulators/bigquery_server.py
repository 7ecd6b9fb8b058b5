"""Start bqemulator without its spatial extension: `python -m emulators.bigquery_server start ...`."""

import os
import sys
import threading

from bqemulator.cli import main
from bqemulator.storage.engine import DuckDBEngine


def _end_with_standard_input() -> None:
    """End the process when its parent is gone."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    # only GEOGRAPHY columns need the extension, and our tables have none
    DuckDBEngine._load_spatial = lambda self: None
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    main()

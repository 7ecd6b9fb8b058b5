"""Start bqemulator where its spatial extension cannot be had: `python -m emulators.bigquery_server start ...`."""

import os
import sys
import threading

from bqemulator.cli import main
from bqemulator.storage.engine import DuckDBEngine


def _end_with_standard_input() -> None:
    """End the process when whoever started it is gone."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    # GEOGRAPHY is the one thing that needs the extension; none of our tables has such a column
    DuckDBEngine._load_spatial = lambda self: None
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    main()

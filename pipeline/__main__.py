"""`python -m pipeline`: the graph as one Beam job.

    python -m pipeline --runner=DirectRunner --urls FILE --db URL

Options that are not named here go to Beam as they are (--runner, --project, --region, --temp_location ...).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.config import Config
from transforms.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job that the arguments name; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__, allow_abbrev=False)
    parser.add_argument("--urls", type=Path, help="file of article URLs, one a line")
    parser.add_argument("--db", help="SQLAlchemy URL of the database (default: sqlite:///newsbeam.db)")
    parser.add_argument("--host-delay", type=float, help="least seconds between two requests to one host")
    parser.add_argument("--host-concurrency", type=int, help="requests at once to one host")
    parser.add_argument("--allow-private-addresses", action="store_true", default=None)
    own, beam_options = parser.parse_known_args(arguments)
    try:
        config = Config.from_environment(
            db=own.db,
            host_delay=own.host_delay,
            host_concurrency=own.host_concurrency,
            allow_private_addresses=own.allow_private_addresses,
        )
        from pipeline.logs import configure_logs

        configure_logs(json=not sys.stderr.isatty())
        if own.urls is None:
            raise UserError("say which articles: --urls FILE")
        from pipeline.bounded import run_bounded

        sys.stdout.write(json.dumps(run_bounded(own.urls, config.db, config, beam_options)) + "\n")
    except UserError as error:
        sys.stderr.write(f"newsbeam: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

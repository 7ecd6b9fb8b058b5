r"""`python -m pipeline`: the graph as one Beam job, over a file of URLs or a stream of them.

    python -m pipeline --runner=DirectRunner --urls FILE --db URL
    python -m pipeline --runner=DataflowRunner --streaming --source pubsub:projects/P/subscriptions/S \
        --sink bigquery:P.DATASET
    python -m pipeline --runner=FlinkRunner --streaming --source ledger:postgresql://... --sink postgresql://...

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


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of our own options."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--streaming", action="store_true", help="run until stopped; wants --source and --sink")
    parser.add_argument("--source", help="pubsub:projects/P/subscriptions/S or ledger:URL")
    parser.add_argument("--sink", help="bigquery:P.DATASET, postgresql://... or sqlite:///... (default: --db)")
    parser.add_argument("--ledger", help="database of the poller: fates are recorded there, failures tried again")
    parser.add_argument("--dead-letter-topic", help="projects/P/topics/D: what nobody will try again")
    parser.add_argument("--output-topic", help="projects/P/topics/T: an event for every article and fate")
    parser.add_argument("--urls", type=Path, help="file of article URLs, one a line: a job that ends")
    parser.add_argument("--db", help="SQLAlchemy URL of the database (default: sqlite:///newsbeam.db)")
    parser.add_argument(
        "--bigquery-method",
        choices=("FILE_LOADS", "STORAGE_WRITE_API", "STREAMING_INSERTS"),
        help="how rows get into BigQuery (default: FILE_LOADS)",
    )
    parser.add_argument("--bigquery-frequency", type=float, metavar="SECONDS", help="time between loads (default: 60)")
    parser.add_argument("--host-delay", type=float, help="least seconds between two requests to one host")
    parser.add_argument("--host-concurrency", type=int, help="requests at once to one host")
    parser.add_argument("--allow-private-addresses", action="store_true", default=None)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job that the arguments name; returns the exit code."""
    own, beam_options = make_parser().parse_known_args(arguments)
    try:
        config = Config.from_environment(
            db=own.db,
            host_delay=own.host_delay,
            host_concurrency=own.host_concurrency,
            allow_private_addresses=own.allow_private_addresses,
            bigquery_method=own.bigquery_method,
            bigquery_frequency=own.bigquery_frequency,
        )
        from pipeline.logs import configure_logs

        configure_logs(json=not sys.stderr.isatty())
        sys.stdout.write(json.dumps(_run(own, config, beam_options)) + "\n")
    except UserError as error:
        sys.stderr.write(f"newsbeam: {error}\n")
        return 2
    return 0


def _run(own: argparse.Namespace, config: Config, beam_options: Sequence[str]) -> object:
    sink = own.sink or config.db
    if own.urls is not None:
        if own.streaming or own.source:
            raise UserError("--urls is a job that ends: leave out --streaming and --source")
        from pipeline.jobs.bounded import run_bounded

        return run_bounded(own.urls, sink, config, beam_options)
    if not own.streaming:
        raise UserError("say which articles: --urls FILE, or --streaming --source SOURCE")
    if not own.source:
        raise UserError("say where the links come from: --source pubsub:projects/P/subscriptions/S or ledger:URL")
    from pipeline.jobs.stream import Job, run_streaming

    job = Job(own.source, sink, own.ledger or "", own.dead_letter_topic or "", own.output_topic or "")
    return run_streaming(job, config, beam_options)


if __name__ == "__main__":
    sys.exit(main())

"""`newsbeam audit`, `feeds`, `failures` and `why`: read-only reports on the database.

Only `failures --retry` and `feeds --enable` write to it.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from pipeline.cli.options import configured, utf8_text
from pipeline.cli.output import print_rows
from pipeline.config import Config
from pipeline.logs.terminal import json_text, one_line
from transforms.errors import UserError

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line instead of a table.")


@click.command()
@configured("db")
def audit(config: Config, /) -> None:
    """Count URLs by outcome, as one JSON object.

    The exit code is 1 if any URL is lost, which is a bug in newsbeam.
    """
    from pipeline.ledger import reports
    from pipeline.tables.database import open_for_reading

    counts = reports.audit(open_for_reading(config.db), datetime.now(UTC), repair=False)
    click.echo(json_text(counts.as_json()))
    sys.exit(1 if counts.lost else 0)


@click.command()
@click.option("--enable", metavar="URL", callback=utf8_text, help="Poll this feed again, which was disabled (410).")
@AS_JSON
@configured("db")
def feeds(config: Config, /, as_json: bool, enable: str | None) -> None:
    """List the feeds, each with its next poll and last error."""
    from pipeline.ledger import reports
    from pipeline.tables.database import open_database, open_for_reading

    engine = open_for_reading(config.db)
    if enable is not None:
        engine.dispose()
        from pipeline.ledger import Ledger

        if not Ledger(open_database(config.db)).feeds.enable(enable, datetime.now(UTC)):
            raise UserError(f"no feed {enable!r}; `newsbeam feeds` lists them")
        click.echo("due now")
        return
    rows = reports.feeds(engine, datetime.now(UTC))
    print_rows(rows, ("url", "title", "interval_s", "next_poll_at", "gaps", "quiet", "last_error"), as_json)


@click.command()
@click.option(
    "--retry",
    metavar="REASON|URL",
    callback=utf8_text,
    help="Retry now: all failed URLs with this reason, or this one URL.",
)
@AS_JSON
@configured("db")
def failures(config: Config, /, as_json: bool, retry: str | None) -> None:
    """List the URLs that failed, with the reason and the time of the next try."""
    from pipeline.ledger import reports
    from pipeline.tables.database import open_database, open_for_reading

    engine = open_for_reading(config.db)
    if retry is None:
        print_rows(reports.failures(engine), ("url", "reason", "tries", "due_at", "message"), as_json)
        return
    engine.dispose()
    from pipeline.ledger import Ledger

    is_url = "://" in retry
    ledger = Ledger(open_database(config.db))
    count = ledger.links.retry(datetime.now(UTC), url=retry if is_url else "", reason="" if is_url else retry)
    if not count:
        raise UserError(f"no failed URL matches {retry!r}; `newsbeam failures` lists them")
    click.echo(f"{count} due now")


@click.command()
@click.argument("url", callback=utf8_text)
@configured("db")
def why(config: Config, /, url: str) -> None:
    """Show everything known about one URL.

    Prints JSON: the feeds that listed it, every failed try, its outcome and its revisions.
    """
    from pipeline.ledger import reports
    from pipeline.tables.database import open_for_reading

    found = reports.why(open_for_reading(config.db), url)
    if found is None:
        click.echo(f"newsbeam: no feed has listed {one_line(url)} so far; `newsbeam feeds` shows their polls", err=True)
        sys.exit(1)
    click.echo(json_text(found, indent=2))

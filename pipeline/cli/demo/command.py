"""The command `newsbeam demo`."""

from __future__ import annotations

import sys

import click

from pipeline.cli.options import utf8_text


@click.command()
@click.option(
    "--db",
    metavar="URL",
    callback=utf8_text,
    help="Keep the result in this database.  [default: a new one in a temporary folder]",
)
@click.option(
    "--sink",
    metavar="SINK",
    callback=utf8_text,
    help="Also write the articles to this sink in one Beam job, for example bigquery:PROJECT.DATASET.",
)
def demo(db: str | None, sink: str | None) -> None:
    """Ingest a small news site served on this machine, and show the result."""
    from pipeline.cli.demo.demonstrate import demonstrate

    sys.exit(demonstrate(db, sink=sink))

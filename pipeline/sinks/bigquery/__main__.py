"""Print the tables and views of BigQuery as JSON, or create them.

python -m pipeline.sinks.bigquery PROJECT.DATASET [--create]
"""

from __future__ import annotations

import json

import click

from pipeline.sinks.bigquery.tables import create_tables, describe
from transforms.errors import UserError


@click.command()
@click.argument("dataset", default="PROJECT.DATASET")
@click.option("--create", is_flag=True, help="Create missing tables and update views, with this machine's credentials.")
def main(dataset: str, create: bool) -> None:
    """Print the tables and views of DATASET as JSON, or create them. The views' queries refer to DATASET."""
    if not create:
        click.echo(json.dumps(describe(dataset), indent=2))
        return
    from google.cloud import bigquery

    from pipeline.sinks.bigquery.sink import checked_dataset

    try:
        checked_dataset(dataset)
    except UserError as error:
        raise click.ClickException(str(error)) from error
    create_tables(bigquery.Client(dataset.partition(".")[0]), dataset)


main(prog_name="python -m pipeline.sinks.bigquery")

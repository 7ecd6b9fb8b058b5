"""`python -m pipeline`: the graph as one Beam job, over a file of URLs or a stream of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import add_options, configured, nearest_option, setting_option
from pipeline.cli.output import reported_errors
from pipeline.config import JOB_SETTINGS, Config, JobArguments, settings_of
from pipeline.logs.terminal import json_text
from transforms.errors import UserError


class JobCommand(click.Command):
    """A command that reports user errors as one line and passes unknown options to Beam."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command from the command line."""
        with reported_errors():
            return super().main(*args, **kwargs)


@click.command(
    cls=JobCommand,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "ignore_unknown_options": True,
        "max_content_width": 100,
    },
)
@click.option("--urls", metavar="FILE", help="Process the article URLs in this file, one per line, and exit.")
@click.option("--streaming", is_flag=True, help="Run until stopped; needs --source.")
@add_options(*(setting_option(setting) for setting in settings_of(JobArguments).values()))
@configured("db", *JOB_SETTINGS, "allow_private_addresses")
@click.argument("beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[BEAM OPTION...]")
def job(
    config: Config,
    /,
    urls: str | None,
    streaming: bool,
    beam_options: Sequence[str],
    **arguments: str | None,
) -> None:
    """Run newsbeam as one Beam job. Options that are not listed here are passed to Beam.

    \b
    python -m pipeline --runner=DirectRunner --urls FILE --db URL
    python -m pipeline --runner=DataflowRunner --streaming --source pubsub:projects/P/subscriptions/S \\
        --sink bigquery:P.DATASET
    python -m pipeline --runner=FlinkRunner --streaming --source ledger:postgresql://... --sink postgresql://...

    Without --sink, rows go to the database --db.
    """
    command = click.get_current_context().command
    refuse_misspelled(beam_options, [option for parameter in command.params for option in parameter.opts])
    from pipeline.logs import configure_logs

    configure_logs(json=not sys.stderr.isatty())
    sink = arguments["sink"] or config.db
    source = arguments["source"]
    if urls is not None:
        if streaming or source:
            raise UserError("--urls processes a file and exits: leave out --streaming and --source")
        from pipeline.jobs.bounded import run_bounded

        click.echo(json_text(run_bounded(Path(urls), sink, config, beam_options)))
        return
    if not streaming:
        raise UserError("nothing to read: pass --urls FILE, or --streaming and --source SOURCE")
    if not source:
        raise UserError("nothing to read: pass --source pubsub:projects/P/subscriptions/S or --source ledger:URL")
    from pipeline.jobs.stream import Job, run_streaming

    ledger, letters, events = (arguments[name] or "" for name in ("ledger", "dead_letter_topic", "output_topic"))
    click.echo(json_text(run_streaming(Job(source, sink, ledger, letters, events), config, beam_options)))


def refuse_misspelled(beam_options: Sequence[str], known: Sequence[str]) -> None:
    """Raise UserError for an option that looks like a misspelled option of newsbeam.

    newsbeam's options have dashes and Beam's have underscores. Beam ignores unknown options, so a typo would go
    unnoticed.
    """
    for text in beam_options:
        name = text.partition("=")[0]
        if name.startswith("--") and (meant := nearest_option(name, known)) and "_" not in name:
            raise UserError(f"{name}: unknown option; did you mean {meant}?")

"""`python -m pipeline`: the graph as one Beam job, over a file of URLs or a stream of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import add_options, configured, nearest_option, setting_option
from pipeline.cli.output import json_text, reported_errors
from pipeline.config import JOB_SETTINGS, Config, JobArguments, settings_of
from transforms.errors import UserError


class JobCommand(click.Command):
    """A command that reports errors of the user as one line and leaves unknown options to Beam."""

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
@click.option("--urls", metavar="FILE", help="Process the article URLs in this file, one per line, and end.")
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
    """Run newsbeam as one Beam job. Options that are not listed here go to Beam.

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
            raise UserError("--urls processes a file and ends: leave out --streaming and --source")
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
    """Raise UserError for an option that looks like a misspelled one of ours.

    Ours are spelled with dashes and Beam's with underscores, and Beam ignores what it does not know.
    """
    for text in beam_options:
        name = text.partition("=")[0]
        if name.startswith("--") and (meant := nearest_option(name, known)) and "_" not in name:
            raise UserError(f"{name}: unknown option; did you mean {meant}?")

"""The command line `newsbeam`: the module of each command, and what all commands share.

To add a command, write a click command in a module of this package and add a line to COMMANDS. Modules import heavy
packages inside their commands, so that --help stays fast.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from pipeline import __version__
from pipeline.cli.output import reported_errors
from pipeline.logs.streams import STDOUT, discard

COMMANDS = {
    "run": "pipeline.cli.ingest",
    "poll": "pipeline.cli.ingest",
    "work": "pipeline.cli.ingest",
    "publish": "pipeline.cli.ingest",
    "enrich": "pipeline.cli.enrich",
    "extract": "pipeline.cli.extract",
    "clean": "pipeline.cli.extract",
    "audit": "pipeline.cli.ask",
    "feeds": "pipeline.cli.ask",
    "failures": "pipeline.cli.ask",
    "why": "pipeline.cli.ask",
    "demo": "pipeline.cli.demo.command",
}


class CommandLine(click.Group):
    """A group that imports the module of a command on first use, and reports user errors as one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = vars(import_module(COMMANDS[cmd_name]))[cmd_name]
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command from the command line."""
        with reported_errors():
            return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command whose arguments have been parsed."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # the process that reads our output, such as `head`, has exited
            discard(STDOUT)
            ctx.exit(0)


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="newsbeam")
def main() -> None:
    """Turn news feeds into clean, enriched article rows in a database.

    Start with `newsbeam run https://example.org/feed.xml`, or try `newsbeam demo`, which needs no network.

    Settings can be given as options, as environment variables (--host-delay is NEWSBEAM_HOST_DELAY) or in newsbeam.toml
    (host_delay = 1). Options override variables, and variables override the file.
    """
    from pipeline.logs import configure_logs

    configure_logs(json=not sys.stderr.isatty())


if __name__ == "__main__":
    main()

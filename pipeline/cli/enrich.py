"""`newsbeam enrich`: run enrichments again over what is stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from pipeline.cli.ingest import on_stop
from pipeline.cli.options import configured, utf8_text
from pipeline.config import Config
from pipeline.logs.terminal import json_text
from transforms.errors import UserError

_CODE = re.compile(r"[A-Za-z]{2,3}")


@click.command()
@click.option("--language", default="", metavar="CODE", callback=utf8_text, help="Only articles in this language.")
@click.option("--since", metavar="DATE", help="Only articles fetched since: 2026-11-25 or 2026-11-25T18:00, in UTC.")
@click.option(
    "--stage", "stages", multiple=True, metavar="NAME", help="Only this stage; may be repeated.  [default: all]"
)
@click.option("--restart", is_flag=True, help="Start over instead of going on where an earlier run was stopped.")
@configured("db")
def enrich(config: Config, /, language: str, since: str | None, stages: Sequence[str], restart: bool) -> None:
    """Detect languages and find entities again in stored articles, without fetching them.

    Use it after a model was installed. It may run beside `run` and `work`, whose processes know a new model only when
    they are started again. Stopped or killed, the same command goes on where it was.
    """
    from pipeline.jobs.enrich import Enricher
    from pipeline.tables.database import open_existing
    from pipeline.tables.stored import Selection

    selection = Selection(_language_code(language), _time(since) if since is not None else None)
    engine = open_existing(config.db)
    enricher = Enricher(engine, config, tuple(stages), selection)
    on_stop(enricher.stop)
    counts = enricher.run(restart)
    click.echo(json_text({**asdict(counts), "done": enricher.is_done}))


def _language_code(text: str) -> str:
    if text and not _CODE.fullmatch(text):
        raise UserError(f"--language: {text!r} is no code such as de (ISO 639-1) or yue (ISO 639-3)")
    return text.lower()


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UserError(f"--since: {text!r} is no date such as 2026-11-25 or 2026-11-25T18:00") from exc
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time

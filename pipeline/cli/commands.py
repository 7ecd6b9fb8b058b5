"""The command line: `newsbeam run`, `poll`, `work`, `extract`, `clean`, `audit`, `feeds`, `failures`, `why`, `demo`.

Everything heavy is imported inside the commands, so that --help is instant.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline import __version__
from pipeline.config import Config
from transforms.errors import UserError

if TYPE_CHECKING:
    import sqlalchemy as sa

F = TypeVar("F", bound=Callable[..., Any])

DB_OPTION = click.option("--db", metavar="URL", help="SQLAlchemy URL of the database. [default: sqlite:///newsbeam.db]")
ONCE_OPTION = click.option("--once", is_flag=True, help="Stop when everything that is due has been done.")
PATIENCE_OPTION = click.option(
    "--patience", type=float, metavar="SECONDS", help="With --once: wait for tries due within this time. [default: 30]"
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of a table.")


BODY_OPTION = click.option(
    "--body",
    metavar="WORDS",
    help="What else is body, or is not: tables, embeds, standfirst, -standfirst, -live_posts, -headings.",
)


def fetch_options(command: F) -> F:
    """Add the options that say how hosts are treated."""
    for option in (
        click.option("--allow-private-addresses", is_flag=True, default=None, help="Also fetch from private networks."),
        click.option("--host-concurrency", type=int, metavar="N", help="Requests at once to one host. [default: 2]"),
        click.option(
            "--host-delay",
            type=float,
            metavar="SECONDS",
            help="Least time between two requests to one host. [default: 1]",
        ),
    ):
        command = option(command)
    return command


class _Commands(click.Group):
    """Report an error that the user can mend as one line on stderr with exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"newsbeam: {error}", err=True)
            ctx.exit(2)
        except BrokenPipeError:
            # the reader of our output has seen enough
            sys.stderr.close()
            ctx.exit(0)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="newsbeam")
def main() -> None:
    """News feeds in; clean, enriched article rows out. Nothing lost, nothing twice.

    Every option can also be set by an environment variable: NEWSBEAM_DB, NEWSBEAM_HOST_DELAY, NEWSBEAM_CONTACT ...
    """
    from pipeline.logs import configure_logs

    configure_logs(json=not sys.stderr.isatty())


@main.command()
@click.argument("feeds", nargs=-1, metavar="FEED...")
@DB_OPTION
@ONCE_OPTION
@PATIENCE_OPTION
@click.option("--workers", type=int, metavar="N", help="Worker processes. [default: one a core]")
@BODY_OPTION
@fetch_options
def run(feeds: tuple[str, ...], once: bool, **options: Any) -> None:
    """Poll feeds and ingest their articles until stopped.

    A FEED is a feed's URL, a home page (its feeds are found), a text file of such lines, or an OPML file. Feeds given
    once are remembered; without any, those of the database are polled.
    """
    _leave_on_signal()
    config = Config.from_environment(**options)
    from pipeline.sources.addresses import read_feed_arguments

    addresses = read_feed_arguments(feeds)
    from pipeline.jobs.run import run as supervise

    if sys.stderr.isatty():
        from pipeline.cli.display import Display
        from pipeline.logs import configure_logs

        # the display turns the lines of this process and of the workers into readable ones
        configure_logs(json=True)
        with Display() as display:
            counts = supervise(config, addresses, once, display)
    else:
        counts = supervise(config, addresses, once)
    if counts is not None:
        click.echo(json.dumps(counts.as_json()))


@main.command()
@click.argument("feeds", nargs=-1, metavar="[FEED...]")
@DB_OPTION
@click.option("--once", is_flag=True, help="Poll every feed once and stop.")
@click.option("--topic", metavar="projects/P/topics/T", help="Also publish what is due, as `newsbeam publish` does.")
@fetch_options
def poll(feeds: tuple[str, ...], once: bool, topic: str | None, **options: Any) -> None:
    """Poll feeds into the ledger; the articles are left to `newsbeam work`, or to a job that reads the topic."""
    _leave_on_signal()
    config = Config.from_environment(**options)
    from pipeline.sources.addresses import read_feed_arguments

    addresses = read_feed_arguments(feeds)
    from pipeline.jobs.poll import Poller
    from pipeline.ledger import Ledger
    from pipeline.tables.database import open_database

    ledger = Ledger(open_database(config.db))
    now = datetime.now(UTC)
    ledger.feeds.add(addresses, now)
    poller = Poller(ledger, config)
    if topic is None:
        _on_stop(poller.stop)
        poller.run(once_since=now if once else None)
        return
    publisher = _publisher(ledger.engine, topic, config)

    def stop() -> None:
        poller.stop()
        publisher.stop()

    _on_stop(stop)
    with ThreadPoolExecutor(1, "publisher") as threads:
        publishing = threads.submit(publisher.run)
        # without its topic a poller would fill the ledger and nobody would know
        publishing.add_done_callback(lambda done: poller.stop() if done.exception() else None)
        poller.run(once_since=now if once else None)
        publisher.finish()
        publishing.result()


@main.command()
@click.option("--topic", metavar="projects/P/topics/T", required=True, help="The topic that a streaming job reads.")
@DB_OPTION
@click.option("--once", is_flag=True, help="Stop when everything that is due has been published.")
@click.option("--host-delay", type=float, metavar="SECONDS", help="Least time between two requests to one host.")
def publish(topic: str, once: bool, **options: Any) -> None:
    """Publish the ledger's due URLs to a topic of Pub/Sub, no faster than their hosts can be asked."""
    _leave_on_signal()
    config = Config.from_environment(**options)
    from pipeline.tables.database import open_database

    publisher = _publisher(open_database(config.db), topic, config)
    _on_stop(publisher.stop)
    if once:
        publisher.finish()
    publisher.run()


@main.command()
@DB_OPTION
@ONCE_OPTION
@PATIENCE_OPTION
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
@BODY_OPTION
@fetch_options
def work(once: bool, until_stdin_closes: bool, **options: Any) -> None:
    """Fetch and enrich the articles that the ledger has, leased host by host.

    Start as many as there are cores, on as many machines as there are.
    """
    _leave_on_signal()
    config = Config.from_environment(**options)
    from pipeline.jobs.work import Worker
    from pipeline.ledger import Ledger
    from pipeline.tables.database import open_database

    worker = Worker(Ledger(open_database(config.db)), config)
    _on_stop(worker.stop)
    if until_stdin_closes:

        def wait_for_parent() -> None:
            # not sys.stdin, whose lock a thread must not hold when the interpreter ends
            while os.read(0, 1024):
                pass
            worker.stop()

        threading.Thread(target=wait_for_parent, name="parent", daemon=True).start()
    worker.run(once)


@main.command()
@click.argument("source", required=False, metavar="FILE|URL")
@click.option(
    "--manifest", type=click.Path(), help='JSON lines {"id", "url", "html"}; html relative to it, .gz allowed.'
)
@click.option("--url", "page_url", default="", help="The address that a FILE was saved from.")
@click.option("--explain", is_flag=True, help="Show the page as kept and removed blocks.")
@click.option("--html", "html_file", type=click.Path(), help="With --explain: write an HTML page here.")
@BODY_OPTION
@fetch_options
def extract(
    source: str | None, manifest: str | None, page_url: str, explain: bool, html_file: str | None, **options: Any
) -> None:
    """Turn pages into articles as JSON lines, without any database."""
    if (source is None) == (manifest is None):
        raise UserError("say either a FILE or URL, or --manifest M.jsonl")
    from pipeline.cli import extraction as pages

    config = Config.from_environment(**options)
    policy = config.body_policy()
    if manifest is not None:
        for line in pages.extract_manifest(Path(manifest), policy):
            click.echo(line)
        return
    assert source is not None
    page = pages.read_page(source, page_url, config)
    if not explain:
        click.echo(pages.extract_page(page, policy))
    elif html_file:
        _write_text(Path(html_file), pages.explain_page(page, policy, html=True))
    else:
        click.echo(pages.explain_page(page, policy))


@main.command()
@click.argument("file", required=False, default="-", metavar="[FILE]")
@click.option("--url", default="", help="The article's address, if it is known.")
def clean(file: str, url: str) -> None:
    """Clean an article that comes as plain text (a FILE or stdin): title, body, and what was removed, as JSON."""
    from pipeline.cli import extraction as pages

    body = sys.stdin.buffer.read() if file == "-" else _read_bytes(Path(file))
    text = body.decode("utf-8", "replace")
    click.echo(pages.clean_text_json(text, url))


@main.command()
@DB_OPTION
def audit(db: str | None) -> None:
    """Add up the fates of all URLs as one JSON object; exit code 1 if any URL is lost."""
    from pipeline.ledger import reports

    counts = reports.audit(_existing_database(db), datetime.now(UTC))
    click.echo(json.dumps(counts.as_json()))
    sys.exit(1 if counts.lost else 0)


@main.command()
@DB_OPTION
@JSON_OPTION
def feeds(db: str | None, as_json: bool) -> None:
    """Show each feed: when it is polled next, what went wrong last."""
    from pipeline.ledger import reports

    rows = reports.feeds(_existing_database(db), datetime.now(UTC))
    _print_rows(rows, ("url", "title", "interval_s", "next_poll_at", "gaps", "quiet", "last_error"), as_json)


@main.command()
@DB_OPTION
@JSON_OPTION
@click.option("--retry", metavar="REASON|URL", help="Make the failed URLs of this reason, or this one URL, due now.")
def failures(db: str | None, as_json: bool, retry: str | None) -> None:
    """Show the URLs that failed, with the reason and when each is tried again."""
    from pipeline.ledger import reports

    engine = _existing_database(db)
    if retry is None:
        _print_rows(reports.failures(engine), ("url", "reason", "tries", "due_at", "message"), as_json)
        return
    from pipeline.ledger import Ledger

    is_url = "://" in retry
    now = datetime.now(UTC)
    count = Ledger(engine).links.retry(now, url=retry if is_url else "", reason="" if is_url else retry)
    if not count:
        raise UserError(f"nothing failed with {retry!r}: `newsbeam failures` shows what did")
    click.echo(f"{count} due now")


@main.command()
@click.argument("url")
@DB_OPTION
def why(url: str, db: str | None) -> None:
    """Tell everything known of one URL: which feed named it, each try, its fate."""
    from pipeline.ledger import reports

    found = reports.why(_existing_database(db), url)
    if found is None:
        click.echo(f"newsbeam: no feed has named {url} so far; `newsbeam feeds` shows when each was polled", err=True)
        sys.exit(1)
    click.echo(json.dumps(found, indent=2, default=_plain, ensure_ascii=False))


@main.command()
@click.option(
    "--db", metavar="URL", help="Keep the result in this database. [default: a new one in a temporary folder]"
)
def demo(db: str | None) -> None:
    """Ingest a small news site that this command serves itself, and show what came out."""
    from pipeline.cli.demo import demonstrate

    sys.exit(demonstrate(db))


def _existing_database(db: str | None) -> sa.Engine:
    from pipeline.tables.database import open_database

    url = Config.from_environment(db=db).db
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.exists():
        raise UserError(f"no database at {path}: say --db, or make one with `newsbeam run FEED`")
    return open_database(url)


def _publisher(engine: sa.Engine, topic: str, config: Config) -> Any:
    from pipeline.jobs.publish import Publisher
    from pipeline.messages.links import checked_topic

    return Publisher(engine, checked_topic(topic), config)


def _on_stop(stop: Callable[[], Any]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())


def _leave_on_signal() -> None:
    """Until there is something to give back, leaving at once is the right answer to a signal."""
    _on_stop(lambda: sys.exit(0))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UserError(f"cannot read {path}: {(exc.strerror or str(exc)).lower()}; check the name") from exc


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise UserError(f"cannot write {path}: {(exc.strerror or str(exc)).lower()}; choose another name") from exc


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _print_rows(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        for row in rows:
            click.echo(json.dumps(row, default=_plain, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*_cells(row, columns))
    Console().print(table)


def _cells(row: dict[str, Any], columns: tuple[str, ...]) -> Iterator[str]:
    from rich.markup import escape

    for name in columns:
        value = row[name]
        if isinstance(value, datetime):
            yield f"{value:%Y-%m-%d %H:%M:%S}"
        else:
            yield "" if value is None else escape(str(value))


if __name__ == "__main__":
    main()

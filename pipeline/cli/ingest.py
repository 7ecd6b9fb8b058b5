"""`newsbeam run`, `poll`, `work` and `publish`: the commands that fill the tables."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import FETCHING, ONCE, configured
from pipeline.config import Config
from pipeline.logs.terminal import json_text

if TYPE_CHECKING:
    import sqlalchemy as sa

    from pipeline.jobs.publish import Client, Publisher


@click.command()
@click.argument("feeds", nargs=-1, metavar="[FEED...]")
@ONCE
@configured("db", "patience", "workers", "body", *FETCHING)
def run(config: Config, /, feeds: Sequence[str], once: bool) -> None:
    """Poll feeds and ingest their articles until stopped.

    A FEED is the URL of a feed or of a home page that links to its feeds, a text file with one URL per line, or an OPML
    file. Feeds are stored in the database: without a FEED, those already there are polled.
    """
    _exit_on_signal()
    from pipeline.sources.addresses import read_feed_arguments

    addresses = read_feed_arguments(feeds)
    from pipeline.jobs.run import run as supervise

    if sys.stderr.isatty():
        from pipeline.cli.display import Display
        from pipeline.logs import configure_logs

        # the display makes the lines of this process and of the workers readable
        configure_logs(json=True)
        with Display() as display:
            counts = supervise(config, addresses, once, display)
    else:
        counts = supervise(config, addresses, once)
    if counts is not None:
        click.echo(json_text(counts.as_json()))


@click.command()
@click.argument("feeds", nargs=-1, metavar="[FEED...]")
@click.option("--once", is_flag=True, help="Poll every feed once and stop.")
@click.option("--topic", metavar="projects/P/topics/T", help="Also publish due URLs to this topic, as `publish` does.")
@configured("db", *FETCHING)
def poll(config: Config, /, feeds: Sequence[str], once: bool, topic: str | None) -> None:
    """Poll feeds into the database without fetching articles.

    The articles are fetched by `newsbeam work`, or by a streaming job that reads the topic.
    """
    _exit_on_signal()
    from pipeline.sources.addresses import read_feed_arguments

    addresses = read_feed_arguments(feeds)
    client = _publishing_client(topic) if topic is not None else None
    from pipeline.jobs.poll import Poller
    from pipeline.ledger import Ledger
    from pipeline.tables.database import open_when_there

    ledger = Ledger(open_when_there(config.db))
    now = datetime.now(UTC)
    ledger.feeds.add(addresses, now)
    poller = Poller(ledger, config)
    if topic is None:
        on_stop(poller.stop)
        poller.run(once_since=now if once else None)
        return
    publisher = _publisher(ledger.engine, topic, config, client)

    def stop() -> None:
        poller.stop()
        publisher.stop()

    on_stop(stop)
    with ThreadPoolExecutor(1, "publisher") as threads:
        publishing = threads.submit(publisher.run)
        # if the publisher fails, stop polling: the ledger would fill up unnoticed
        publishing.add_done_callback(lambda done: poller.stop() if done.exception() else None)
        poller.run(once_since=now if once else None)
        publisher.finish()
        publishing.result()


@click.command()
@ONCE
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
@click.option("--forgive", is_flag=True, hidden=True)
@configured("db", "patience", "body", *FETCHING)
def work(config: Config, /, once: bool, until_stdin_closes: bool, forgive: bool) -> None:
    """Fetch and process the articles that `poll` has found.

    Start one worker per core, on as many machines as you like: each reserves the hosts that it fetches from.
    """
    _exit_on_signal()
    from pipeline.tables.database import open_when_there

    if until_stdin_closes:
        # before anything that may wait for the database
        threading.Thread(target=_stop_with_parent, name="parent", daemon=True).start()
    # before anything that takes seconds to load, in case the database cannot be used; `run` has opened it already
    engine = open_when_there(config.db, is_there=until_stdin_closes)
    from pipeline.graph.reading import launch_reading

    # loads its models while this process loads Beam
    launch_reading(config)
    from pipeline.jobs.work import Worker
    from pipeline.ledger import Ledger

    worker = Worker(Ledger(engine), config)
    on_stop(worker.stop)
    worker.run(once, forgive)


def _stop_with_parent() -> None:
    # not sys.stdin, whose lock a thread must not hold when the interpreter exits
    while os.read(0, 1024):
        pass
    # to the process, so that the main thread wakes up
    os.kill(os.getpid(), signal.SIGTERM)


@click.command()
@click.option("--topic", metavar="projects/P/topics/T", required=True, help="Topic that the streaming job reads.")
@click.option("--once", is_flag=True, help="Stop when everything that is due has been published.")
@configured("db", "host_delay")
def publish(config: Config, /, topic: str, once: bool) -> None:
    """Publish due URLs to a Pub/Sub topic for a streaming job.

    URLs of one host are published no faster than they may be fetched.
    """
    _exit_on_signal()
    from pipeline.tables.database import open_when_there

    client = _publishing_client(topic)
    publisher = _publisher(open_when_there(config.db), topic, config, client)
    on_stop(publisher.stop)
    if once:
        publisher.finish()
    publisher.run()


def _publishing_client(topic: str) -> Client:
    """Return a client; raises UserError, before any database is opened, for a name that is no topic's."""
    from pipeline.messages.links import checked_topic

    checked_topic(topic)
    from pipeline.jobs.publish import make_client

    client: Client = make_client()
    return client


def _publisher(engine: sa.Engine, topic: str, config: Config, client: Client | None) -> Publisher:
    from pipeline.jobs.publish import Publisher

    return Publisher(engine, topic, config, client)


def on_stop(stop: Callable[[], object]) -> None:
    """Call `stop` on SIGINT and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())


def _exit_on_signal() -> None:
    """Exit at once on a signal, as long as there is nothing to release."""
    on_stop(lambda: sys.exit(0))

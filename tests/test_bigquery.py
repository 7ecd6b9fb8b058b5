"""BigQuery through Beam's own sink, on an emulator: what lands, and one row per article after repeats and edits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from commands import clean_environment, newsbeam, rows_of, start
from newsworld import Newsworld
from test_tables import OUTCOMES

from pipeline.config import Config
from pipeline.tables.database import METADATA, open_database
from pipeline.tables.schema import TABLES
from transforms.records import (
    Article,
    ArticleLink,
    BadMessage,
    Block,
    BlockKind,
    Entity,
    Failure,
    Image,
    Mention,
    Rejection,
)
from transforms.urls import url_key

pytestmark = pytest.mark.cloud
pytest.importorskip("google.cloud.bigquery", reason="pip install 'newsbeam[cloud,cloud-test]'")
pytest.importorskip("bqemulator", reason="pip install 'newsbeam[cloud,cloud-test]'")

import apache_beam as beam  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402
from apache_beam.runners.portability.fn_api_runner import FnApiRunner  # noqa: E402
from emulators.bigquery import PROJECT, BigQueryServer  # noqa: E402

from pipeline.graph.build import Outcomes  # noqa: E402
from pipeline.sinks.bigquery import tables as bigquery  # noqa: E402
from pipeline.sinks.bigquery.sink import WriteRows  # noqa: E402

DATASET = f"{PROJECT}.news"
MISSING = """SELECT COUNT(*) AS n FROM `{d}.urls_latest` AS u
  LEFT JOIN `{d}.articles_latest` AS a ON a.article_id = u.article_id
  WHERE u.outcome = 'article' AND a.article_id IS NULL"""
LETTERS = "SELECT payload FROM `{d}.dead_letters_latest` WHERE reason = 'bad message'"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BigQueryServer]:
    with BigQueryServer(tmp_path_factory.mktemp("bigquery")) as server:
        yield server


@pytest.fixture
def client(server: BigQueryServer) -> Iterator[Any]:
    """A client of an emulator whose one dataset has empty tables and the views."""
    client = server.client()
    client.delete_dataset(DATASET, delete_contents=True, not_found_ok=True)
    client.create_dataset(DATASET)
    bigquery.create_tables(client, DATASET)
    yield client
    client.close()


def query(client: Any, text: str) -> list[dict[str, Any]]:
    return [dict(row) for row in client.query(text.replace("{d}", DATASET)).result()]


def article(name: str, text: str, names: tuple[str, ...] = ("Ann Lee", "Oslo"), **fields: Any) -> Article:
    """Create an article as the graph returns it."""
    url = f"https://news.example/{name}"
    link = ArticleLink(url, url, "", "news.example", "https://news.example/feed", NOW - timedelta(hours=1))
    return Article(
        **{
            "link": link,
            "url": url,
            "title": f"Title of {name}",
            "authors": ("A. Uthor", "B. Ylined"),
            "published_at": NOW - timedelta(hours=2),
            "language": "en",
            "blocks": (Block(BlockKind.PARAGRAPH, text),),
            "images": (Image("https://news.example/i.jpg", "A caption"),),
            "sources": {"title": "json-ld"},
            "fetched_at": NOW,
            "entities": tuple(Entity(name, "PERSON", 1, 1 / len(names)) for name in names),
            "mentions": tuple(Mention(number, 0, 1, name, "PERSON") for number, name in enumerate(names)),
        }
        | fields
    )


def write(server: BigQueryServer, method: str, outcomes: list[Any], tmp_path: Path) -> None:
    """Write outcomes as a bounded job would, in a process that uses the emulator."""
    import pickle

    (tmp_path / "outcomes").write_bytes(pickle.dumps((method, server.temp_location, outcomes)))
    done = subprocess.run(
        [*server.command(), "-m", "test_bigquery", str(tmp_path / "outcomes")],
        capture_output=True,
        text=True,
        env=clean_environment() | server.environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def write_outcomes(path: str) -> None:
    """The work of the process that `write` starts."""
    import pickle

    method, temp_location, outcomes = pickle.loads(Path(path).read_bytes())
    options = PipelineOptions([f"--project={PROJECT}", f"--temp_location={temp_location}"])
    with beam.Pipeline(runner=FnApiRunner(), options=options) as pipeline:
        good = [outcome for outcome in outcomes if isinstance(outcome, Article)]
        bad = [outcome for outcome in outcomes if not isinstance(outcome, Article)]
        both = Outcomes(pipeline | "Good" >> beam.Create(good), pipeline | "Bad" >> beam.Create(bad))
        _ = both | WriteRows(f"bigquery:{DATASET}", Config(bigquery_method=method))


@pytest.mark.parametrize("method", ["STREAMING_INSERTS", "FILE_LOADS"])
def test_every_declared_table_is_written_and_every_column_filled(
    method: str, server: BigQueryServer, client: Any, tmp_path: Path
) -> None:
    write(server, method, list(OUTCOMES), tmp_path)
    for name, table in bigquery.BIGQUERY_TABLES.items():
        rows = query(client, f"SELECT * FROM `{{d}}.{name}`")
        assert rows, name
        columns = [field["name"] for field in table.fields]
        assert [column for column in columns if all(row[column] in (None, [], "{}") for row in rows)] == [], name


@pytest.mark.parametrize("method", ["STREAMING_INSERTS", "FILE_LOADS"])
def test_views_give_one_row_per_article_after_repeats_and_edits(
    method: str, server: BigQueryServer, client: Any, tmp_path: Path
) -> None:
    one, other = article("one", "Ann Lee went to Oslo."), article("other", "Nothing new.", names=())
    link = one.link
    failure = Failure(link, "timeout", "fetch", "FetchTimeout", "too slow", 1, NOW, NOW + timedelta(hours=1), "{}")
    rejected = replace(link, url="https://news.example/gone", canonical_url="https://news.example/gone")
    gone = Rejection(rejected, "http 404", "fetch", "http 404", NOW)
    bad = BadMessage(b"\xffno json", "not json", NOW)
    first = [one, other, failure, gone, bad]
    edited = article("one", "Ann Lee stayed at home.", names=("Ann Lee",), fetched_at=NOW + timedelta(hours=3))
    write(server, method, first, tmp_path)
    write(server, method, first, tmp_path)
    assert query(client, "SELECT MAX(revision) AS n FROM `{d}.articles_latest`") == [{"n": 1}], (
        "a repeat is not an edit"
    )
    write(server, method, [edited], tmp_path)

    assert query(client, "SELECT COUNT(*) AS n FROM `{d}.articles`") == [{"n": 5}], "every version is kept"
    newest = {row["url"]: row for row in query(client, "SELECT * FROM `{d}.articles_latest`")}
    assert set(newest) == {one.url, other.url}
    assert newest[one.url]["body"] == edited.body and newest[one.url]["revision"] == 2
    assert newest[one.url]["authors"] == ["A. Uthor", "B. Ylined"] and newest[other.url]["revision"] == 1
    assert newest[one.url]["published_at"] == one.published_at
    assert json.loads(newest[one.url]["sources"]) == {"title": "json-ld"}
    revisions = query(client, "SELECT revision, body FROM `{d}.revisions` WHERE body != 'Nothing new.' ORDER BY 1")
    assert revisions == [{"revision": 1, "body": one.body}, {"revision": 2, "body": edited.body}]
    names = query(client, "SELECT name FROM `{d}.entities_latest`")
    assert [row["name"] for row in names] == ["Ann Lee"], "names that the edit removed are gone"
    for table, count in (("mentions", 1), ("images", 2), ("removed_blocks", 0), ("dead_letters", 2), ("urls", 3)):
        assert query(client, f"SELECT COUNT(*) AS n FROM `{{d}}.{table}_latest`") == [{"n": count}], table
    fates = query(client, "SELECT outcome, reason, urls FROM `{d}.fates` ORDER BY outcome")
    assert fates == [
        {"outcome": "article", "reason": "", "urls": 2},
        {"outcome": "rejected", "reason": "http 404", "urls": 1},
    ]
    day = (NOW - timedelta(hours=2)).date()
    assert query(client, "SELECT day, name, articles, place FROM `{d}.top_entities`") == [
        {"day": day, "name": "Ann Lee", "articles": 1, "place": 1}
    ]
    assert query(client, "SELECT day, COUNT(*) AS n FROM `{d}.articles_of_day` GROUP BY day") == [{"day": day, "n": 2}]
    reasons = query(client, "SELECT reason, tries, given_up FROM `{d}.failures_by_reason` ORDER BY reason")
    assert reasons == [
        {"reason": "bad message", "tries": 1, "given_up": 1},
        {"reason": "timeout", "tries": 1, "given_up": 0},
    ]
    payload = query(client, "SELECT payload FROM `{d}.dead_letters_latest` WHERE stage = 'read'")
    assert payload == [{"payload": "\\xffno json"}]


def test_tables_match_the_schema() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "pipeline.sinks.bigquery", DATASET], capture_output=True, text=True, check=True
    )
    described = json.loads(printed.stdout)
    assert described == json.loads(json.dumps(bigquery.describe(DATASET)))
    tables = {table["name"]: table for table in described["tables"]}
    assert set(tables) == {table.name for table in TABLES if table.is_output} - {"revisions"}
    for table in TABLES:
        if table.name not in tables:
            continue
        fields = {field["name"] for field in tables[table.name]["fields"]}
        assert fields >= {table.partition, *table.cluster}
        assert 1 <= len(table.cluster) <= 4
        assert fields - set(table.column_names()) <= {"processed_at"}
    for view in described["views"]:
        assert f"`{DATASET}." in view["query"] and "{" not in view["query"], view["name"]


@pytest.mark.parametrize("method", ["FILE_LOADS"])
def test_every_article_lands_in_bigquery_from_a_topic(
    method: str, server: BigQueryServer, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from topics import URLS, open_topics, running_job, subscription_of, wait_for

    db = f"sqlite:///{tmp_path}/ledger.db"
    open_database(db).dispose()
    polite = ["--allow-private-addresses", "--host-delay", "0.05"]
    arguments = [
        "--source",
        f"pubsub:{subscription_of(URLS)}",
        "--sink",
        f"bigquery:{DATASET}",
        "--ledger",
        db,
        *polite,
    ]
    arguments += ["--bigquery-method", method, "--bigquery-frequency", "3"]
    arguments += [f"--project={PROJECT}", f"--temp_location={server.temp_location}"]
    with open_topics(tmp_path, monkeypatch) as topics, Newsworld(pages=12, faults=False) as world:
        truth = Counter((url_key(row["url"]), row["outcome"]) for row in world.truth())
        articles = sum(outcome == "article" for _, outcome in truth)
        environment = topics.environment | server.environment
        # the command expects `-m MODULE`, as Python itself does
        python = server.command()
        with running_job(tmp_path, *arguments, python=python, environment=environment) as process:
            topics.publish(URLS, b"no json")
            poller = start("poll", "--topic", URLS, "--db", db, *polite, world.feeds_url)
            try:
                settled = sa.select(METADATA.tables["urls"].c.canonical_url, METADATA.tables["urls"].c.outcome)
                log = tmp_path / "job.log"
                wait_for(
                    lambda: Counter(tuple(row.values()) for row in rows_of(db, settled)) == truth, 300, log, process
                )
                count = "SELECT COUNT(*) AS n FROM `{d}.urls_latest` WHERE outcome = 'article'"
                wait_for(lambda: query(client, count) == [{"n": articles}], 120, log, process)
                # each table is loaded by its own jobs, some sooner than others
                wait_for(lambda: query(client, MISSING) == [{"n": 0}], 120, log, process)
                wait_for(lambda: query(client, LETTERS) == [{"payload": "no json"}], 120, log, process)
            finally:
                poller.terminate()
                poller.communicate(timeout=20)
    assert query(client, "SELECT COUNT(*) AS n FROM `{d}.articles_latest`")[0]["n"] > 0
    landed = {row["url"] for row in query(client, "SELECT url FROM `{d}.urls_latest` WHERE outcome = 'article'")}
    assert {url_key(url) for url in landed} == {key for key, outcome in truth if outcome == "article"}
    audit = newsbeam("audit", "--db", db)
    assert audit.returncode == 0, audit.stdout
    counts = json.loads(audit.stdout)
    assert counts["lost"] == 0 and counts["article"] == articles


if __name__ == "__main__":
    write_outcomes(sys.argv[1])

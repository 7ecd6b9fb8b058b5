"""The README's steps for an enrichment with its own table, followed literally."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from howto import Copy, read_steps

from pipeline.tables.database import create_engine, reading

pytestmark = pytest.mark.slow
CREATE_TABLES = """
from emulators.bigquery import PROJECT
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from pipeline.sinks.bigquery.tables import create_tables

create_tables(bigquery.Client(PROJECT, AnonymousCredentials()), "{dataset}")
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    copy = Copy(tmp_path_factory.mktemp("howto"))
    copy.follow()
    assert copy.written == {"transforms/reading.py", "transforms/records.py", "pipeline/tables/enrichments.py"}
    copy.run("-m", "pipeline.tables.migrations.make", "add readings")
    return copy


def test_the_steps_are_five_blocks_in_three_files() -> None:
    assert len(read_steps()) == 5


def test_sqlite_has_one_row_per_article(copy: Copy, tmp_path: Path) -> None:
    copy.run("-m", "pipeline.cli", "demo", "--db", f"sqlite:///{tmp_path}/demo.db")
    database = sqlite3.connect(tmp_path / "demo.db")
    assert database.execute("select count(*), min(minutes) > 0.5 from readings").fetchone() == (12, 1)
    wrong = (
        "select count(*) from readings join articles using (article_id) where abs(minutes - word_count / 238.0) > 0.01"
    )
    assert database.execute(wrong).fetchone() == (0,)
    database.execute("delete from articles")
    assert database.execute("select count(*) from readings").fetchone() == (0,)
    database.close()


def test_postgresql_has_one_row_per_article(copy: Copy) -> None:
    from emulators.postgres import create_database

    url = create_database()
    copy.run("-m", "pipeline.cli", "demo", "--db", url)
    engine = create_engine(url)
    with reading(engine) as connection:
        assert connection.execute(sa.text("select count(*), min(minutes) > 0.5 from readings")).one() == (12, True)
    engine.dispose()


@pytest.mark.cloud
def test_bigquery_has_one_row_per_article(copy: Copy, tmp_path: Path) -> None:
    pytest.importorskip("bqemulator", reason="pip install 'newsbeam[cloud,cloud-test]'")
    from emulators.bigquery import PROJECT, BigQueryServer

    with BigQueryServer(tmp_path / "bigquery") as server:
        client, dataset = server.client(), f"{PROJECT}.news"
        client.create_dataset(dataset)
        created = "from emulators.bigquery import open_doors; open_doors()\n" + CREATE_TABLES.format(dataset=dataset)
        copy.run("-c", created, environment=server.environment)
        copy.run(
            *("-m", "emulators.bigquery", "-m", "pipeline.cli", "demo", "--sink", f"bigquery:{dataset}"),
            environment={**server.environment, "NEWSBEAM_BIGQUERY_METHOD": "STREAMING_INSERTS"},
        )
        (row,) = client.query(
            f"SELECT COUNT(*) AS n, MIN(minutes) > 0.5 AS ok FROM `{dataset}.readings_latest`"
        ).result()
        assert dict(row) == {"n": 12, "ok": True}
        client.close()


def test_generated_files_include_the_table_and_all_checks_pass(copy: Copy) -> None:
    assert "## readings" in copy.run("-m", "pipeline.tables.markdown")
    assert '"name": "readings_latest"' in copy.run("-m", "pipeline.sinks.bigquery")
    copy.run("-m", "ruff", "format", "--check", "pipeline", "transforms")
    copy.run("-m", "ruff", "check", "pipeline", "transforms")
    copy.run("-m", "mypy")

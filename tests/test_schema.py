"""The tables in real databases: SQLite in a file, and a PostgreSQL server."""

import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from pipeline.tables.database import METADATA, insert_rows, open_database, reading
from pipeline.tables.declare import Type
from pipeline.tables.markdown import tables_markdown
from pipeline.tables.migrations.make import write_migration
from pipeline.tables.schema import TABLES
from transforms.errors import UserError

REPOSITORY = Path(__file__).parent.parent
ARTICLES = METADATA.tables["articles"]
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def article(name: str, title: str, body: str) -> dict[str, Any]:
    """Return a full row of `articles`, filled by column type so that a new column needs no change here."""
    values: dict[Type, Any] = {
        Type.STRING: "x",
        Type.INTEGER: 1,
        Type.FLOAT: 0.5,
        Type.BOOLEAN: False,
        Type.TIMESTAMP: NOW,
        Type.STRINGS: ["Ann Lee", "Æsa"],
        Type.JSON: {"title": "og:title"},
    }
    (table,) = (table for table in TABLES if table.name == "articles")
    row = {c.name: None if c.references else values[c.type] for c in table.columns}
    return row | {"article_id": name, "title": title, "body": body}


def write_article(engine: sa.Engine, name: str, title: str, body: str) -> None:
    with engine.begin() as connection:
        columns = [column.name for column in ARTICLES.columns if not column.primary_key]
        insert_rows(connection, ARTICLES, [article(name, title, body)], update=columns)


def search(engine: sa.Engine, words: str) -> list[str]:
    """Search as docs/tables.md describes."""
    if engine.dialect.name == "sqlite":
        query = "select article_id from articles_fts where articles_fts match :words order by article_id"
    else:
        query = (
            "select article_id from articles where search @@ websearch_to_tsquery('simple', :words) order by article_id"
        )
    with reading(engine) as connection:
        return list(connection.execute(sa.text(query), {"words": words}).scalars())


def test_migrations_and_schema_agree(engine: sa.Engine) -> None:
    def is_ours(thing: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
        # leave out what full-text search adds to the tables of pipeline.tables.schema
        if kind == "table":
            return not reflected or name in METADATA.tables
        return not (reflected and name in ("search", "ix_articles_search"))

    options = {"compare_type": True, "include_object": is_ours}
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_a_difference_would_be_detected(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("alter table feeds drop column title"))
    with reading(engine) as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    assert any(kind == "add_column" and rest[1] == "feeds" and rest[2].name == "title" for kind, *rest in differences)


def test_tables_page_is_up_to_date() -> None:
    assert (REPOSITORY / "docs/tables.md").read_text() == tables_markdown(), "stale: run make docs"


def test_tables_page_is_what_the_module_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "pipeline.tables.markdown"], capture_output=True, text=True, check=True
    )
    assert printed.stdout == tables_markdown()


def test_every_table_and_column_is_listed_once_and_described() -> None:
    assert len({table.name for table in TABLES}) == len(TABLES)
    for table in TABLES:
        names = table.column_names()
        assert len(set(names)) == len(names)
        assert {*table.key, *table.cluster, *(name for index in table.indexes for name in index)} <= set(names)
        assert not table.partition or table.partition in names
        assert all(column.doc.endswith((".", "?")) and "|" not in column.doc for column in table.columns)


def test_a_row_is_read_as_it_was_written(engine: sa.Engine) -> None:
    row = article("a", "Storm", "Wind.\n\nRain “and” snow 雨.")
    write_article(engine, "a", row["title"], row["body"])
    with reading(engine) as connection:
        (stored,) = connection.execute(sa.select(ARTICLES)).mappings()
    assert {name: stored[name] for name in row} == row


def test_search_follows_insert_upsert_and_delete(engine: sa.Engine) -> None:
    write_article(engine, "a", "Storm tears harbour wall", "The ferry stayed in port.")
    write_article(engine, "b", "Council meets", "The harbour fee rises.")
    assert search(engine, "harbour") == ["a", "b"]
    assert search(engine, "ferry") == ["a"]
    write_article(engine, "a", "Storm tears pier", "The ferry sailed to Málaga.")
    assert search(engine, "harbour") == ["b"]
    assert search(engine, "port") == []
    assert search(engine, "pier ferry") == ["a"]
    # the same row again, as a repeated batch writes it
    write_article(engine, "a", "Storm tears pier", "The ferry sailed to Málaga.")
    assert search(engine, "ferry") == ["a"]
    with engine.begin() as connection:
        connection.execute(sa.delete(ARTICLES).where(ARTICLES.c.article_id == "a"))
    assert search(engine, "ferry") == []
    assert search(engine, "harbour") == ["b"]


def test_search_accepts_a_body_of_any_length(engine: sa.Engine) -> None:
    write_article(engine, "long", "Census", " ".join(f"word{number}" for number in range(400_000)))
    assert search(engine, "word17") == ["long"]
    # PostgreSQL stores each compound whole and in parts: more than the 1 MB that a tsvector holds
    dense = " ".join(f"word{number}-{chr(0x4E00 + number % 20_000)}" for number in range(200_000))
    write_article(engine, "dense", "Census " + "x " * 500_000, dense)
    assert search(engine, "word18") == ["dense", "long"]
    write_article(engine, "dense", "Census", "Counted anew.")
    assert search(engine, "word18") == ["long"] and search(engine, "counted") == ["dense"]


def test_search_works_after_vacuum(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/t.db")
    for number in range(40):
        write_article(engine, f"a{number:02d}", f"Title{number}", f"body{number} shared")
    with engine.begin() as connection:
        connection.execute(sa.delete(ARTICLES).where(ARTICLES.c.article_id < "a30"))
    engine.dispose()
    database = sqlite3.connect(tmp_path / "t.db")
    database.execute("VACUUM")
    # compares the index with its content, and fails if they do not agree (https://sqlite.org/fts5.html)
    database.execute("INSERT INTO articles_fts (articles_fts, rank) VALUES ('integrity-check', 1)")
    database.rollback()
    database.close()
    assert search(engine, "shared") == [f"a{number}" for number in range(30, 40)]
    write_article(engine, "a35", "Title35", "changed")
    assert search(engine, "body35") == []
    assert search(engine, "changed") == ["a35"]
    assert search(engine, "body36") == ["a36"]
    engine.dispose()


# each process says that it is ready, waits for a line, and then migrates
MIGRATE = """
import sys
import alembic.command
from pipeline.tables.database import open_database
print("ready", flush=True)
sys.stdin.readline()
open_database(sys.argv[1]).dispose()
"""


def test_processes_that_migrate_at_once_all_succeed(database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", MIGRATE, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert ends == [("", 0)] * 4
    engine = open_database(database_url)
    write_article(engine, "a", "Storm", "The ferry stayed.")
    assert search(engine, "ferry") == ["a"]
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(UserError, match="newer schema"):
        open_database(engine.url.render_as_string(hide_password=False))


def test_no_migration_is_written_without_a_difference(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(REPOSITORY / "pipeline/tables/migrations", folder)
    before = sorted(folder.rglob("*.py"))
    assert write_migration("add nothing", folder) is None
    assert sorted(folder.rglob("*.py")) == before
    with pytest.raises(UserError, match="say what"):
        write_migration("  ", folder)


def test_a_new_column_becomes_a_migration_that_works_on_old_databases(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/t.db"
    engine = open_database(url)
    write_article(engine, "a", "Storm", "The ferry stayed.")
    engine.dispose()
    for package in ("pipeline", "transforms"):
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    schema = tmp_path / "pipeline/tables/articles.py"
    column = '        time("processed_at", "When this version was stored.", lambda a: a.now, required=True),\n'
    assert column in schema.read_text()
    schema.write_text(
        schema.read_text().replace(column, column + '        time("read_at", "When it was read.", lambda a: a.now),\n')
    )

    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    written = Path(run("-m", "pipeline.tables.migrations.make", "add", "read_at").strip())
    assert written == tmp_path / "pipeline/tables/migrations/versions" / written.name
    assert written.name[4:] == "_add_read_at.py"
    run("-c", f"from pipeline.tables.database import open_database; open_database({url!r}).dispose()")
    database = sqlite3.connect(tmp_path / "t.db")
    assert database.execute("select article_id, read_at from articles").fetchall() == [("a", None)]
    database.close()
    assert "already agree" in run("-m", "pipeline.tables.migrations.make", "again")

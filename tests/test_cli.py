"""The command line: user errors are one line with exit code 2; the small commands work as documented."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path

import alembic.command
import pytest
import sqlalchemy as sa
from alembic.config import Config as AlembicConfig
from commands import NEWSBEAM, clean_environment
from forked import newsbeam
from newsworld.offline import read_pages

from pipeline.tables.database import create_engine
from pipeline.tables.migrate import MIGRATIONS

PAGE = (
    "<html lang=en><head><title>Harbour plan</title></head><body><article><h1>Harbour plan</h1>"
    + "<p>The council met on Tuesday evening to vote on the new harbour plan, which residents debated for years.</p>"
    * 1
    + "<p>Mayor Ana Duarte said the first ships would arrive in March, and that Norline had signed a lease.</p>"
    + "<p>Opponents said they would appeal to the regional court in Vantor before the end of the month.</p>"
    + "</article></body></html>"
)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["run", "missing.txt"], "cannot read missing.txt"),
        (["run", "empty.txt"], "no address in empty.txt"),
        (["run", "gopher://example.org/feed"], "not a web address"),
        (["run", "--db", "mysql://localhost/x", "https://example.org/feed"], "sqlite:///FILE or postgresql://"),
        (["run", "--db", "nonsense", "https://example.org/feed"], "not a database URL"),
        (["run", "--db", "sqlite://", "https://example.org/feed"], "needs a file"),
        (["audit", "--db", "sqlite:///:memory:"], "needs a file"),
        (["audit", "--db", "sqlite:///x.db?timeout=abc"], "not a database URL"),
        (["audit", "--db", "postgresql://u:sesame@h:notaport/x"], "not a database URL"),
        (["audit", "--db", "postgresql+nope://u:sesame@h/x"], "postgresql://"),
        (["audit", "--db", "postgresql://u:sesame@127.0.0.1:1/x?nope=1"], "nope"),
        (["audit", "--db", "//u:sesame@h"], "not a database URL"),
        (["why", "https://a.example/\udcff"], "not valid UTF-8"),
        (["failures", "--retry", "\udcff"], "not valid UTF-8"),
        (["run", "https://a.example/\udcff"], "not a web address"),
        (["run", "--db", "sqlite:////no/such/folder/x.db", "https://example.org/feed"], "does not exist"),
        (["audit", "--db", "postgresql://nobody@127.0.0.1:1/x"], "database unreachable"),
        (["audit", "--db", "sqlite:///empty.txt"], "not usable as a database"),
        (["audit"], "no database at newsbeam.db"),
        (
            ["run", "--host-concurrency", "0", "https://example.org/feed"],
            "--host-concurrency 0: expected a whole number from 1 to 64",
        ),
        (["extract"], "pass FILEs or URLs, or --manifest FILE"),
        (["extract", "page.html", "--body", "adverts"], "--body adverts: adverts: expected any of tables"),
        (["extract", "missing.html"], "cannot read missing.html"),
        (["extract", "empty.txt"], "no article in"),
        (["extract", "http://127.0.0.1:1/x"], "private address"),
        (["clean", "missing.txt"], "cannot read missing.txt"),
    ],
)
def test_user_errors_are_one_line(tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "empty.txt").write_text("# nothing here\n")
    if says.startswith("not usable"):
        (tmp_path / "empty.txt").write_text("this is text and no database\n" * 100)
    done = newsbeam(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert "sesame" not in done.stderr


def test_a_full_disk_behind_standard_output_is_reported_in_one_line(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/x.db"
    assert newsbeam("run", "--once", "--db", db).returncode == 2
    for arguments in (["audit", "--db", db], ["--help"], ["audit", "--help"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [*NEWSBEAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, env=clean_environment()
            )
        assert done.returncode == 2, done
        assert done.stderr == "newsbeam: cannot write the output: no space left on device\n"


def test_reports_do_not_migrate_an_older_schema(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/x.db"
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(db).begin() as connection:
        settings.attributes["connection"] = connection
        alembic.command.upgrade(settings, "0001")
    for arguments in (["audit"], ["feeds"], ["failures"], ["why", "https://a.example/1"]):
        done = newsbeam(*arguments, "--db", db)
        assert "Traceback" not in done.stderr, done.stderr
        with create_engine(db).connect() as connection:
            assert connection.execute(sa.text("select version_num from alembic_version")).scalar_one() == "0001"


def test_a_model_that_is_not_installed_is_a_user_error(tmp_path: Path) -> None:
    environment = clean_environment() | {"NEWSBEAM_MODELS": "en=en_core_web_huge"}
    command = [*NEWSBEAM, "run", "https://example.org/feed", "--once", "--db", f"sqlite:///{tmp_path}/x.db"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and "pip install" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_help_is_instant() -> None:
    # CPU seconds, which depend less on other load on the machine than wall-clock time
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*NEWSBEAM, "--help"], check=True, stdout=subprocess.DEVNULL, env=clean_environment())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.3


@pytest.mark.parametrize("line", [["poll", "http://a.example/f"], ["work"], ["run"]], ids=lambda line: line[0])
def test_nothing_is_loaded_for_a_database_that_cannot_be_used(line: list[str], tmp_path: Path) -> None:
    (tmp_path / "other.db").write_text("not a database")
    command = ["-X", "importtime", *NEWSBEAM[1:], *line, "--db", "sqlite:///other.db"]
    done = subprocess.run(
        [NEWSBEAM[0], *command], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True
    )
    imported = {row.rpartition("|")[2].strip() for row in done.stderr.splitlines() if row.startswith("import time:")}
    assert done.returncode == 2 and "pipeline.tables.database" in imported
    # the poller and `run` never need them
    assert not imported & {"apache_beam", "spacy", "trafilatura"}


def test_extract_reads_files_and_manifests(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    one = json.loads(newsbeam("extract", "page.html", "--url", "https://a.example/1", cwd=tmp_path).stdout)
    assert one["title"] == "Harbour plan" and len(one["body"]) == 3 and one["url"] == "https://a.example/1"
    rows = [
        {"id": "a", "url": "https://a.example/1", "html": "page.html"},
        {"id": "b", "url": "x", "html": "none.html"},
    ]
    (tmp_path / "none.html").write_text("<html><body><nav>Home</nav></body></html>")
    (tmp_path / "m.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    done = newsbeam("extract", "--manifest", "m.jsonl", cwd=tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["id"] for line in lines] == ["a", "b"]
    assert set(lines[0]) >= {
        "id",
        "url",
        "title",
        "authors",
        "published",
        "modified",
        "language",
        "language_tag",
        "body",
        "images",
        "removed",
    }
    assert lines[1]["body"] == [] and lines[1]["error"] == "no text"


def test_the_kinds_of_body_can_be_chosen(tmp_path: Path) -> None:
    table = "<table><tr><td>Ships a year</td><td>1,200</td></tr><tr><td>Tonnes a year</td><td>90,000</td></tr></table>"
    (tmp_path / "page.html").write_text(PAGE.replace("<p>Opponents", table + "<p>Opponents"))
    default = json.loads(newsbeam("extract", "page.html", cwd=tmp_path).stdout)
    assert not any("1,200" in text for text in default["body"])
    assert "table" in {block["reason"] for block in default["removed"]}
    chosen = json.loads(newsbeam("extract", "page.html", "--body", "tables", cwd=tmp_path).stdout)
    assert any("1,200" in text for text in chosen["body"])


def test_extract_reads_many_pages_in_the_order_of_the_manifest(tmp_path: Path) -> None:
    pages = read_pages(12)
    rows = []
    for number, (row, body) in enumerate(pages):
        (tmp_path / f"{number}.html").write_bytes(body)
        rows.append(json.dumps({"id": str(number), "url": row["url"], "html": f"{number}.html"}))
    (tmp_path / "m.jsonl").write_text("\n".join(rows))
    done = newsbeam("extract", "--manifest", str(tmp_path / "m.jsonl"))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["title"] for row in found] == [row["title"] for row, _ in pages]
    assert all(
        set(row["paragraphs"]) <= set(extracted["body"]) for (row, _), extracted in zip(pages, found, strict=True)
    )


def test_reports_on_an_empty_database(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/x.db"
    no_feed = newsbeam("run", "--once", "--db", db)
    assert no_feed.returncode == 2 and "no feed to poll" in no_feed.stderr
    audit = newsbeam("audit", "--db", db)
    assert audit.returncode == 0 and json.loads(audit.stdout)["urls"] == 0
    assert newsbeam("feeds", "--db", db).stdout == ""
    assert newsbeam("failures", "--db", db).stdout == ""
    unknown = newsbeam("why", "https://example.org/1", "--db", db)
    assert unknown.returncode == 1 and "no feed has listed" in unknown.stderr
    retry = newsbeam("failures", "--retry", "timeout", "--db", db)
    assert retry.returncode == 2 and "no failed URL matches" in retry.stderr

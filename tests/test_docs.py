"""The README is correct: its queries run, its commands and settings exist, its links resolve."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.cli.commands import COMMANDS
from pipeline.config.document import insert_settings
from pipeline.tables.database import open_database, reading

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def test_queries_in_the_readme_run(tmp_path: Path) -> None:
    queries = [
        query for block in re.findall(r"```sql\n(.*?)```", README, re.S) for query in block.split(";") if query.strip()
    ]
    assert len(queries) >= 3
    engine = open_database(f"sqlite:///{tmp_path}/x.db")
    with reading(engine) as connection:
        for query in queries:
            connection.execute(sa.text(query)).all()
    engine.dispose()


def test_the_readme_names_every_command() -> None:
    for name in COMMANDS:
        assert f"newsbeam {name}" in README, name
    for name in re.findall(r"[`$] ?newsbeam ([a-z]+)", README):
        assert name in COMMANDS, name


def test_settings_in_the_readme_match_the_declaration() -> None:
    assert insert_settings(README) == README, "stale: run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"`make ([a-z-]+)|^    make ([a-z-]+)", page.read_text(), re.M):
            assert re.search(rf"^{''.join(target)}:", makefile, re.M), target

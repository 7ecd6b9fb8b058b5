"""Write the next migration: what pipeline.tables.schema has and the newest migration has not.

    make migration NAME="add read_time"

A database is made with the migrations there are and compared with the schema. The result is a draft: read it, and say
in it how rows that stand already get their value.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory

from pipeline.tables.database import MIGRATIONS, open_database
from transforms.errors import UserError


def write_migration(name: str, folder: Path = MIGRATIONS) -> Path | None:
    """Write the next numbered migration into `folder`; returns None, and writes nothing, if there is no difference.

    Raises UserError for an empty name.
    """
    if not name.strip():
        raise UserError('say what the migration does: make migration NAME="add read_time"')
    config = AlembicConfig(cmd_opts=Namespace(quiet=True))
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    number = int(ScriptDirectory.from_config(config).get_current_head() or 0) + 1
    with tempfile.TemporaryDirectory() as scratch:
        engine = open_database(f"sqlite:///{scratch}/newest.db")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            script = command.revision(
                config,
                name.strip().capitalize().rstrip(".") + ".",
                autogenerate=True,
                rev_id=f"{number:04d}",
                process_revision_directives=_drop_empty,
            )
        engine.dispose()
    return Path(script.path) if script is not None and not isinstance(script, list) else None


def _drop_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    if directives[0].upgrade_ops.is_empty():
        directives.clear()


def main(arguments: Sequence[str]) -> int:
    """Write the migration that the command line names."""
    try:
        path = write_migration(" ".join(arguments))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{path}\n" if path else "the migrations already agree with pipeline/tables/schema.py\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

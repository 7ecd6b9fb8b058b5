"""Write the next migration: the difference between the declared tables and the newest migration.

    make migration NAME="add read_time"

It creates a database with the existing migrations and compares it with the declarations. The result is a draft: review
it, and add how existing rows get their values.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.operations import ops
from alembic.script import ScriptDirectory

from pipeline.tables.database import open_database
from pipeline.tables.migrate import MIGRATIONS, alembic_config
from transforms.errors import UserError


def write_migration(name: str, folder: Path = MIGRATIONS) -> Path | None:
    """Write the next numbered migration into `folder`; returns None, and writes nothing, if there is no difference.

    Raises UserError for an empty name.
    """
    if not name.strip():
        raise UserError('say what the migration does: make migration NAME="add read_time"')
    config = alembic_config(folder)
    config.cmd_opts = Namespace(quiet=True)
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
                process_revision_directives=_look_through,
            )
        engine.dispose()
    if script is None or isinstance(script, list):
        return None
    _format(Path(script.path))
    return Path(script.path)


def _look_through(context: Any, _revision: Any, directives: list[Any]) -> None:
    """Drop a migration that does nothing; mark one that only adds."""
    upgrade = directives[0].upgrade_ops
    if upgrade.is_empty():
        directives.clear()
    context.config.attributes["additive"] = all(map(_only_adds, upgrade.ops))


def _only_adds(operation: Any) -> bool:
    match operation:
        case ops.ModifyTableOps():
            return all(map(_only_adds, operation.ops))
        case ops.AddColumnOp():
            return bool(operation.column.nullable)
        case _:
            return isinstance(operation, ops.CreateTableOp | ops.CreateIndexOp)


def _format(path: Path) -> None:
    """Format the file as `make check` requires, if ruff is installed."""
    for arguments in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, str(path)], check=False, stderr=subprocess.DEVNULL)


def main(arguments: Sequence[str]) -> int:
    """Write the migration that the command line names."""
    try:
        path = write_migration(" ".join(arguments))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{path}\n" if path else "the migrations already agree with the declared tables\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

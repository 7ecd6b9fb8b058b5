"""Generate docs/tables.md from the declarations: `python -m pipeline.tables.markdown`."""

from __future__ import annotations

import sys

from pipeline.tables.declare import Column, Owner
from pipeline.tables.schema import TABLES


def tables_markdown() -> str:
    """Render every table as the Markdown page docs/tables.md."""
    lines = [
        "# The tables",
        "",
        "Generated from the declarations in `pipeline/tables/` by `make docs`. Times are in UTC. In SQLite, lists and",
        "JSON are JSON text (`json_each(authors)`) and times are sortable text; in PostgreSQL they are `jsonb` and",
        "`timestamptz`. Full-text search covers `title` and `body`: in SQLite use the table `articles_fts`",
        "(`where articles_fts match 'harbour'`), in PostgreSQL the column `articles.search`",
        "(`where search @@ websearch_to_tsquery('simple', 'harbour')`).",
        "",
        "Deleting an article deletes its parts, and the fate of its URLs becomes `rejected` with the reason `deleted`.",
    ]
    for table in TABLES:
        part = f" Part of `{table.part_of}`." if table.part_of else ""
        key = ", ".join(f"`{name}`" for name in table.key)
        lines += ["", f"## {table.name}", "", f"{table.doc} Key: {key}.{part}", ""]
        lines += ["| column | type | what it is |", "|---|---|---|"]
        lines += [f"| `{column.name}` | {_type(column)} | {column.doc} |" for column in table.columns]
    return "\n".join(lines) + "\n"


def _type(column: Column[object]) -> str:
    only = "; not in BigQuery" if column.owner is not Owner.JOB else ""
    return f"{column.type.value}{'' if column.required else ', may be NULL'}{only}"


if __name__ == "__main__":
    sys.stdout.write(tables_markdown())

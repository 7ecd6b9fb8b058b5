"""Generate docs/tables.md from the declarations: `python -m pipeline.tables.markdown`."""

from __future__ import annotations

import sys

from pipeline.tables.declare import Column, Over, Owner, Type, Write
from pipeline.tables.keys import LONGEST_TEXT, MOST_ITEMS
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
        f"A text has at most {LONGEST_TEXT:,} bytes of UTF-8, unless its column says otherwise, and a list at most"
        f" {MOST_ITEMS} texts.",
        "What is longer is cut. A time that is out of range is left empty; a number makes the outcome a dead letter.",
        "",
        "Deleting an article deletes its parts, and the fate of its URLs becomes `rejected` with the reason `deleted`.",
    ]
    for table in TABLES:
        part = f" Part of `{table.part_of}`: at most {table.most:,} rows for one article." if table.part_of else ""
        if table.write is Write.HISTORY:
            part = f" Part of `{table.part_of}`."
        key = ", ".join(f"`{name}`" for name in table.key)
        lines += ["", f"## {table.name}", "", f"{table.doc} Key: {key}.{part}", ""]
        lines += ["| column | type | what it is |", "|---|---|---|"]
        lines += [f"| `{column.name}` | {_type(column)} | {column.doc} |" for column in table.columns]
    return "\n".join(lines) + "\n"


def _type(column: Column[object]) -> str:
    only = "; not in BigQuery" if column.owner is not Owner.JOB else ""
    return f"{column.type.value}{_bound(column)}{'' if column.required else ', may be NULL'}{only}"


def _bound(column: Column[object]) -> str:
    if column.type not in (Type.STRING, Type.STRINGS) or (column.most == LONGEST_TEXT and column.over is Over.CUT):
        return ""
    of = "bytes" if column.type is Type.STRING else "bytes each"
    if column.over is Over.HASHED:
        return f" up to {column.most:,} {of}, ending in a hash if longer"
    return f" up to {column.most:,} {of}"


if __name__ == "__main__":
    sys.stdout.write(tables_markdown())

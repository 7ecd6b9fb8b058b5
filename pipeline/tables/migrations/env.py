"""Alembic's entry point: migrates on the connection that the caller puts into the attributes of Alembic's Config."""

from typing import Any, Literal

from alembic import context

from pipeline.tables.metadata import METADATA, UtcDateTime


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Render newsbeam's own column types by name; a new migration imports them from pipeline.tables.metadata."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "UtcDateTime()"
    if kind == "type" and type(item).__name__ == "JSON":
        return "JSON"
    return False


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave out tables that are not in pipeline.tables.schema, such as those of full-text search."""
    return kind != "table" or name in METADATA.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    compare_type=False,
    render_item=render_item,
    include_name=include_name,
)
context.run_migrations()

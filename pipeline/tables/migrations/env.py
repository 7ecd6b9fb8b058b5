"""Alembic's door: runs on the connection that pipeline.tables.database hands over."""

from typing import Any, Literal

from alembic import context

from pipeline.tables.metadata import METADATA, UtcDateTime


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write our own column types by name, so that a new migration imports them from their one place."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "UtcDateTime()"
    if kind == "type" and type(item).__name__ == "JSON":
        return "JSON"
    return False


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave out what full-text search adds beside the tables of pipeline.tables.schema."""
    return kind != "table" or name in METADATA.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    compare_type=False,
    render_item=render_item,
    include_name=include_name,
)
context.run_migrations()

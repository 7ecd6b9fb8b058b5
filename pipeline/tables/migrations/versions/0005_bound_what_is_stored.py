"""Bound what is stored.

A row says whether its body was cut. In PostgreSQL a trigger fills `search` instead of a generating expression: what is
too long for a tsvector (1 MB) is searchable by its beginning, and no row is refused for it. The values that are stored
stay as they are, and no table is rewritten.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
additive = True

# 250,000 characters of ordinary words fit. Of the densest text that was found (compounds of two rare letters, each
# stored whole and in parts) one character takes 9.7 bytes, so that 51,000 always fit.
SEARCH = """CREATE FUNCTION articles_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        NEW.search := to_tsvector('simple', left(coalesce(NEW.title, ''), 10000) || ' ' || left(NEW.body, 250000));
    EXCEPTION WHEN program_limit_exceeded THEN
        NEW.search := to_tsvector('simple', left(coalesce(NEW.title, ''), 1000) || ' ' || left(NEW.body, 50000));
    END;
    RETURN NEW;
END $$"""
TRIGGERS = (
    """CREATE TRIGGER articles_search_insert BEFORE INSERT ON articles
    FOR EACH ROW EXECUTE FUNCTION articles_search()""",
    """CREATE TRIGGER articles_search_update BEFORE UPDATE OF title, body ON articles FOR EACH ROW
    WHEN (OLD.title IS DISTINCT FROM NEW.title OR OLD.body IS DISTINCT FROM NEW.body)
    EXECUTE FUNCTION articles_search()""",
)


def upgrade() -> None:
    op.add_column("articles", sa.Column("body_truncated", sa.Boolean(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        # keeps the values: https://www.postgresql.org/docs/current/sql-altertable.html
        op.execute("ALTER TABLE articles ALTER COLUMN search DROP EXPRESSION")
        op.execute(SEARCH)
        for trigger in TRIGGERS:
            op.execute(trigger)


def downgrade() -> None:
    raise NotImplementedError("restore the database from before the migration instead")

"""Add the agency of articles, the precision of their dates, how long they take to read, and whether they are opinion.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
additive = True


def upgrade() -> None:
    op.add_column("articles", sa.Column("agency", sa.Text(), nullable=True))
    op.add_column("articles", sa.Column("published_precision", sa.Text(), nullable=True))
    op.add_column("articles", sa.Column("reading_minutes", sa.Float(), nullable=True))
    op.add_column("articles", sa.Column("is_opinion", sa.Boolean(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore the database from before the migration instead")

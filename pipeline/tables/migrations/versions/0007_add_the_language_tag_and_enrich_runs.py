"""Add the language tag of articles, and how far each run of `newsbeam enrich` is.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from pipeline.tables.metadata import JSON, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
additive = True


def upgrade() -> None:
    op.create_table(
        "enrich_runs",
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("after_id", sa.Text(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("counts", JSON, nullable=True),
        sa.PrimaryKeyConstraint("arguments"),
    )
    op.add_column("articles", sa.Column("language_tag", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore the database from before the migration instead")

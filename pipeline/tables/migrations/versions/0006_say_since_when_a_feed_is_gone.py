"""Say since when a feed is gone.

Revision ID: 0006
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from pipeline.tables.metadata import UtcDateTime

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None
additive = True


def upgrade() -> None:
    op.add_column("feeds", sa.Column("gone_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore the database from before the migration instead")

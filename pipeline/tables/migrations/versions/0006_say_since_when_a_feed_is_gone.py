"""Say since when a feed is gone.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from pipeline.tables.metadata import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
additive = True


def upgrade() -> None:
    op.add_column("feeds", sa.Column("gone_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore the database from before the migration instead")

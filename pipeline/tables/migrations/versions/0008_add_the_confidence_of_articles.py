"""Add how sure we are of an article's body.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
additive = True


def upgrade() -> None:
    op.add_column("articles", sa.Column("confidence", sa.Float(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore the database from before the migration instead")

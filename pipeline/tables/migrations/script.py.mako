"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

import sqlalchemy as sa
from alembic import op
<% ours = [name for name in ("JSON", "UtcDateTime") if name in (upgrades or "") + (downgrades or "")] %>
% if ours:
from pipeline.tables.metadata import ${", ".join(ours)}
% endif
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
# whether an older newsbeam can work on the result
additive = ${config.attributes["additive"]}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}

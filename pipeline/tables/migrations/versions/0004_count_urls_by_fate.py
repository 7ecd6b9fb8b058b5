"""Count URLs by fate, and index the URLs that are due or leased apart from the settled ones.

Triggers keep the counts. On SQLite, which has one writer at a time, a row trigger updates them in place. On PostgreSQL
a statement trigger does so in rows that only its own backend writes (`shard`), so that transactions neither wait for
each other nor deadlock. What has been claimed or renewed keeps its fate and writes nothing.

The change is additive: an older newsbeam that writes to `urls` keeps the counts too.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
additive = True

# `pipeline.ledger.counts.FATE` says the same in SQLAlchemy
FATE = """CASE
    WHEN {row}outcome IN ('article', 'rejected') THEN {row}outcome
    WHEN {row}outcome = 'failed' AND {row}due_at IS NOT NULL THEN 'failed'
    WHEN {row}outcome = 'failed' AND {row}tries <> 0 THEN 'given up'
    WHEN {row}outcome IS NULL AND {row}due_at IS NOT NULL THEN 'waiting'
    ELSE 'lost' END"""
REASON = "CASE WHEN {row}outcome IN ('rejected', 'failed') THEN coalesce({row}reason, '') ELSE '' END"

FILL = (
    f"INSERT INTO url_counts (fate, reason, shard, urls) SELECT {FATE}, {REASON}, 0, count(*) FROM urls GROUP BY 1, 2"
).format(row="")

SQLITE_ADD = (
    f"INSERT INTO url_counts (fate, reason, shard, urls) VALUES ({FATE}, {REASON}, 0, {{number}})"
    " ON CONFLICT (fate, reason, shard) DO UPDATE SET urls = urls + excluded.urls;"
)
SQLITE_TRIGGERS = (
    f"CREATE TRIGGER url_counts_insert AFTER INSERT ON urls BEGIN {SQLITE_ADD.format(row='new.', number=1)} END",
    f"CREATE TRIGGER url_counts_delete AFTER DELETE ON urls BEGIN {SQLITE_ADD.format(row='old.', number=-1)} END",
    f"""CREATE TRIGGER url_counts_update AFTER UPDATE OF outcome, reason, due_at, tries ON urls
    WHEN {FATE.format(row="old.")} <> {FATE.format(row="new.")}
      OR {REASON.format(row="old.")} <> {REASON.format(row="new.")}
    BEGIN
        {SQLITE_ADD.format(row="old.", number=-1)}
        {SQLITE_ADD.format(row="new.", number=1)}
    END""",
)

PLAIN_FATE, PLAIN_REASON = FATE.format(row=""), REASON.format(row="")
POSTGRESQL_CHANGES = {
    "insert": f"SELECT {PLAIN_FATE} AS fate, {PLAIN_REASON} AS reason, 1 AS urls FROM new_rows",
    "delete": f"SELECT {PLAIN_FATE} AS fate, {PLAIN_REASON} AS reason, -1 AS urls FROM old_rows",
}
POSTGRESQL_CHANGES["update"] = f"{POSTGRESQL_CHANGES['insert']} UNION ALL {POSTGRESQL_CHANGES['delete']}"
POSTGRESQL_ROWS = {
    "insert": "NEW TABLE AS new_rows",
    "delete": "OLD TABLE AS old_rows",
    "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
}


def postgresql_triggers() -> list[str]:
    statements = []
    for event, changes in POSTGRESQL_CHANGES.items():
        statements += [
            f"""CREATE FUNCTION url_counts_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO url_counts AS counts (fate, reason, shard, urls)
                SELECT fate, reason, pg_backend_pid(), sum(urls) FROM ({changes}) AS changes
                GROUP BY fate, reason HAVING sum(urls) <> 0
                ON CONFLICT (fate, reason, shard) DO UPDATE SET urls = counts.urls + excluded.urls;
                RETURN NULL;
            END $$""",
            # https://www.postgresql.org/docs/current/sql-createtrigger.html: transition tables
            f"""CREATE TRIGGER url_counts_{event} AFTER {event.upper()} ON urls REFERENCING {POSTGRESQL_ROWS[event]}
            FOR EACH STATEMENT EXECUTE FUNCTION url_counts_{event}()""",
        ]
    statements += [
        """CREATE FUNCTION url_counts_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN DELETE FROM url_counts; RETURN NULL; END $$""",
        """CREATE TRIGGER url_counts_truncate AFTER TRUNCATE ON urls
        FOR EACH STATEMENT EXECUTE FUNCTION url_counts_truncate()""",
    ]
    return statements


def upgrade() -> None:
    op.create_table(
        "url_counts",
        sa.Column("fate", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("urls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("fate", "reason", "shard"),
    )
    op.drop_index("ix_urls_due_at_host", "urls")
    op.drop_index("ix_urls_lease_owner", "urls")
    for names in (["due_at"], ["host", "due_at"], ["lease_owner"]):
        is_set = sa.text(f"{names[-1]} IS NOT NULL")
        op.create_index(f"ix_urls_{'_'.join(names)}", "urls", names, postgresql_where=is_set, sqlite_where=is_set)
    if op.get_bind().dialect.name == "sqlite":
        triggers = list(SQLITE_TRIGGERS)
    else:
        # nobody may write between the count and the triggers
        op.execute("LOCK TABLE urls IN SHARE ROW EXCLUSIVE MODE")
        triggers = postgresql_triggers()
    op.execute(FILL)
    for statement in triggers:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("restore the database from before the migration instead")

"""Make the first tables and their full-text search.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

from pipeline.tables.metadata import JSON, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# FTS5 with external content (https://sqlite.org/fts5.html#external_content_tables). The content is a view with a key of
# its own, as VACUUM may renumber the rowids of a table whose primary key is text.
SQLITE_SEARCH = (
    "CREATE TABLE articles_fts_ids (id INTEGER PRIMARY KEY, article_id TEXT NOT NULL UNIQUE)",
    "CREATE VIEW articles_fts_source AS SELECT i.id AS rowid, a.article_id, a.title, a.body"
    " FROM articles_fts_ids i JOIN articles a USING (article_id)",
    "CREATE VIRTUAL TABLE articles_fts USING fts5(article_id UNINDEXED, title, body, content='articles_fts_source',"
    " tokenize='unicode61 remove_diacritics 2')",
    """CREATE TRIGGER articles_fts_insert AFTER INSERT ON articles BEGIN
        INSERT INTO articles_fts_ids (article_id) VALUES (new.article_id);
        INSERT INTO articles_fts (rowid, article_id, title, body)
            SELECT id, new.article_id, new.title, new.body FROM articles_fts_ids WHERE article_id = new.article_id;
    END""",
    """CREATE TRIGGER articles_fts_update AFTER UPDATE OF title, body ON articles
    WHEN old.title IS NOT new.title OR old.body IS NOT new.body BEGIN
        INSERT INTO articles_fts (articles_fts, rowid, article_id, title, body)
            SELECT 'delete', id, old.article_id, old.title, old.body FROM articles_fts_ids
            WHERE article_id = old.article_id;
        INSERT INTO articles_fts (rowid, article_id, title, body)
            SELECT id, new.article_id, new.title, new.body FROM articles_fts_ids WHERE article_id = new.article_id;
    END""",
    """CREATE TRIGGER articles_fts_delete AFTER DELETE ON articles BEGIN
        INSERT INTO articles_fts (articles_fts, rowid, article_id, title, body)
            SELECT 'delete', id, old.article_id, old.title, old.body FROM articles_fts_ids
            WHERE article_id = old.article_id;
        DELETE FROM articles_fts_ids WHERE article_id = old.article_id;
    END""",
)
# a tsvector holds at most 1 MB: a longer body is searchable by its first 250,000 characters
POSTGRESQL_SEARCH = (
    "ALTER TABLE articles ADD COLUMN search tsvector GENERATED ALWAYS AS"
    " (to_tsvector('simple', coalesce(title, '') || ' ' || left(body, 250000))) STORED",
    "CREATE INDEX ix_articles_search ON articles USING gin (search)",
)


def upgrade() -> None:
    op.create_table(
        "articles",
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("canonical_url", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("feed_url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("authors", JSON, nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("tags", JSON, nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("discovered_at", UtcDateTime(), nullable=True),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.Column("processed_at", UtcDateTime(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("word_count", sa.Integer(), nullable=False),
        sa.Column("is_paywalled", sa.Boolean(), nullable=False),
        sa.Column("site_name", sa.Text(), nullable=True),
        sa.Column("lead_image", sa.Text(), nullable=True),
        sa.Column("page_kind", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entity_model", sa.Text(), nullable=True),
        sa.Column("sources", JSON, nullable=True),
        sa.Column("pipeline_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("article_id"),
    )
    op.create_index("ix_articles_content_hash", "articles", ["content_hash"], unique=False)
    op.create_index("ix_articles_feed_url", "articles", ["feed_url"], unique=False)
    op.create_index("ix_articles_host_published_at", "articles", ["host", "published_at"], unique=False)
    op.create_index("ix_articles_processed_at", "articles", ["processed_at"], unique=False)
    op.create_index("ix_articles_published_at", "articles", ["published_at"], unique=False)
    op.create_table(
        "dead_letters",
        sa.Column("canonical_url", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("canonical_url", "tries"),
    )
    op.create_index("ix_dead_letters_failed_at", "dead_letters", ["failed_at"], unique=False)
    op.create_index("ix_dead_letters_reason", "dead_letters", ["reason"], unique=False)
    op.create_table(
        "entities",
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("entity_no", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("salience", sa.Float(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("article_id", "entity_no"),
    )
    op.create_index("ix_entities_name_label", "entities", ["name", "label"], unique=False)
    op.create_index("ix_entities_published_at", "entities", ["published_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("ix_events_kind_at", "events", ["kind", "at"], unique=False)
    op.create_index("ix_events_subject_at", "events", ["subject", "at"], unique=False)
    op.create_table(
        "feeds",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("fetch_url", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("conditional_get", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("interval_s", sa.Float(), nullable=False),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("successes", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Float(), nullable=False),
        sa.Column("moved_to", sa.Text(), nullable=False),
        sa.Column("moved_times", sa.Integer(), nullable=False),
        sa.Column("gone_times", sa.Integer(), nullable=False),
        sa.Column("polled_at", UtcDateTime(), nullable=True),
        sa.Column("next_poll_at", UtcDateTime(), nullable=True),
        sa.Column("new_entry_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("from_index", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("url"),
    )
    op.create_index("ix_feeds_host", "feeds", ["host"], unique=False)
    op.create_index("ix_feeds_next_poll_at", "feeds", ["next_poll_at"], unique=False)
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("free_at", UtcDateTime(), nullable=True),
        sa.Column("delay_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("host"),
    )
    op.create_index("ix_hosts_lease_owner", "hosts", ["lease_owner"], unique=False)
    op.create_table(
        "images",
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("image_no", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), nullable=True),
        sa.Column("credit", sa.Text(), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("article_id", "image_no"),
    )
    op.create_table(
        "mentions",
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("mention_no", sa.Integer(), nullable=False),
        sa.Column("entity_no", sa.Integer(), nullable=False),
        sa.Column("start_offset", sa.Integer(), nullable=False),
        sa.Column("end_offset", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("article_id", "mention_no"),
    )
    op.create_table(
        "removed_blocks",
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("block_no", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("article_id", "block_no"),
    )
    op.create_index("ix_removed_blocks_reason", "removed_blocks", ["reason"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("modified_at", UtcDateTime(), nullable=True),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "revision"),
    )
    op.create_table(
        "sightings",
        sa.Column("canonical_url", sa.Text(), nullable=False),
        sa.Column("feed_url", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("canonical_url", "feed_url"),
    )
    op.create_index("ix_sightings_feed_url", "sightings", ["feed_url"], unique=False)
    op.create_table(
        "urls",
        sa.Column("canonical_url", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("feed_url", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("discovered_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("hints", JSON, nullable=True),
        sa.Column("entry_updated_at", UtcDateTime(), nullable=True),
        sa.Column("announced_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("canonical_url"),
    )
    op.create_index("ix_urls_announced_at", "urls", ["announced_at"], unique=False)
    op.create_index("ix_urls_article_id", "urls", ["article_id"], unique=False)
    op.create_index("ix_urls_due_at_host", "urls", ["due_at", "host"], unique=False)
    op.create_index("ix_urls_host", "urls", ["host"], unique=False)
    op.create_index("ix_urls_lease_owner", "urls", ["lease_owner"], unique=False)
    op.create_index("ix_urls_outcome_reason", "urls", ["outcome", "reason"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE_SEARCH:
            op.execute(statement)
    else:
        for statement in POSTGRESQL_SEARCH:
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is nothing below the first schema: delete the database instead")

"""Tie the tables by foreign keys.

Parts of articles go with their article. An article names the URL and the feed that led to it; a feed that this database
does not know gets a row that is not polled. Parts whose article is gone are deleted.

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
# an older newsbeam writes '' for an article without a feed, and its order of writing breaks the keys
additive = False

PARTS = ("entities", "mentions", "images", "removed_blocks", "revisions")

ADD_FEEDS = """INSERT INTO feeds (url, fetch_url, host, title, language, etag, last_modified, body_hash,
        conditional_get, enabled, interval_s, polls, successes, failures, moved_to, moved_times, gone_times,
        last_error, from_index)
    SELECT feed_url, feed_url, '', '', '', '', '', '', true, false, 3600, 0, 0, 0, '', 0, 0, '', '' FROM articles
    WHERE feed_url <> '' AND length(feed_url) <= 1000 AND feed_url NOT IN (SELECT url FROM feeds)
    GROUP BY feed_url"""
NAME_LINKS = """UPDATE articles SET link_key = coalesce(
    (SELECT min(canonical_url) FROM urls
        WHERE urls.article_id = articles.article_id AND outcome = 'article' AND urls.url = articles.url),
    (SELECT min(canonical_url) FROM urls WHERE urls.article_id = articles.article_id AND outcome = 'article'))"""
DROP_FEEDS = "UPDATE articles SET feed_url = NULL WHERE feed_url NOT IN (SELECT url FROM feeds)"


@contextmanager
def without_search() -> Iterator[None]:
    """Put aside the triggers and the view that full-text search in SQLite has on `articles`, while it is made anew."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        yield
        return
    found = connection.exec_driver_sql(
        "SELECT type, name, sql FROM sqlite_master"
        " WHERE (type = 'trigger' AND tbl_name = 'articles') OR name = 'articles_fts_source' ORDER BY type DESC"
    ).all()
    for kind, name, _ in sorted(found):
        op.execute(f"DROP {kind} {name}")
    yield
    for _, _, sql in found:
        connection.exec_driver_sql(sql)


def upgrade() -> None:
    for part in PARTS:
        op.execute(f"DELETE FROM {part} WHERE article_id NOT IN (SELECT article_id FROM articles)")
    op.execute(ADD_FEEDS)
    with without_search():
        with op.batch_alter_table("articles") as articles:
            articles.add_column(sa.Column("link_key", sa.Text(), nullable=True))
            articles.alter_column("feed_url", existing_type=sa.Text(), nullable=True)
        op.execute(NAME_LINKS)
        op.execute(DROP_FEEDS)
        with op.batch_alter_table("articles") as articles:
            articles.create_foreign_key(
                "fk_articles_link_key", "urls", ["link_key"], ["canonical_url"], ondelete="SET NULL"
            )
            articles.create_foreign_key("fk_articles_feed_url", "feeds", ["feed_url"], ["url"], ondelete="SET NULL")
        op.create_index("ix_articles_link_key", "articles", ["link_key"])
    for part in PARTS:
        with op.batch_alter_table(part) as table:
            table.create_foreign_key(
                f"fk_{part}_article_id", "articles", ["article_id"], ["article_id"], ondelete="CASCADE"
            )


def downgrade() -> None:
    for part in PARTS:
        with op.batch_alter_table(part) as table:
            table.drop_constraint(f"fk_{part}_article_id", type_="foreignkey")
    with without_search():
        op.execute("UPDATE articles SET feed_url = '' WHERE feed_url IS NULL")
        op.drop_index("ix_articles_link_key", "articles")
        with op.batch_alter_table("articles") as articles:
            articles.drop_constraint("fk_articles_link_key", type_="foreignkey")
            articles.drop_constraint("fk_articles_feed_url", type_="foreignkey")
            articles.drop_column("link_key")
            articles.alter_column("feed_url", existing_type=sa.Text(), nullable=False)

"""The views over BigQuery's append-only tables: the newest row of each key, and summaries for consumers.

<table>_latest                the newest row of each key
revisions                     the versions of each article that differ from the one before
articles_of_day               articles by the day on which they were published
entity_timeline, top_entities entities by day
failures_by_reason            failed tries by day
fates                         URLs by outcome and reason
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.tables.articles import ARTICLES
from pipeline.tables.declare import Table, Write
from pipeline.tables.schema import PARTS

_EARLIER = """SELECT *, LAG(content_hash) OVER (PARTITION BY article_id ORDER BY processed_at) AS earlier_hash
  FROM `{d}.articles`"""

_ARTICLES_LATEST = f"""SELECT * EXCEPT (earlier_hash, place)
FROM (
  SELECT * REPLACE (
      {{first_values}}),
    1 + SUM(IF(earlier_hash != content_hash, 1, 0)) OVER (PARTITION BY article_id) AS revision,
    ROW_NUMBER() OVER (PARTITION BY article_id ORDER BY processed_at DESC) AS place
  FROM ({_EARLIER})
)
WHERE place = 1"""
_FIRST_VALUE = "FIRST_VALUE({column}) OVER (PARTITION BY article_id ORDER BY processed_at) AS {column}"

_HISTORY = f"""SELECT
  article_id,
  ROW_NUMBER() OVER (PARTITION BY article_id ORDER BY processed_at) AS revision,
  {{columns}}
FROM ({_EARLIER})
WHERE earlier_hash IS NULL OR earlier_hash != content_hash"""

# rows of the newest version of each article, each key once, however often it was written
_PART_LATEST = """SELECT * EXCEPT (place)
FROM (
  SELECT part.*,
    ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY part.processed_at DESC) AS place
  FROM `{d}.{table}` AS part
  JOIN (SELECT article_id, MAX(processed_at) AS newest FROM `{d}.articles` GROUP BY article_id) AS versions
    ON versions.article_id = part.article_id AND versions.newest = part.processed_at
)
WHERE place = 1"""

# a rejection or failure never replaces an article that has landed
_URLS_LATEST = """SELECT * EXCEPT (place)
FROM (
  SELECT *, ROW_NUMBER() OVER (
      PARTITION BY canonical_url ORDER BY IF(outcome = 'article', 0, 1), settled_at DESC) AS place
  FROM `{d}.urls`
)
WHERE place = 1"""

_DEAD_LETTERS_LATEST = """SELECT * EXCEPT (place)
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY canonical_url, tries ORDER BY failed_at DESC) AS place
  FROM `{d}.dead_letters`
)
WHERE place = 1"""

_ARTICLES_OF_DAY = """SELECT DATE(COALESCE(published_at, discovered_at, fetched_at)) AS day, *
FROM `{d}.articles_latest`"""

_ENTITY_TIMELINE = """SELECT
  day, name, label,
  COUNT(DISTINCT entities.article_id) AS articles,
  SUM(mentions) AS mentions,
  SUM(salience) AS salience
FROM `{d}.entities_latest` AS entities
JOIN (SELECT article_id, day FROM `{d}.articles_of_day`) AS dated ON dated.article_id = entities.article_id
GROUP BY day, name, label"""

_TOP_ENTITIES = """SELECT *
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY day ORDER BY articles DESC, mentions DESC, name) AS place
  FROM `{d}.entity_timeline`
)
WHERE place <= 100"""

_FAILURES_BY_REASON = """SELECT
  DATE(failed_at) AS day, reason, stage,
  COUNT(*) AS tries,
  COUNT(DISTINCT canonical_url) AS urls,
  SUM(IF(due_at IS NULL, 1, 0)) AS given_up,
  MAX(failed_at) AS last_failed_at,
  MAX(message) AS example
FROM `{d}.dead_letters_latest`
GROUP BY day, reason, stage"""

_FATES = """SELECT outcome, COALESCE(reason, '') AS reason, COUNT(*) AS urls, MAX(settled_at) AS last_settled_at
FROM `{d}.urls_latest`
GROUP BY 1, 2"""


@dataclass(frozen=True, slots=True)
class View:
    """A view: its name, what it is for, and its query in GoogleSQL."""

    name: str
    description: str
    query: str


def views(dataset: str) -> tuple[View, ...]:
    """Return the views over the tables of `dataset` (PROJECT.DATASET), each after those that it reads."""
    found = [
        View("articles_latest", "The newest version of each article.", _articles_latest()),
        *(View(table.name, table.doc, _history(table)) for table in PARTS if table.write is Write.HISTORY),
        *(
            View(
                f"{table.name}_latest",
                f"The {table.name.replace('_', ' ')} of the newest version of each article.",
                _part_latest(table),
            )
            for table in PARTS
            if table.write is Write.REPLACE
        ),
        View("urls_latest", "The fate of each URL.", _URLS_LATEST),
        View("dead_letters_latest", "Failed tries, each once.", _DEAD_LETTERS_LATEST),
        View("articles_of_day", "Articles with the day (UTC) on which they were published.", _ARTICLES_OF_DAY),
        View("entity_timeline", "How many articles named an entity on each day.", _ENTITY_TIMELINE),
        View("top_entities", "The 100 entities that the most articles named on each day.", _TOP_ENTITIES),
        View("failures_by_reason", "How many tries failed on each day, and why.", _FAILURES_BY_REASON),
        View("fates", "How many URLs have each outcome and reason.", _FATES),
    ]
    return tuple(View(view.name, view.description, view.query.replace("{d}", dataset)) for view in found)


def _articles_latest() -> str:
    kept = [column.name for column in ARTICLES.columns if column.keep_first and column.name not in ARTICLES.key]
    first_values = (_FIRST_VALUE.replace("{column}", name) for name in kept)
    return _ARTICLES_LATEST.replace("{first_values}", ",\n      ".join(first_values))


def _history(table: Table[Any]) -> str:
    columns = [name for name in table.column_names() if name not in table.key]
    return _HISTORY.replace("{columns}", ", ".join(columns))


def _part_latest(table: Table[Any]) -> str:
    key = ", ".join(f"part.{name}" for name in table.key)
    return _PART_LATEST.replace("{table}", table.name).replace("{key}", key)

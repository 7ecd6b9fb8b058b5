"""The enrichments of articles, and the tables that they fill.

An entry in ENRICHMENTS adds a stage to the graph of every runner, after the body is known, and its tables to every
database. To add one, write the transform (`Article -> Article`) and a field of `Article` that holds its result, and
add the table and the entry here; README.md shows the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.config import Config
from pipeline.tables.articles import PART_OF_ARTICLE, PART_PUBLISHED_AT, part_number
from pipeline.tables.declare import Table, Write, integer, json, real, string, time
from pipeline.tables.keys import LONGEST_FEED, LONGEST_ID, LONGEST_NAME
from pipeline.tables.landed import Part, parts
from transforms import records
from transforms.records import Article


@dataclass(frozen=True, slots=True)
class Enrichment:
    """A stage of the graph.

    `name` is the stage's name in counters, logs and dead letters. `make` returns the transform for a configuration; it
    imports what it needs itself, as commands that must start fast import this module. `tables` hold the results of the
    transform, and so do these `columns` of `articles`.
    """

    name: str
    make: Callable[[Config], Callable[[Article], Article]]
    tables: tuple[Table[Any], ...]
    columns: tuple[str, ...] = ()


ENTITIES: Table[Part[records.Entity]] = Table(
    "entities",
    "One row per entity (person, organisation, place ...) that an article names.",
    ("article_id", "entity_no"),
    (
        PART_OF_ARTICLE,
        part_number("entity_no", "Number of the entity in its article, from 0."),
        string(
            "name",
            "Canonical name: the fullest form that the article uses.",
            lambda p: p.record.name,
            required=True,
            most=LONGEST_NAME,
        ),
        string(
            "label",
            "PERSON, ORG, GPE, LOC, FAC, NORP, EVENT, PRODUCT, WORK_OF_ART or LAW.",
            lambda p: p.record.label,
            required=True,
            most=LONGEST_ID,
        ),
        integer("mentions", "How often the article names it.", lambda p: p.record.mentions),
        real(
            "salience",
            "Its share of the article's attention; the entities of an article add up to 1.",
            lambda p: p.record.salience,
            required=True,
        ),
        PART_PUBLISHED_AT,
    ),
    rows=parts(lambda article: article.entities),
    part_of="articles",
    write=Write.REPLACE,
    in_events=True,
    indexes=(("name", "label"), ("published_at",)),
    partition="published_at",
    cluster=("name", "label"),
)

MENTIONS: Table[Part[records.Mention]] = Table(
    "mentions",
    "One row per place in a body that names an entity.",
    ("article_id", "mention_no"),
    (
        PART_OF_ARTICLE,
        part_number("mention_no", "Number of the mention in its article, from 0, in reading order."),
        integer("entity_no", "The entity that is named (entities.entity_no).", lambda p: p.record.entity),
        integer("start_offset", "First character in `articles.body`.", lambda p: p.record.start),
        integer("end_offset", "One past the last character in `articles.body`.", lambda p: p.record.end),
        string("text", "The text of the mention.", lambda p: p.record.text, required=True),
        string("label", "The label that the model gave this mention.", lambda p: p.record.label, required=True),
        PART_PUBLISHED_AT,
    ),
    rows=parts(lambda article: article.mentions),
    part_of="articles",
    write=Write.REPLACE,
    in_events=True,
    partition="published_at",
    cluster=("article_id",),
)


ENRICH_RUNS: Table[Any] = Table(
    "enrich_runs",
    "One row per `newsbeam enrich` that was started and has not come to its end: where the next one goes on.",
    ("arguments",),
    (
        string(
            "arguments", "What it does, as JSON: stages, selection, models, version.", required=True, most=LONGEST_FEED
        ),
        string("after_id", "The last article that is done (articles.article_id).", required=True, most=LONGEST_ID),
        time("started_at", "When it was started.", required=True),
        json("counts", "How many articles it has done, changed, skipped and failed on."),
    ),
)


def _detect_language(_: Config) -> Callable[[Article], Article]:
    from transforms.language import LanguageDetector

    return LanguageDetector()


def _name_entities(config: Config) -> Callable[[Article], Article]:
    from transforms.entities.recognizer import EntityRecognizer

    return EntityRecognizer(config.entity_models())


# in the order in which they run
ENRICHMENTS: tuple[Enrichment, ...] = (
    Enrichment("language", _detect_language, (), ("language", "language_tag", "reading_minutes")),
    Enrichment("entities", _name_entities, (ENTITIES, MENTIONS), ("entity_model",)),
    # the next enrichment
)

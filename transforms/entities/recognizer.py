"""Recognize the entities of an article: mentions with exact offsets into the body, grouped by what they name.

paragraphs -> spans (spaCy `ner`, per paragraph) -> trimmed mentions -> groups (transforms.entities.grouping)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from transforms.entities.grouping import LABELS, NamedSpan, group_mentions, trim_span
from transforms.entities.models import (
    DEFAULT_MODELS,
    EntityModels,
    LoadedModel,
    check_models,
    choose_model,
    load_model,
)
from transforms.language import read_language
from transforms.records import Article

# The labels of models for other languages; "MISC" and the like do not name a kind of thing and are dropped.
# See the label scheme of `ner` for each package on https://spacy.io/models
FOREIGN_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "PER": "PERSON",
        "PS": "PERSON",
        "PRS": "PERSON",
        "persName": "PERSON",
        "OG": "ORG",
        "orgName": "ORG",
        "LC": "LOC",
        "placeName": "GPE",
        "geogName": "LOC",
        "GPE_LOC": "GPE",
        "GPE_ORG": "GPE",
        "FACILITY": "FAC",
        "DRV": "NORP",
        "NAT_REL_POL": "NORP",
        "EVN": "EVENT",
        "EVT": "EVENT",
        "PROD": "PRODUCT",
        "WRK": "WORK_OF_ART",
    }
)

# The longest text for the network; longer paragraphs are split. spaCy itself refuses texts over 1,000,000.
MAX_TEXT_CHARS = 20_000
# Entities are looked for in this much of a body, and no more mentions than this are kept. The longest body of 1,746
# real pages has 82,867 characters, and the most mentions in one of the twelve longest are 702. This much of them takes
# 0.9 s of CPU.
MAX_BODY_CHARS = 200_000
MAX_MENTIONS = 10_000
# Text of other kinds has more tokens, each of which takes 13 microseconds: no batch is begun after this many.
MAX_TOKENS = 60_000
# what a text of its own takes, as a number of tokens
_TEXT_TOKENS = 10
# spaCy strips the marks around a word one by one, each time reading all that is left: 0.2 MB of marks in words of
# 20,000 took 35 s. Where it splits words at spaces, longer ones are cut; hardly any word or address is that long.
_LONGEST_WORD = 500
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD}}}")
# How much text goes through the network at once; a token takes about 8 kB of memory.
BATCH_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class EntityRecognizer:
    """Fills in the entities of articles.

    Raises UserError on construction if no model configured for a language is installed. It pickles without models: each
    process loads a model with the first article in its language. Not thread-safe: call it from one thread at a time, as
    pipeline.graph.stage does.
    """

    models: EntityModels = field(default_factory=lambda: DEFAULT_MODELS)

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", {language: tuple(names) for language, names in self.models.items()})
        check_models(self.models)

    def __call__(self, article: Article) -> Article:
        """Fill `entities`, `mentions` and `entity_model`, the latter with "" for a language without a model.

        `sources` says of a body that was too long how much of it was read.
        """
        name = choose_model(article.language, self.models)
        if not name:
            return replace(article, entities=(), mentions=(), entity_model="")
        paragraphs, sources = article.paragraphs, article.sources
        spans, end = recognize_spans(cut_paragraphs(paragraphs), load_model(name), read_language(article.language))
        if len(spans) > MAX_MENTIONS:
            spans = spans[:MAX_MENTIONS]
            end = spans[-1].end
        if end < len(article.body):
            sources = {**sources, "entities": f"the first {end:,} characters of the body"}
        entities, mentions = group_mentions(spans, title=article.title)
        return replace(article, entities=entities, mentions=mentions, entity_model=name, sources=sources)

    def prepare(self) -> None:
        """Load the models that are most likely to be wanted: English, and those configured for other languages."""
        chosen = {language for language, names in self.models.items() if names != DEFAULT_MODELS.get(language)}
        for language in sorted(chosen | {"en"}):
            if name := choose_model(language, self.models):
                load_model(name)


def cut_paragraphs(paragraphs: Sequence[str], limit: int = MAX_BODY_CHARS) -> list[str]:
    """Return the paragraphs that begin within the first `limit` characters, the last of them cut after a word."""
    kept: list[str] = []
    for paragraph in paragraphs:
        if len(paragraph) > limit:
            start, end = next(split_text(paragraph, limit), (0, 0))
            return [*kept, paragraph[start:end]]
        kept.append(paragraph)
        limit -= len(paragraph)
    return kept


def recognize_spans(paragraphs: Sequence[str], model: LoadedModel, language: str) -> tuple[list[NamedSpan], int]:
    """Return the named spans of paragraphs, sorted and without overlaps, and the offset at which the reading ended.

    Offsets refer to the paragraphs joined by an empty line, as in `Article.body`.
    """
    spans: list[NamedSpan] = []
    tokens = read = 0
    with model.open_zone():
        # other tokenizers, such as those for Chinese, know no words between spaces
        for batch in _split_batches(paragraphs, type(model.nlp.tokenizer).__name__ == "Tokenizer"):
            if tokens > MAX_TOKENS:
                break
            results = _find_spans([text for _, text in batch], model)
            for (offset, text), (length, found) in zip(batch, results, strict=True):
                tokens += length + _TEXT_TOKENS
                read = offset + len(text)
                for start, end, raw_label in found:
                    label = FOREIGN_LABELS.get(raw_label, raw_label)
                    if label not in LABELS:
                        continue
                    start, end = trim_span(text, start, end, label, language)
                    if start < end:
                        spans.append(NamedSpan(offset + start, offset + end, text[start:end], label))
    return spans, read


def _find_spans(texts: list[str], model: LoadedModel) -> Iterator[tuple[int, list[tuple[int, int, str]]]]:
    """Yield for each text the number of its tokens and its spans as (start, end, label), in characters."""
    if model.decoder is None:
        for doc in model.nlp.pipe(texts):
            yield len(doc), [(span.start_char, span.end_char, span.label_) for span in doc.ents]
        return
    docs = [model.nlp.make_doc(text) for text in texts]
    for doc, spans in zip(docs, model.decoder.decode(docs), strict=True):
        yield len(doc), [(*_span_chars(doc, span.start, span.end), span.label) for span in spans]


def _span_chars(doc: Any, start: int, end: int) -> tuple[int, int]:
    last = doc[end - 1]
    return doc[start].idx, last.idx + len(last)


def _split_batches(paragraphs: Sequence[str], cut_words: bool) -> Iterator[list[tuple[int, str]]]:
    """Yield batches of (offset in the body, text); `cut_words` says whether words that are too long are cut."""
    batch: list[tuple[int, str]] = []
    size = offset = 0
    for paragraph in paragraphs:
        pieces = split_text(paragraph)
        for start, end in _cut_words(paragraph, pieces) if cut_words else pieces:
            if batch and size + end - start > BATCH_CHARS:
                yield batch
                batch, size = [], 0
            batch.append((offset + start, paragraph[start:end]))
            size += end - start
        offset += len(paragraph) + 2
    if batch:
        yield batch


def _cut_words(text: str, pieces: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, end in pieces:
        while word := _LONG_WORD.search(text, start, end):
            yield start, word.end()
            start = word.end()
        if start < end:
            yield start, end


def split_text(text: str, limit: int = MAX_TEXT_CHARS) -> Iterator[tuple[int, int]]:
    """Yield start and end of pieces of at most `limit` characters, split after a line, a sentence or a word."""
    start = 0
    while len(text) - start > limit:
        for mark in ("\n", ". ", " "):
            # not in the first half, which would make tiny pieces
            place = text.rfind(mark, start + limit // 2, start + limit)
            if place >= 0:
                end = place + len(mark)
                break
        else:
            end = start + limit
        yield start, end
        start = end
    if start < len(text):
        yield start, len(text)

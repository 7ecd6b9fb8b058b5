"""The result for each record of a step that works on many: Ok with the next record, or Ended with an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from transforms.errors import NewsbeamError
from transforms.records import ArticleLink

Record = TypeVar("Record", covariant=True)


@dataclass(frozen=True, slots=True)
class Ok(Generic[Record]):
    """The record that goes on to the next step."""

    record: Record


@dataclass(frozen=True, slots=True)
class Ended:
    """The expected error that ends the work on a link."""

    link: ArticleLink
    error: NewsbeamError

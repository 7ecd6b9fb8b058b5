"""Sinks: where outcomes land. To add one, write a module here and add a line to SINKS.

A sink is a PTransform over pipeline.graph.build.Outcomes (articles, endings), made from its URL.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from pipeline.config import Config
from transforms.errors import UserError

if TYPE_CHECKING:
    import apache_beam as beam

# scheme of the sink's URL -> module and class; imported when used, so that local runs need no cloud libraries
SINKS: dict[str, tuple[str, str]] = {
    "sqlite": ("pipeline.sinks.sql", "WriteToSql"),
    "postgresql": ("pipeline.sinks.sql", "WriteToSql"),
    "bigquery": ("pipeline.sinks.bigquery.sink", "WriteRows"),
}


def sink_of(url: str, config: Config) -> beam.PTransform:
    """Return the PTransform that writes to this sink's URL; raises UserError for an unknown scheme."""
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme not in SINKS:
        raise UserError(f"unknown sink {scheme!r}: use one of {', '.join(SINKS)}")
    module, name = SINKS[scheme]
    make: Callable[[str, Config], beam.PTransform] = getattr(import_module(module), name)
    return make(url, config)

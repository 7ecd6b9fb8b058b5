"""The wire format of records between the steps of a job: versioned JSON, by the names of their fields.

    {"version": 1, "kind": "ArticleLink", "record": {"url": "https://...", "tries": 0, ...}}

A step of the next release can read what a step of this one wrote: unknown fields are ignored, and missing fields take
their defaults. So a field may be added anywhere in a record if it has a default; renaming one, removing one without a
default or changing its type needs a new VERSION and a reader for the old one. The JSON of a page is followed by a line
feed and the bytes of its body, which JSON would have to encode.

Importing this module registers the coder with Beam for the types of RECORDS and unions of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
import msgspec
from apache_beam.typehints import typehints

from transforms.records import Article, ArticleLink, BadMessage, Failure, FetchedPage, Rejection

VERSION = 1
RECORDS: tuple[type, ...] = (ArticleLink, FetchedPage, Article, Rejection, Failure, BadMessage)
# kind -> the field whose bytes follow the JSON
ATTACHED: Mapping[str, str] = {"FetchedPage": "body"}


class _Envelope(msgspec.Struct):
    version: int
    kind: str
    record: Any


class _Sealed(msgspec.Struct):
    version: int
    kind: str
    record: msgspec.Raw


class WireFormat:
    """Encode and decode records of these types; the bytes name the type."""

    def __init__(self, kinds: Sequence[type]) -> None:
        # sort mappings by key, so that equal records give equal bytes
        self._encoder = msgspec.json.Encoder(order="deterministic")
        self._envelopes = msgspec.json.Decoder(_Sealed)
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            kind.__name__: msgspec.json.Decoder(kind) for kind in kinds
        }

    def encode(self, record: Any) -> bytes:
        """Return the bytes of a record; a lone surrogate in a text becomes a question mark."""
        kind = type(record).__name__
        attached = ATTACHED.get(kind)
        body = b""
        if attached:
            body = getattr(record, attached)
            record = replace(record, **{attached: b""})
        envelope = _Envelope(VERSION, kind, record)
        try:
            head = self._encoder.encode(envelope)
        except UnicodeEncodeError:
            head = self._encoder.encode(_without_surrogates(msgspec.to_builtins(envelope)))
        return b"%b\n%b" % (head, body) if attached else head

    def decode(self, data: bytes) -> Any:
        """Return the record of these bytes.

        Raises ValueError for a version or a kind that this release does not know, and for bytes that hold no record.
        """
        head, _, body = data.partition(b"\n")
        envelope = self._envelopes.decode(head)
        if envelope.version != VERSION:
            raise ValueError(
                f"a record of wire version {envelope.version}, but this release reads version {VERSION}: "
                "drain the job with the release that wrote it"
            )
        decoder = self._decoders.get(envelope.kind)
        if decoder is None:
            raise ValueError(
                f"a record of unknown kind {envelope.kind!r}: this release reads {', '.join(self._decoders)}; "
                "drain the job with the release that wrote it"
            )
        record = decoder.decode(envelope.record)
        attached = ATTACHED.get(envelope.kind)
        return replace(record, **{attached: body}) if attached else record


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
    return value


WIRE = WireFormat(RECORDS)


class RecordCoder(beam.coders.Coder):  # type: ignore[misc]
    """Encode any of RECORDS; has no state, so that its own pickle in a job's graph never changes."""

    def encode(self, value: Any) -> bytes:
        return WIRE.encode(value)

    def decode(self, encoded: bytes) -> Any:
        return WIRE.decode(encoded)

    def is_deterministic(self) -> bool:
        return True

    def to_type_hint(self) -> Any:
        return typehints.Union[RECORDS]

    @classmethod
    def from_type_hint(cls, typehint: Any, registry: Any) -> beam.coders.Coder:
        """Return the coder for one of RECORDS or a union of them; for other unions, the one that Beam would choose."""
        if not isinstance(typehint, typehints.UnionConstraint) or set(typehint.union_types) <= set(RECORDS):
            return cls()
        if typehints.is_nullable(typehint):
            return beam.coders.NullableCoder.from_type_hint(typehint, registry)
        return registry.get_coder(typehints.Any)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


def register_coders() -> None:
    """Make Beam encode RECORDS with RecordCoder; safe to call again."""
    for kind in (*RECORDS, typehints.UnionConstraint):
        beam.coders.registry.register_coder(kind, RecordCoder)


register_coders()

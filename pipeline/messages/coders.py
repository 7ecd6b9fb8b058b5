"""How records travel between the steps of a job: as JSON with a version, by the names of their fields.

    {"version": 1, "kind": "ArticleLink", "record": {"url": "https://...", "tries": 0, ...}}

A step of the next release reads what a step of this one wrote: fields that it does not know are ignored, fields that
are missing take their defaults. So a field may be added anywhere in a record if it has a default; renaming one,
removing one without a default or changing its type needs a new VERSION and a reader for the old one. A page is followed
by a line feed and the bytes of its body, which JSON would have to spell out.

Importing this module registers the coder with Beam for the types of RECORDS and unions of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import apache_beam as beam
import msgspec
from apache_beam.typehints import typehints

from transforms.records import Article, ArticleLink, BadMessage, Failure, FetchedPage, Rejection

VERSION = 1
RECORDS: tuple[type, ...] = (ArticleLink, FetchedPage, Article, Rejection, Failure, BadMessage)

Travelling = ArticleLink | FetchedPage | Article | Rejection | Failure | BadMessage

# mappings are written in the order of their keys, so that equal records are equal bytes
_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {kind.__name__: msgspec.json.Decoder(kind) for kind in RECORDS}


class _Envelope(msgspec.Struct):
    version: int
    kind: str
    record: msgspec.Raw


_ENVELOPES = msgspec.json.Decoder(_Envelope)


def encode_record(record: Travelling) -> bytes:
    """Return the bytes of a record; a lone surrogate in a text becomes a question mark."""
    body = None
    if isinstance(record, FetchedPage):
        body, record = record.body, replace(record, body=b"")
    envelope = {"version": VERSION, "kind": type(record).__name__, "record": record}
    try:
        head = _ENCODER.encode(envelope)
    except UnicodeEncodeError:
        head = _ENCODER.encode(_without_surrogates(msgspec.to_builtins(envelope, builtin_types=(bytes,))))
    return head if body is None else b"%b\n%b" % (head, body)


def decode_record(data: bytes) -> Travelling:
    """Return the record of these bytes.

    Raises ValueError for a version or a kind that this release does not know, or for bytes that are no such record.
    """
    head, line_feed, body = data.partition(b"\n")
    envelope = _ENVELOPES.decode(head)
    if envelope.version != VERSION:
        raise ValueError(
            f"a record of wire version {envelope.version}, but this release reads version {VERSION}: "
            "drain the job with the release that wrote it"
        )
    decoder = _DECODERS.get(envelope.kind)
    if decoder is None:
        raise ValueError(f"a record of unknown kind {envelope.kind!r}: this release reads {', '.join(_DECODERS)}")
    record: Travelling = decoder.decode(envelope.record)
    return replace(record, body=body) if line_feed and isinstance(record, FetchedPage) else record


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
    return value


class RecordCoder(beam.coders.Coder):  # type: ignore[misc]
    """Encode any of RECORDS; the bytes themselves say which it is."""

    def encode(self, value: Travelling) -> bytes:
        return encode_record(value)

    def decode(self, encoded: bytes) -> Travelling:
        return decode_record(encoded)

    def is_deterministic(self) -> bool:
        return True

    def to_type_hint(self) -> Any:
        return typehints.Union[RECORDS]

    @classmethod
    def from_type_hint(cls, typehint: Any, registry: Any) -> beam.coders.Coder:
        """Return the coder for one of RECORDS or a union of them; for other unions the one that Beam itself takes."""
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
    """Make Beam encode our records with RecordCoder; harmless the second time."""
    for kind in (*RECORDS, typehints.UnionConstraint):
        beam.coders.registry.register_coder(kind, RecordCoder)


register_coders()

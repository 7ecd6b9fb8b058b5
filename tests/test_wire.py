"""The encoding between steps: versioned JSON by field name, with a coder registered in Beam, read by the next release.

`python tests/test_wire.py` writes the file of records as this release encodes them. It is written once per version;
after that it represents what the previous release has in flight.
"""

from __future__ import annotations

import base64
import json
import pickle
import re
from dataclasses import MISSING, field, fields, make_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import registry
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns, python_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.typehints import typehints

from pipeline.config import Config
from pipeline.graph.batches import BatchByHost
from pipeline.jobs.stream import Job, build_job
from pipeline.messages.coders import RECORDS, VERSION, WIRE, RecordCoder, WireFormat
from transforms.records import (
    Article,
    ArticleLink,
    BadMessage,
    Block,
    BlockKind,
    Entity,
    Failure,
    FetchedPage,
    Image,
    Mention,
    PageKind,
    Rejection,
    RemovedBlock,
)

WRITTEN = Path(__file__).parent / "data/wire_v1.jsonl"
AT = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
LINK = ArticleLink(
    url="https://news.example/a?b=1",
    canonical_url="https://news.example/a",
    article_id="0123456789abcdef",
    host="news.example",
    feed_url="https://news.example/feed.xml",
    discovered_at=AT,
    tries=2,
    title="Sturm reißt ein Loch — “wow” 🌊",
    published_at=datetime(2026, 3, 1, 10, 0, tzinfo=timezone(timedelta(hours=2))),
    authors=("Orla Whelan", "Hélène Aubert"),
    language="de",
)
ARTICLE = Article(
    link=LINK,
    url="https://news.example/a",
    title="A title",
    description="What it is",
    authors=("Orla Whelan",),
    section="World",
    tags=("storm", "harbour"),
    published_at=AT,
    modified_at=AT,
    language="en",
    site_name="News",
    canonical_url="https://news.example/a",
    lead_image="https://news.example/i.jpg",
    page_kind=PageKind.LIVE_BLOG,
    is_paywalled=True,
    # the file was written when a block had a field `evidence`, since removed
    blocks=(Block(BlockKind.PARAGRAPH, "One."), Block(BlockKind.QUOTE, "Two.")),
    removed=(RemovedBlock(1, "Read more", "related", "links"),),
    images=(Image("https://news.example/i.jpg", "A wave", "Photo: N. Brennan"),),
    sources={"title": "json-ld", "authors": "byline"},
    fetched_at=AT,
    entities=(Entity("Port Ellery", "GPE", 2, 0.625),),
    mentions=(Mention(0, 0, 3, "One", "GPE"),),
    entity_model="en_core_web_sm",
)
ALL: tuple[Any, ...] = (
    LINK,
    ArticleLink("https://b.example/", "https://b.example/", "id", "b.example"),
    FetchedPage(LINK, "https://news.example/a", "text/html; charset=latin-1", b"<p>\xe9\n\n\x00\xff</p>\n", AT, 42),
    FetchedPage(LINK, "https://news.example/empty", "", b"", AT),
    ARTICLE,
    Article(LINK, "https://news.example/a"),
    Rejection(LINK, "http 404", "fetch", "http 404 https://news.example/a", AT),
    Failure(LINK, "timeout", "fetch", "FetchTimeout", "no answer", 3, AT, AT + timedelta(minutes=1), "{}", "Trace"),
    Failure(LINK, "bug", "extract", "KeyError", "x", 10, AT, None),
    BadMessage(b"\xff\xfe{", "not JSON", AT, {"origin": "test", "a": "b"}),
)


def to_line(data: bytes) -> str:
    """Return a line of the file: the JSON unchanged, followed by the body as base64."""
    head, line_feed, body = data.partition(b"\n")
    return json.dumps({"head": head.decode(), "body": base64.b64encode(body).decode() if line_feed else None})


def from_line(line: str) -> bytes:
    parts = json.loads(line)
    head: bytes = parts["head"].encode()
    return head if parts["body"] is None else head + b"\n" + base64.b64decode(parts["body"])


def test_records_of_the_previous_release_are_read() -> None:
    assert [WIRE.decode(from_line(line)) for line in WRITTEN.read_text().splitlines()] == list(ALL)


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
def test_a_record_survives_a_round_trip(record: Any) -> None:
    data = WIRE.encode(record)
    assert WIRE.decode(data) == record
    assert type(WIRE.decode(data)) is type(record)
    assert WIRE.encode(WIRE.decode(data)) == data
    head = json.loads(data.partition(b"\n")[0])
    assert head["version"] == VERSION and head["kind"] == type(record).__name__


def test_equal_records_are_equal_bytes() -> None:
    other = replace(ARTICLE, sources=dict(reversed(ARTICLE.sources.items())))
    assert other == ARTICLE and WIRE.encode(ARTICLE) == WIRE.encode(other)


def test_a_lone_surrogate_does_not_stop_a_record() -> None:
    article = Article(LINK, "https://news.example/a", title="half \ud83d of it", sources={"ti\udcfftle": "x"})
    read = WIRE.decode(WIRE.encode(article))
    assert read == replace(article, title="half ? of it", sources={"ti?tle": "x"})


def with_more(kind: type, name: str, default: Any) -> type:
    """Return a record type of the same name with one more field, in the middle, as in a possible next release."""
    described: list[Any] = []
    for old in fields(kind):
        given = {} if old.default is MISSING else {"default": old.default}
        if old.default_factory is not MISSING:
            given = {"default_factory": old.default_factory}
        described.append((old.name, old.type, field(**given)))
    place = next(n for n, old in enumerate(fields(kind)) if old.default is not MISSING) + 1
    described.insert(place, (name, type(default).__name__, field(default=default)))
    later = make_dataclass(kind.__name__, described, frozen=True, slots=True)
    later.__module__ = kind.__module__
    return later


@pytest.mark.parametrize("record", [LINK, ARTICLE], ids=["ArticleLink", "Article"])
def test_a_field_may_be_added_in_the_middle(record: Any) -> None:
    next_release = WireFormat([with_more(type(record), "priority", 7)])
    read = next_release.decode(WIRE.encode(record))
    names = [part.name for part in fields(read)]
    assert read.priority == 7 and 0 < names.index("priority") < len(names) - 2
    for part in fields(record):
        assert getattr(read, part.name) == getattr(record, part.name)
    # and this release reads what the next one writes
    assert WIRE.decode(next_release.encode(read)) == record


def test_a_pickle_would_have_shifted_the_fields() -> None:
    """Frozen dataclasses with slots are pickled as a list of values without names; RecordCoder avoids that."""
    later = with_more(ArticleLink, "priority", 7)
    read: Any = object.__new__(later)
    read.__setstate__(LINK.__getstate__())
    assert read.priority == LINK.discovered_at and read.discovered_at == LINK.tries


def test_fields_added_by_a_later_release_are_ignored() -> None:
    sent = json.loads(WIRE.encode(LINK))
    sent["record"]["priority"] = 7
    sent["trace"] = "abc"
    assert WIRE.decode(json.dumps(sent).encode()) == LINK


def test_missing_fields_take_their_defaults() -> None:
    sent = json.loads(WIRE.encode(LINK))
    del sent["record"]["authors"], sent["record"]["tries"]
    assert WIRE.decode(json.dumps(sent).encode()) == replace(LINK, authors=(), tries=0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"version":2,"kind":"ArticleLink","record":{}}', "wire version 2, but this release reads version 1: drain"),
        (b'{"version":1,"kind":"Podcast","record":{}}', "unknown kind 'Podcast': this release reads ArticleLink, "),
        (b'{"version":1,"kind":"ArticleLink","record":{}}', "missing required field `url`"),
        (pickle.dumps(LINK), "JSON is malformed"),
    ],
)
def test_unreadable_data_says_why(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WIRE.decode(data)


@pytest.mark.parametrize("kind", RECORDS)
def test_the_coder_is_registered(kind: type) -> None:
    assert registry.get_coder(kind) == RecordCoder()


def test_unions_and_lists_of_records_use_the_coder_too() -> None:
    assert registry.get_coder(typehints.Union[Rejection, Failure]) == RecordCoder()
    assert registry.get_coder(typehints.List[ArticleLink]).value_coder() == RecordCoder()
    assert registry.get_coder(typehints.Tuple[int, ArticleLink]).value_coder() == RecordCoder()
    # other types keep Beam's own coders
    assert registry.get_coder(typehints.Union[int, str]) == registry.get_coder(typehints.Any)
    assert registry.get_coder(typehints.Optional[int]) != registry.get_coder(typehints.Any)


# Every PCollection of a streaming job.

# The output of these steps has no records: messages and bytes of Pub/Sub, rows and events (JSON values), Beam's own
# shuffles, and the (empty) result of a sink. Their coders are Beam's own.
WITHOUT_RECORDS = re.compile(
    r"Source/ReadSubscription/|Source/Lanes|Source/Spread|Sink/(Rows|Write|Refused|Letters)|Ledger/Settle|"
    r"Events/|DeadLetters/"
)
OURS = {
    "RecordCoder",
    "ListCoder(RecordCoder)",
    "kv(varint, bytes)",
    "kv(varint, iterable(bytes))",
}
JOBS = {
    "Dataflow": Job(
        "pubsub:projects/proj-one/subscriptions/urls",
        "bigquery:proj-one.news",
        "postgresql://newsbeam@10.0.0.5/newsbeam",
        "projects/proj-one/topics/letters",
        "projects/proj-one/topics/events",
    ),
    "Flink": Job("ledger:postgresql://h/n", "postgresql://h/n"),
    "local": Job("pubsub:projects/proj-one/subscriptions/urls", "sqlite:///newsbeam.db"),
}


def translate(job: Job) -> Any:
    """Return the job's graph as the proto that runners get."""
    pipeline = beam.Pipeline(options=PipelineOptions(["--streaming", "--temp_location=gs://bucket/temp"]))
    build_job(pipeline, job, Config(bigquery_method="STREAMING_INSERTS"))
    return pipeline.to_runner_api()


def name_of_coder(components: Any, coder_id: str) -> str:
    """Return how elements are encoded, as "kv(varint, RecordCoder)"."""
    coder = components.coders[coder_id]
    if coder.spec.urn == python_urns.PICKLED_CODER:
        made: Any = beam.coders.Coder.from_runner_api(coder, None)  # type: ignore[arg-type]
        inner = [type(made.value_coder()).__name__] if isinstance(made, beam.coders.coders.ListCoder) else []
        name = type(made).__name__
    else:
        name = coder.spec.urn.split(":")[-2]
        inner = [name_of_coder(components, part) for part in coder.component_coder_ids]
    return f"{name}({', '.join(inner)})" if inner else name


@pytest.mark.parametrize("runner", JOBS)
def test_no_step_pickles_records(runner: str) -> None:
    pytest.importorskip("google.cloud.bigquery", reason="pip install 'newsbeam[cloud]'")
    components = translate(JOBS[runner]).components
    found: dict[str, str] = {}
    for transform in components.transforms.values():
        if transform.subtransforms:
            continue
        for tag, output in transform.outputs.items():
            name = name_of_coder(components, components.pcollections[output].coder_id)
            found[f"{transform.unique_name} {tag}"] = name
        if transform.spec.urn == common_urns.primitives.PAR_DO.urn:
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            for state in payload.state_specs:
                # Beam pickles the state of GroupIntoBatches, which contains its input, so that must be bytes already
                (given,) = transform.inputs.values()
                name = name_of_coder(components, components.pcollections[given].coder_id)
                found[f"{transform.unique_name} state {state}"] = name
    records = {step: name for step, name in found.items() if not WITHOUT_RECORDS.match(step)}
    assert not {step: name for step, name in records.items() if name not in OURS}
    steps = {step.partition("/")[0] for step in records}
    assert {"Source", "Fetch", "Read", "Endings None", "Measure None"} <= steps
    if runner != "Flink":
        assert any(" state " in step for step in records), "there must be waiting batches"


def test_the_bounded_job_does_not_pickle_records_either() -> None:
    pipeline = beam.Pipeline()
    batches = pipeline | beam.Create([LINK]) | BatchByHost()
    assert batches.element_type == typehints.List[ArticleLink]
    components = pipeline.to_runner_api().components
    found = {name_of_coder(components, part.coder_id) for part in components.pcollections.values()}
    assert found - {"bytes"} == OURS - {"kv(varint, bytes)", "kv(varint, iterable(bytes))"} | {
        "kv(varint, RecordCoder)",
        "kv(varint, iterable(RecordCoder))",
    }


if __name__ == "__main__":
    WRITTEN.write_text("".join(f"{to_line(WIRE.encode(record))}\n" for record in ALL))

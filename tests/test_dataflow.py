"""The Dataflow job without Dataflow: the request that Beam sends to the service, captured by a stub.

If the job is meant to change, update the golden file with `python tests/test_dataflow.py` and review the diff.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from commands import clean_environment
from emulators.dataflow import DataflowEndpoint, describe_job

from pipeline.graph.stages import STAGES

pytestmark = pytest.mark.cloud
pytest.importorskip("google.cloud.bigquery", reason="pip install 'newsbeam[cloud,cloud-test]'")

GOLDEN = Path(__file__).parent / "data/dataflow_job.json"
IMAGE = "us-docker.pkg.dev/proj-one/news/newsbeam:1"
ARGUMENTS = [
    "--runner=DataflowRunner",
    "--streaming",
    *("--source", "pubsub:projects/proj-one/subscriptions/urls"),
    *("--sink", "bigquery:proj-one.news"),
    *("--ledger", "postgresql://newsbeam@10.0.0.5/newsbeam"),
    *("--dead-letter-topic", "projects/proj-one/topics/letters"),
    *("--output-topic", "projects/proj-one/topics/events"),
    "--project=proj-one",
    "--region=us-central1",
    "--job_name=newsbeam",
    f"--sdk_container_image={IMAGE}",
    "--machine_type=n2-standard-2",
    "--num_workers=1",
    "--max_num_workers=4",
    "--service_account_email=worker@proj-one.iam.gserviceaccount.com",
    "--labels=app=newsbeam",
]


def submit(directory: Path, *more: str) -> tuple[dict[str, Any], Any, subprocess.CompletedProcess[str]]:
    """Submit the job to the stub; returns the request, the graph and the process that submitted it."""
    with DataflowEndpoint() as dataflow:
        arguments = [*ARGUMENTS, *dataflow.submit_args(directory), "--temp_location=gs://news-temp/temp", *more]
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=120,
        )
        return dataflow.job, dataflow.read_graph() if dataflow.job else None, done


def describe_graph(graph: Any) -> dict[str, Any]:
    """Return the parts of a graph that we determine: its steps, its sources and sinks, its image."""
    from apache_beam.portability.api import beam_runner_api_pb2 as api

    parts = graph.components.transforms
    (root,) = (parts[name] for name in graph.root_transform_ids)
    reads = [part.spec.payload for part in parts.values() if part.spec.urn == "beam:transform:pubsub_read:v1"]
    writes = [part.spec.payload for part in parts.values() if part.spec.urn == "beam:transform:pubsub_write:v1"]
    images = [api.DockerPayload.FromString(e.payload).container_image for e in graph.components.environments.values()]
    tables = [part.unique_name for part in parts.values() if part.spec.urn == "beam:transform:write_to_big_query:v0"]
    batches = [part.spec.payload for part in parts.values() if part.spec.urn == "beam:transform:group_into_batches:v1"]
    return {
        "steps": [parts[name].unique_name for name in root.subtransforms],
        "subscriptions": sorted(api.PubSubReadPayload.FromString(payload).subscription for payload in reads),
        "topics": sorted(api.PubSubWritePayload.FromString(payload).topic for payload in writes),
        "tables": sorted(name.rpartition("Write_")[2] for name in tables),
        "images": images,
        "batches": [api.GroupIntoBatchesPayload.FromString(payload).batch_size for payload in batches],
    }


def test_job_and_graph_match_the_golden_file(tmp_path: Path) -> None:
    job, graph, done = submit(tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout) == {"runner": "DataflowRunner", "job": job_id(done)}
    found = describe_job(job) | {"graph": describe_graph(graph)}
    assert found == json.loads(GOLDEN.read_text())


def job_id(done: subprocess.CompletedProcess[str]) -> str:
    return str(json.loads(done.stdout)["job"])


def test_the_golden_file_has_the_intended_job() -> None:
    golden = json.loads(GOLDEN.read_text())
    assert golden["type"] == 2, "JOB_TYPE_STREAMING"
    assert golden["image"] == IMAGE and golden["graph"]["images"] == [IMAGE]
    assert golden["single_core_per_container"], "one process, and so one model, per core"
    assert {"use_runner_v2", "enable_streaming_engine"} <= set(golden["experiments"])
    steps = golden["graph"]["steps"]
    order = [steps.index(spec.name.capitalize()) for spec in STAGES]
    assert order == sorted(order) and steps[0] == "Source"
    assert golden["graph"]["subscriptions"] == ["projects/proj-one/subscriptions/urls"]
    assert golden["graph"]["topics"] == ["projects/proj-one/topics/events", "projects/proj-one/topics/letters"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--temp_location=/somewhere"], "use gs://BUCKET/FOLDER, where load jobs find their files"),
        (["--sink=bigquery:nowhere"], "not a dataset: 'nowhere'; use bigquery:PROJECT.DATASET"),
        (["--sink=mongodb://x"], "unknown sink 'mongodb': use one of sqlite, postgresql, bigquery"),
        (["--source=kafka:x"], "unknown source 'kafka:x': use pubsub:projects/P/subscriptions/S or ledger:URL"),
        (["--source=pubsub:x"], "not a subscription: 'x'; use projects/P/subscriptions/S"),
        (["--dead-letter-topic=x"], "not a topic: 'x'; use projects/P/topics/T"),
        (["--ledger=mysql://x"], "not a ledger: 'mysql://x'; use sqlite:///newsbeam.db or postgresql://user@host/name"),
        (["--runner=FlinkRunner"], "FlinkRunner cannot read Pub/Sub from Python: use --source ledger:URL"),
    ],
)
def test_user_errors_are_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    job, _, done = submit(tmp_path, *arguments)
    assert done.returncode == 2 and not job, done.stderr[-3000:]
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("newsbeam: ") and lines[-1].endswith(message), lines


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        job, graph, _ = submit(Path(folder))
        found = describe_job(job) | {"graph": describe_graph(graph)}
        GOLDEN.write_text(json.dumps(found, indent=2) + "\n")

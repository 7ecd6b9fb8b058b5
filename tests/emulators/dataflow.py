"""A stub of Google's Dataflow service: accepts the job that Beam submits, keeps it, and reports it as running.

    with DataflowEndpoint() as dataflow:
        run_pipeline(["--runner=DataflowRunner", *dataflow.submit_args(tmp_path), ...])
    graph, job = dataflow.read_graph(), dataflow.job

Translation, staging and the request are Beam's own; the job itself does not run.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

JOB_ID = "2026-01-01_00_00_00-1"


class DataflowEndpoint:
    """An HTTP server on a free loopback port, for a `with` block; `job` is the last job request as JSON."""

    def __init__(self) -> None:
        self.job: dict[str, Any] = {}
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                endpoint.job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer("JOB_STATE_RUNNING")

            def do_GET(self) -> None:
                self._answer("JOB_STATE_RUNNING")

            def _answer(self, state: str) -> None:
                answer = json.dumps({"id": JOB_ID, "currentState": state, "jobMessages": []}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def submit_args(self, staging: Path) -> list[str]:
        """Return the Beam options that submit a job here, with its files staged in a local folder."""
        staging.mkdir(parents=True, exist_ok=True)
        return [
            # Beam recognises this name and then does not look for a bucket at Google
            f"--dataflow_endpoint=http://localhost:{self._server.server_port}",
            "--no_auth",
            "--no_wait_until_finish",
            f"--staging_location={staging}",
            f"--temp_location={staging / 'temp'}",
        ]

    def read_graph(self) -> Any:
        """Return the staged pipeline, a `beam_runner_api_pb2.Pipeline`: the graph, environments and coders."""
        from apache_beam.portability.api import beam_runner_api_pb2

        staged = Path(self.job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"])
        return beam_runner_api_pb2.Pipeline.FromString(staged.read_bytes())


def describe_job(job: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a job request that we determine and that are the same in every translation.

    Left out: request id, hash of the graph, staging paths, and Beam's own capabilities and defaults.
    """
    environment = job["environment"]
    pool = environment["workerPools"][0]
    (container,) = pool["sdkHarnessContainerImages"]
    return {
        "name": job["name"],
        "type": job["type"],
        "labels": job.get("labels", {}),
        "experiments": sorted(environment["experiments"]),
        "service_options": sorted(environment.get("serviceOptions", [])),
        "service_account": environment.get("serviceAccountEmail"),
        "image": container["containerImage"],
        "single_core_per_container": container.get("useSingleCorePerContainer", False),
        "machine_type": pool.get("machineType"),
        "workers": pool.get("numWorkers"),
        "most_workers": pool.get("autoscalingSettings", {}).get("maxNumWorkers"),
        "network": pool.get("network"),
        "subnetwork": pool.get("subnetwork"),
    }

"""Start one of Beam's Python workers on this machine, as `boot` does in Beam's container images.

A Flink task manager runs it (environment type PROCESS) with the address of its provision service, which supplies the
pipeline's options and the addresses to connect to. The pipeline's modules must be installed here: nothing is staged.
Contract: https://beam.apache.org/documentation/runtime/environments/ and sdks/python/container/boot.go of Beam.
"""

import argparse
import os
import sys

import grpc
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
from google.protobuf import json_format


def become_worker(worker_id: str, provision_endpoint: str) -> None:
    """Replace this process by Beam's harness."""
    with grpc.insecure_channel(provision_endpoint) as channel:
        stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        info = stub.GetProvisionInfo(request, metadata=[("worker_id", worker_id)]).info
    os.environ.update(
        WORKER_ID=worker_id,
        PIPELINE_OPTIONS=json_format.MessageToJson(info.pipeline_options),
        RUNNER_CAPABILITIES=" ".join(info.runner_capabilities),
        LOGGING_API_SERVICE_DESCRIPTOR=f'url: "{info.logging_endpoint.url}"',
        CONTROL_API_SERVICE_DESCRIPTOR=f'url: "{info.control_endpoint.url}"',
    )
    # some runners give a pipe that nobody reads as standard output: after 64 KB of output the worker would block
    os.dup2(2, 1)
    os.execv(sys.executable, [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--id", required=True)
    parser.add_argument("--provision_endpoint", required=True)
    arguments, _ = parser.parse_known_args()
    become_worker(arguments.id, arguments.provision_endpoint)


if __name__ == "__main__":
    main()

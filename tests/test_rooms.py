"""The house's rules, held by reading the code: who may know whom, and who may touch the outside.

transforms   knows nothing of pipeline, of queues, databases, the environment
pipeline     knows transforms; nothing knows its command line
"""

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
LONGEST = 500
# the words of a file name that say nothing of what is in it
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "stuff"}
NETWORK = {"socket", "ssl", "pycurl", "httpx", "httpcore", "h2", "http.client", "urllib.request", "requests", "aiohttp"}
FETCHING = {"transforms.fetch.exchange", "transforms.fetch.wire", "transforms.fetch.dial"}
# reading the host name for the owner of a lease does not open a connection
HARMLESS = {("pipeline.ledger.lease", "socket.gethostname")}
# two processes of one program talk over a pair of sockets that nobody else can open
PAIRED = {"transforms.guard.guard", "transforms.guard.template", "transforms.guard.frames"}
DATABASES = {"sqlalchemy", "alembic", "sqlite3", "psycopg", "google"}


@dataclass(frozen=True)
class Module:
    """A module by its dotted name, and what its text says."""

    name: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def imports(self) -> frozenset[str]:
        """Every module that is imported anywhere in it, also `a.b.c` for `from a.b import c`."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    package = self.name.split(".")[: -node.level]
                    base = ".".join([*package, *filter(None, [base])])
                found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        return frozenset(found)

    def knows(self, *names: str) -> bool:
        """Whether it imports one of these modules or something inside one."""
        return any(found == name or found.startswith(f"{name}.") for found in self.imports for name in names)


def modules(folder: str) -> Iterator[Module]:
    for path in sorted((REPOSITORY / folder).rglob("*.py")):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        yield Module(".".join(parts).removesuffix(".__init__"), path.read_text("utf-8"))


TRANSFORMS, PIPELINE = list(modules("transforms")), list(modules("pipeline"))


# -- the rules; each returns what breaks it


def knowing_pipeline(given: list[Module]) -> list[str]:
    return [module.name for module in given if module.knows("pipeline")]


def knowing_command_line(given: list[Module]) -> list[str]:
    # `python -m pipeline` is an entry point of the command line
    inside = ("pipeline.cli.", "pipeline.__main__.")
    outside = [module for module in given if not f"{module.name}.".startswith(inside)]
    return [module.name for module in outside if module.knows("pipeline.cli")]


def knowing_beam(given: list[Module]) -> list[str]:
    return [module.name for module in given if module.knows("apache_beam") and module.name != "pipeline.graph.stage"]


def knowing_databases(given: list[Module]) -> list[str]:
    return [module.name for module in given if module.knows(*DATABASES)]


def opening_sockets(given: list[Module]) -> list[str]:
    found = []
    for module in given:
        if module.name in FETCHING | PAIRED:
            continue
        if any(node.attr in ("open_connection", "create_connection", "connect_tcp") for node in attributes(module)):
            found.append(module.name)
            continue
        if not module.knows(*NETWORK):
            continue
        used = {f"{n.value.id}.{n.attr}" for n in attributes(module) if isinstance(n.value, ast.Name)}
        calls = {call for call in used if call.partition(".")[0] in NETWORK}
        if not calls or any((module.name, call) not in HARMLESS for call in calls):
            found.append(module.name)
    return found


def reading_environment(given: list[Module]) -> list[str]:
    """Who looks into os.environ; to hand it on whole to a child process (`os.environ | ...`) is not looking."""
    found = []
    for module in given:
        handed_on = {
            id(side)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
            for side in (node.left, node.right)
        }
        looks = any(
            node.attr in ("environ", "environb", "getenv") and id(node) not in handed_on for node in attributes(module)
        )
        if looks or module.imports & {"os.environ", "os.getenv"}:
            found.append(module.name)
    return [name for name in found if name != "pipeline.config.reading"]


def attributes(module: Module) -> Iterator[ast.Attribute]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Attribute))


def too_long(given: list[Module]) -> list[str]:
    return [module.name for module in given if len(module.source.splitlines()) > LONGEST]


def named_emptily(given: list[Module]) -> list[str]:
    return [module.name for module in given if set(re.split(r"[._]", module.name)) & EMPTY_NAMES]


# -- the house


def test_transforms_do_not_import_pipeline() -> None:
    assert knowing_pipeline(TRANSFORMS) == []


def test_nothing_imports_the_command_line() -> None:
    assert knowing_command_line(TRANSFORMS + PIPELINE) == []


def test_transforms_do_not_import_beam() -> None:
    assert knowing_beam(TRANSFORMS) == []


def test_transforms_do_not_import_databases_or_queues() -> None:
    assert knowing_databases(TRANSFORMS) == []


def test_sockets_are_opened_in_one_place() -> None:
    assert opening_sockets(TRANSFORMS + PIPELINE) == []


def test_one_module_reads_the_environment() -> None:
    assert reading_environment(TRANSFORMS + PIPELINE) == []


def test_modules_are_short() -> None:
    others = [module for folder in ("bench", "tools", "tests") for module in modules(folder)]
    assert too_long(TRANSFORMS + PIPELINE + others) == []


def test_modules_have_meaningful_names() -> None:
    assert named_emptily(TRANSFORMS + PIPELINE + list(modules("bench")) + list(modules("tests"))) == []


# Somebody's own folders and package index: what works on one machine only.
MACHINE = re.compile(r"(?<![\w.:/$}])/(?:home|root|Users|work|tmp)/\w|--(?:extra-)?index-url|GOPROXY|PIP_INDEX_URL")
TEXTS = {".py", ".md", ".toml", ".cfg", ".ini", ".txt", ".html", ".yaml", ".yml", ".mako", ".sh", ".tf", ".go"}
BARE_TEXTS = {"Makefile", "Dockerfile", "run"}


def test_no_file_depends_on_one_machine() -> None:
    found = []
    for folder, below, names in os.walk(REPOSITORY):
        below[:] = [name for name in below if name == ".ci" or (not name.startswith((".", "__")) and name != "data")]
        for name in names:
            path = Path(folder, name)
            if (path.suffix in TEXTS or name in BARE_TEXTS) and name != Path(__file__).name:
                text = path.read_text("utf-8", "replace")
                found += [f"{path.relative_to(REPOSITORY)}: {match.group()}" for match in MACHINE.finditer(text)]
    assert found == []


# -- each rule sees what it is there for


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (knowing_pipeline, "transforms.x", "import pipeline"),
        (knowing_pipeline, "transforms.x", "def f():\n    from pipeline.ledger import Ledger"),
        (knowing_command_line, "pipeline.x", "from pipeline import cli"),
        (knowing_command_line, "pipeline.x", "from . import cli"),
        (knowing_command_line, "pipeline.sinks.x", "from ..cli import commands"),
        (knowing_beam, "transforms.x", "import apache_beam as beam"),
        (knowing_databases, "transforms.x", "import sqlalchemy as sa"),
        (opening_sockets, "transforms.x", "import httpx"),
        (opening_sockets, "transforms.x", "import asyncio\nasyncio.open_connection(host, port)"),
        (opening_sockets, "transforms.x", "from urllib.request import urlopen"),
        (opening_sockets, "pipeline.ledger.lease", "import socket\nsocket.gethostname()\nsocket.create_connection(a)"),
        (opening_sockets, "pipeline.x", "import socket\nsocket.gethostname()"),
        (reading_environment, "pipeline.x", "import os\nos.environ['HOME']"),
        (reading_environment, "pipeline.x", "import os\nos.getenv('HOME')"),
        (reading_environment, "pipeline.x", "from os import environ"),
        (too_long, "pipeline.x", "a = 1\n" * 501),
        (named_emptily, "pipeline.url_utils", ""),
        (named_emptily, "transforms.helpers.urls", ""),
    ],
)
def test_each_rule_detects_violations(rule: object, name: str, source: str) -> None:
    assert callable(rule)
    assert rule([Module(name, source)]) == [name]


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (knowing_pipeline, "transforms.x", "from transforms import pipeline_text"),
        (knowing_beam, "pipeline.graph.stage", "import apache_beam as beam"),
        (opening_sockets, "transforms.fetch.exchange", "import pycurl\npycurl.Curl()"),
        (opening_sockets, "pipeline.ledger.lease", "import socket\nsocket.gethostname()"),
        (opening_sockets, "pipeline.x", "from urllib.parse import urljoin\nfrom http.server import HTTPServer"),
        (reading_environment, "pipeline.config.reading", "import os\nos.environ.get('A')"),
        (reading_environment, "pipeline.x", "import os\nrun(env=os.environ | {'A': 'b'})"),
        (too_long, "pipeline.x", "a = 1\n" * 500),
        (named_emptily, "pipeline.ledger.lease", ""),
    ],
)
def test_each_rule_accepts_allowed_code(rule: object, name: str, source: str) -> None:
    assert callable(rule)
    assert rule([Module(name, source)]) == []


def test_paths_of_one_machine_are_detected() -> None:
    for text in ("see /" + "home/ann/x", "(/" + "tmp/x)", "pip install --" + "index-url=x"):
        assert MACHINE.search(text)
    for text in ("https://a.example/home/x", "/home page", "src/tmp/x", "sqlite:////tmp"):
        assert not MACHINE.search(text)

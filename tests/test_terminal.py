"""Nothing that a page, a feed or an argument says reaches a terminal as it is, from any command."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

import click
import pytest
from commands import NEWSBEAM
from forked import newsbeam
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from smallnews import page_of
from terminals import ACTED_ON, acted_on, run_on_terminal
from tinyserver import Seen, TinyServer, answer

from pipeline.cli.commands import COMMANDS, main
from pipeline.cli.console import PrintableConsole
from pipeline.logs import readable_line
from pipeline.logs.streams import PrintableStream
from pipeline.logs.terminal import json_text, one_line, printable

PAYLOAD = (
    "\x1b]0;PWNED\x07 \x1b[8mHID\x1b[6nDEN \x9b31mC1\x85 \x7fDEL \u202eRTL\u2066\u2069 \u200bZERO\ufeff \U000e0041TAG"
)
ENTITIES = "".join(f"&#{ord(letter)};" for letter in PAYLOAD)
PRINTED = "\\x1b]0;PWNED"
OPTIONS = ("--patience", "0", "--workers", "1", "--host-delay", "0", "--allow-private-addresses")
DRIVER = """
import json, sys
from pipeline.cli.commands import main
for arguments in json.load(open(sys.argv[1])):
    try:
        main(arguments, prog_name="newsbeam")
    except SystemExit as ended:
        print("exit", ended.code)
"""


def hostile_page(seen: Seen) -> bytes:
    """An article that has the payload in every place that becomes a column."""
    described = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": f"{PAYLOAD} headline",
        "author": [{"@type": "Person", "name": f"Ana {PAYLOAD} Duarte"}],
        "articleSection": PAYLOAD,
        "keywords": [PAYLOAD],
        "publisher": {"@type": "Organization", "name": PAYLOAD},
        "datePublished": "2026-03-01T09:30:00Z",
    }
    page = page_of(1).decode()
    page = page.replace("Port Ellery", f"Port {ENTITIES} Ellery").replace("Galway", f"Galway {ENTITIES}")
    page = page.replace("<h1>", f'<script type="application/ld+json">{json.dumps(described)}</script><h1>{ENTITIES} ')
    page = page.replace(
        "</article>",
        f'<figure><img src="/a.jpg?{ENTITIES}"><figcaption>{ENTITIES} harbour</figcaption></figure>'
        f'<div class="promo {ENTITIES}">Sign up {ENTITIES} for our newsletter</div></article>',
    )
    return answer(200, page.encode(), content_type="text/html; charset=utf-8")


def hostile_feed(seen: Seen) -> bytes:
    base = f"http://{seen.headers['host']}"
    items = [
        {"id": f"{PAYLOAD}{number}", "url": f"{base}/{path}", "title": PAYLOAD, "authors": [{"name": PAYLOAD}]}
        for number, path in enumerate((f"a/1?{PAYLOAD}", f"gone/{PAYLOAD}", f"down/{PAYLOAD}", f"moved/{PAYLOAD}"))
    ]
    body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": f"{PAYLOAD} feed", "items": items})
    return answer(200, body.encode(), content_type="application/feed+json")


def hostile_answer(seen: Seen) -> bytes:
    kind = seen.path.split("/")[1]
    if kind == "a":
        return hostile_page(seen)
    if kind == "unreadable":
        return answer(200, "<\u202eevil>\x1b]0;PWNED\x07</\u202eevil>".encode(), content_type="text/xml")
    status = {"gone": 404, "down": 503, "moved": 302}.get(kind, 404)
    said = {"location": f"gopher://{PAYLOAD}".encode().decode("latin-1")} if status == 302 else {}
    return answer(status, b"", **said)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with TinyServer({"/feed": hostile_feed, "*": hostile_answer}) as server:
        yield server.base


@pytest.fixture(scope="module")
def ingested(site: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A folder with a database that `run` filled from the site, and what it wrote on its terminal."""
    folder = tmp_path_factory.mktemp("hostile")
    code, written = run_on_terminal(
        [*NEWSBEAM, "run", "--once", *OPTIONS, f"{site}/feed", f"{site}/unreadable/{PAYLOAD}"],
        cwd=folder,
    )
    assert code == 0, written
    (folder / "page.html").write_bytes(hostile_page(Seen("/a/1", {}, 0, "")).partition(b"\r\n\r\n")[2])
    (folder / "text").write_text(f"{PAYLOAD} The council met on Tuesday evening.\n\nBy Ana {PAYLOAD} Duarte\n" * 3)
    row = {"id": PAYLOAD, "url": f"http://a.example/{PAYLOAD}", "html": "page.html"}
    (folder / "manifest").write_text(json.dumps(row) + "\n")
    (folder / "toml").write_text(json.dumps(PAYLOAD).replace("\\ud", "\\\\ud") + " = 1\n")
    return folder, written


# what each command is given, beside the payload as the value of each of its options and arguments
INVOCATIONS: dict[str, list[list[str]]] = {
    "run": [["run", "--once", "--patience", "0", "--workers", "1", "--host-delay", "0", "SITE/unreadable/x"]],
    "poll": [["poll", "--once", "--allow-private-addresses", "SITE/feed", f"SITE/unreadable/{PAYLOAD}2"]],
    "work": [["work", "--once", "--patience", "0", "--allow-private-addresses"]],
    "enrich": [["enrich"], ["enrich", "--language", PAYLOAD]],
    "publish": [["publish", "--once", "--topic", f"projects/{PAYLOAD}/topics/{PAYLOAD}/x"]],
    "extract": [
        ["extract", "page.html"],
        ["extract", "page.html", "--explain", "--url", f"http://a.example/{PAYLOAD}"],
        ["extract", "--manifest", "manifest"],
        ["extract", f"SITE/a/1?{PAYLOAD}", "--allow-private-addresses"],
        ["extract", f"SITE/a/1?{PAYLOAD}", "--allow-private-addresses", "--explain"],
        ["extract", f"SITE/gone/{PAYLOAD}", "--allow-private-addresses"],
        ["extract", f"SITE/moved/{PAYLOAD}", "--allow-private-addresses"],
    ],
    "clean": [["clean", "text", "--url", PAYLOAD]],
    "audit": [["audit"], ["audit", "--config", "toml"]],
    "feeds": [["feeds"], ["feeds", "--json"]],
    "failures": [["failures"], ["failures", "--json"], ["failures", "--retry", f"x://{PAYLOAD}"]],
    "why": [["why", f"SITE/a/1?{PAYLOAD}"], ["why", f"SITE/gone/{PAYLOAD}"], ["why", f"SITE/down/{PAYLOAD}"]],
    "demo": [["demo", "--db", f"sqlite:///{PAYLOAD}/x.db"]],
}


def with_payload(name: str) -> list[list[str]]:
    """Every option and argument of a command that takes a text, with the payload as its value."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    found = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            found.append([name, PAYLOAD])
        elif isinstance(parameter, click.Option) and not parameter.is_flag:
            found.append([name, parameter.opts[0], PAYLOAD])
    return found


def drive(folder: Path, invocations: Sequence[Sequence[str]]) -> bytes:
    """Run these commands one after the other in one process on a terminal; returns what they wrote."""
    (folder / "invocations.json").write_text(json.dumps(invocations))
    code, written = run_on_terminal([sys.executable, "-c", DRIVER, "invocations.json"], cwd=folder)
    assert code == 0, written
    assert b"Traceback" not in written, written.decode()
    assert written.count(b"exit ") == len(invocations), written.decode()
    return written


def test_every_command_is_here() -> None:
    assert INVOCATIONS.keys() == COMMANDS.keys()


def test_the_live_display_escapes(ingested: tuple[Path, bytes]) -> None:
    _, written = ingested
    assert not acted_on(written)
    assert PRINTED in written.decode()
    assert b"articles" in written


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_escape_what_the_web_says(name: str, ingested: tuple[Path, bytes], site: str) -> None:
    folder, _ = ingested
    written = drive(folder, [[part.replace("SITE", site) for part in parts] for parts in INVOCATIONS[name]])
    assert not acted_on(written)
    assert b"PWNED" in written or name in ("run", "work"), written


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_escape_their_arguments(name: str, tmp_path: Path) -> None:
    invocations = with_payload(name)
    written = drive(tmp_path, invocations)
    assert not acted_on(written)
    assert written.count(b"PWNED") >= len(invocations) - 3, written.decode()


def test_misspelled_commands_and_options_are_escaped(tmp_path: Path) -> None:
    written = drive(tmp_path, [[PAYLOAD], [f"--{PAYLOAD}"], ["audit", f"--{PAYLOAD}"], ["audit", PAYLOAD]])
    assert not acted_on(written)
    assert written.count(b"PWNED") >= 4


def test_a_setting_in_the_environment_is_escaped(tmp_path: Path) -> None:
    for variable, value in (("NEWSBEAM_WORKERS", PAYLOAD), (f"NEWSBEAM_{PAYLOAD}", "1"), ("NEWSBEAM_CONFIG", PAYLOAD)):
        code, written = run_on_terminal([*NEWSBEAM, "audit"], cwd=tmp_path, environment={variable: value})
        assert code == 2
        assert not acted_on(written) and b"PWNED" in written


def test_bytes_that_are_not_utf8_are_escaped(tmp_path: Path) -> None:
    for arguments in ([b"why", b"http://a/\xff\x9b"], [b"extract", b"\xfe.html"], [b"\xff"]):
        code, written = run_on_terminal([*NEWSBEAM, *arguments], cwd=tmp_path)
        assert code == 2 and b"Traceback" not in written
        assert not acted_on(written)


def test_the_job_escapes_too(tmp_path: Path) -> None:
    for arguments in (["--urls", PAYLOAD], ["--streaming", "--source", PAYLOAD], [f"--{PAYLOAD}"], ["--db", PAYLOAD]):
        code, written = run_on_terminal([sys.executable, "-m", "pipeline", *arguments], cwd=tmp_path)
        assert code == 2, written
        assert not acted_on(written) and b"Traceback" not in written


def test_the_explanation_as_html_has_no_control_character(ingested: tuple[Path, bytes]) -> None:
    folder, _ = ingested
    assert newsbeam("extract", "page.html", "--explain", "--html", "x.html", cwd=folder).returncode == 0
    page = (folder / "x.html").read_text()
    assert PRINTED in page and not ACTED_ON.search(page)


def test_json_stays_json_and_is_read_back_as_it_was(ingested: tuple[Path, bytes]) -> None:
    folder, _ = ingested
    done = newsbeam("extract", "--manifest", "manifest", cwd=folder)
    assert not ACTED_ON.search(done.stdout)
    assert json.loads(done.stdout)["id"] == PAYLOAD
    for row in newsbeam("feeds", "--json", cwd=folder).stdout.splitlines():
        assert json.loads(row)


def test_a_log_line_cannot_be_forged(tmp_path: Path) -> None:
    line = json.dumps({"level": "error", "event": "polled", "feed": "a\n09:30:00 [error] all is lost", "logger": "x"})
    shown = readable_line(line)
    assert shown is not None and len(shown.splitlines()) == 1


def test_an_exception_in_the_log_is_escaped_and_keeps_its_lines() -> None:
    code = (
        "import structlog\nfrom pipeline.logs import configure_logs\nconfigure_logs(json=False)\n"
        f"try:\n    raise ValueError({PAYLOAD!r})\nexcept ValueError:\n"
        f"    structlog.get_logger().exception({PAYLOAD!r}, what=[{PAYLOAD!r}], text={PAYLOAD!r})\n"
    )
    _, written = run_on_terminal([sys.executable, "-c", code])
    assert not acted_on(written)
    assert len(written.splitlines()) > 3
    _, written = run_on_terminal([sys.executable, "-c", code.replace("json=False", "json=True")])
    assert not acted_on(written)
    assert json.loads(written)["text"] == PAYLOAD


def test_a_traceback_and_a_library_that_prints_are_escaped(tmp_path: Path) -> None:
    code = (
        "import sys, warnings\nfrom pipeline.logs.streams import protect_streams\nprotect_streams()\n"
        f"print({PAYLOAD!r})\nsys.stderr.writelines([{PAYLOAD!r}])\nwarnings.warn({PAYLOAD!r})\n"
        f"raise ValueError({PAYLOAD!r})\n"
    )
    code_, written = run_on_terminal([sys.executable, "-c", code])
    assert code_ == 1 and written.count(b"PWNED") >= 4
    assert not acted_on(written)


def test_a_plain_rich_console_cannot_pass() -> None:
    out = StringIO()
    Console(file=PrintableStream(out), force_terminal=True).print(PAYLOAD, style="red")  # type: ignore[arg-type]
    assert "\x1b" not in out.getvalue()


def test_our_console_keeps_its_own_colours() -> None:
    out = StringIO()
    table = Table("title")
    table.add_row(PAYLOAD, style="red")
    console = PrintableConsole(out, force_terminal=True, color_system="standard", width=120)
    console.print(PAYLOAD, table, style="bold")
    assert "\x1b[1;31m" in out.getvalue()
    assert not acted_on(out.getvalue().encode())


@given(st.text())
def test_nothing_is_lost_in_json_and_nothing_unsafe_is_printed(text: str) -> None:
    assert json.loads(json_text({text: [text]})) == {text: [text]}
    for shown in (printable(text), one_line(text), json_text(text)):
        assert not ACTED_ON.search(shown)
        shown.encode()
    assert printable(printable(text)) == printable(text)


def test_a_lone_surrogate_is_read_back_from_json() -> None:
    assert json.loads(json_text("\ud800")) == "\ud800"


def test_a_terminal_without_unicode_gets_escapes(ingested: tuple[Path, bytes]) -> None:
    folder, _ = ingested
    environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for arguments in (["feeds"], ["why", "\u202eé"], ["extract", "page.html", "--explain"], ["--help"]):
        _, written = run_on_terminal([*NEWSBEAM, *arguments], cwd=folder, environment=environment)
        assert b"Traceback" not in written, written.decode()
        assert not acted_on(written)


def test_the_handler_of_the_log_survives_a_message_that_cannot_be_encoded() -> None:
    code = (
        "import structlog, logging\nfrom pipeline.logs import configure_logs\nconfigure_logs(json=True)\n"
        "structlog.get_logger().info('\\ud800')\nlogging.getLogger('x').warning('\\ud800')"
    )
    _, written = run_on_terminal([sys.executable, "-c", code])
    assert [json.loads(line)["event"] for line in written.splitlines()] == ["\ud800", "\ud800"]

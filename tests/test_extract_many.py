"""`newsbeam extract` and `clean` on files of all kinds: what is no page is refused, and no page stops the others."""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from forked import newsbeam
from test_extract import FOREIGN, STORY, tell_story

from pipeline.cli import extraction
from pipeline.cli.extract import _name_file, extract
from pipeline.config import Config
from transforms.errors import UserError, WorkBug, WorkCrashed
from transforms.records import Article, FetchedPage

URL = "https://a.example/1"
PAGE = tell_story()
FILES = {
    "good.html": PAGE.encode(),
    "good.html.gz": gzip.compress(PAGE.encode()),
    "menu.html": b"<nav><a href=/>Home</a></nav>",
    "cut.html.gz": gzip.compress(PAGE.encode())[:-30],
    "text.gz": b"not compressed",
    "deep.html": b"<div>" * 400,
    "list.json": b'{"html": "<p>"}',
    "feed.xml": b"<?xml version='1.0'?><rss><channel><item><title>a</title></item></channel></rss>",
    "text.txt": "\n\n".join(STORY).encode(),
    "picture.png": b"\x89PNG\r\n" + bytes(range(256)),
    "srcset.html": PAGE.replace("<h1>", "<img srcset='a.jpg 1x, , '><h1>").encode(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, body in FILES.items():
        (tmp_path / name).write_bytes(body)
    return tmp_path


def read_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def summarise(rows: list[dict[str, Any]]) -> list[tuple[object, str]]:
    return [(row["id"], row.get("error", "") or row["title"]) for row in rows]


def test_a_bad_page_of_a_manifest_is_a_line_with_its_error(folder: Path) -> None:
    lines = [
        *({"id": name, "url": URL, "html": name} for name in ("good.html", "gone.html", "cut.html.gz", "deep.html")),
        {"id": 7, "url": URL, "html": "menu.html"},
        {"id": "half", "url": URL},
        ["a", "b"],
        {"id": "srcset", "url": URL, "html": "srcset.html"},
    ]
    text = "\n".join(["nonsense", "", *map(json.dumps, lines)])
    (folder / "m.jsonl").write_text(text)
    done = newsbeam("extract", "--manifest", str(folder / "m.jsonl"))
    rows = read_lines(done.stdout)
    assert summarise(rows) == [
        (None, "bad line"),
        ("good.html", "Harbour plan approved"),
        ("gone.html", "unreadable"),
        ("cut.html.gz", "unreadable"),
        ("deep.html", "too complex"),
        ("7", "no text"),
        ("half", "bad line"),
        (None, "bad line"),
        ("srcset", "Harbour plan approved"),
    ]
    for row in rows:
        assert row["body"] == ([] if "error" in row else list(STORY))
        assert "error" not in row or (set(row) == {"id", "url", "body", "error", "message"} and row["message"])
    assert done.returncode == 1
    assert done.stderr == "newsbeam: no article from 7 of 9 pages\n"


def test_many_files_are_a_line_each_and_standard_input_is_one(folder: Path) -> None:
    names = ["good.html", "list.json", "good.html.gz", "nothing.html", "-"]
    done = newsbeam("extract", *names, cwd=folder, stdin=PAGE)
    rows = read_lines(done.stdout)
    title = "Harbour plan approved"
    assert summarise(rows) == [(names[0], title), (names[1], "content type"), (names[2], title), (names[3], "unreadable"), ("-", title)]  # fmt: skip
    assert done.returncode == 1
    done = newsbeam("extract", "good.html", "good.html.gz", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_page_that_is_a_bug_or_kills_its_process_does_not_stop_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "Guard", lambda work, **_: Faults())
    found = list(extraction.extract_pages(extraction.list_places([str(folder / "good.html")] * 3), Config()))
    assert [(page.error, page.article is None) for page in found] == [("bug", True), ("crash", True), ("", False)]


class Faults:
    """A guard whose work has a bug first, then crashes, then succeeds."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, page: FetchedPage) -> Article:
        self.calls += 1
        if self.calls == 1:
            raise WorkBug("IndexError", "IndexError('list')", "Traceback ...")
        if self.calls == 2:
            raise WorkCrashed("SIGSEGV")
        return extraction.extract_article(page, Config().body_policy())

    def close(self) -> None:
        """Nothing to close."""


def test_many_pages_are_explained_one_after_the_other_or_in_a_folder(folder: Path) -> None:
    rows = [{"id": name, "url": URL, "html": "good.html"} for name in ("a/1", "a_1", "A/1.html")]
    (folder / "m.jsonl").write_text("\n".join(map(json.dumps, [*rows, {"id": "gone", "url": URL, "html": "gone"}])))
    done = newsbeam("extract", "--manifest", "m.jsonl", "--explain", cwd=folder)
    assert [line for line in done.stdout.splitlines() if line.startswith("==")] == [
        "== a/1 ==", "== a_1 ==", "== A/1.html ==", "== gone ==",
    ]  # fmt: skip
    assert done.stdout.count("headline") == 3 and "unreadable: cannot read gone" in done.stdout
    assert done.returncode == 1
    done = newsbeam("extract", "--manifest", "m.jsonl", "--html", "out/pages", cwd=folder)
    assert {path.name for path in (folder / "out" / "pages").iterdir()} == {"a_1.html", "a_1-2.html", "A_1-3.html"}
    assert STORY[0] in (folder / "out" / "pages" / "a_1-2.html").read_text()
    assert [row["error"] for row in read_lines(done.stdout)] == ["unreadable"] and done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.html", "b.html", "--html", "c.html"], "for several pages, give a folder"),
        (["a.html", "b.html", "--html", "good.html/x"], "cannot write good.html/x"),
        (["a.html", "b.html", "--url", URL], "--url is for one FILE"),
        (["a.html", "--manifest", "m.jsonl"], "pass FILEs or URLs, or --manifest FILE"),
        (["--manifest", "gone.jsonl"], "cannot read gone.jsonl: no such file"),
        (["picture.png"], "the body is a PNG image"),
        (["cut.html.gz"], "cannot read cut.html.gz: the gzip file is damaged"),
    ],
)
def test_what_stops_everything_is_a_user_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(UserError, match=says):
        extract.main(arguments, standalone_mode=False)


def test_one_file_is_explained_as_html_by_html_alone(folder: Path) -> None:
    extract.main([str(folder / "good.html"), "--html", str(folder / "x.html")], standalone_mode=False)
    assert STORY[0] in (folder / "x.html").read_text()


HINTS = {"list.json": "--manifest", "feed.xml": "newsbeam run", "text.txt": "newsbeam clean", "picture.png": "PNG"}


@pytest.mark.parametrize("name", HINTS)
def test_what_is_no_page_is_refused_with_a_word_on_what_takes_it(folder: Path, name: str) -> None:
    with pytest.raises(extraction.PageError, match=HINTS[name]) as caught:
        extraction.extract_page(str(folder / name), "", Config())
    assert caught.value.reason == "content type"


@pytest.mark.parametrize(("body", "name"), FOREIGN)
def test_clean_takes_text_and_nothing_else(body: bytes, name: str) -> None:
    if name == "plain text":
        assert json.loads(extraction.clean_text_json(body))["body"]
    else:
        with pytest.raises(UserError, match=name):
            extraction.clean_text_json(body)


@pytest.mark.parametrize("start", ["", "\n<!-- x -->", "\ufeff"])
def test_clean_refuses_a_page(start: str) -> None:
    for page in (PAGE, "<p>The council met."):
        with pytest.raises(UserError, match="newsbeam extract"):
            extraction.clean_text_json(f"{start}{page}".encode())


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_clean_reads_text_with_tags_in_it_in_any_charset(charset: str) -> None:
    lines = ["Über das Tag <p>", *(f"{text} Das heißt „größer“ als <b>." for text in STORY)]
    found = json.loads(extraction.clean_text_json("\n\n".join(lines).encode(charset)))
    assert found["title"] == lines[0] and found["body"] == lines[1:]


def test_names_of_files_are_told_apart() -> None:
    used: set[str] = set()
    names = ["a/b.html", "a_b", "A_B.HTM", "..", "../x.html.gz", "", "é" * 300, "é" * 301]
    found = [_name_file(name, used) for name in names]
    assert len({name.lower() for name in found}) == len(names)
    assert not any("/" in name or name.startswith(".") or len(name) > 120 for name in found)

"""Pages that take too long, or kill what reads them, end as such; those beside them land."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from commands import rows_of
from smallnews import page_of
from tinyserver import Seen, TinyServer, answer

from pipeline.config import Config
from pipeline.graph.reading import ReadGuarded, reader_of, reading_config
from pipeline.jobs.microbatch import run_batch
from pipeline.tables.database import METADATA
from transforms.errors import NoText, SlowPages, TooComplex, UserError
from transforms.guard import patience
from transforms.records import FeedEntry, FetchedPage
from transforms.urls import link_of

CONFIG = Config(allow_private_addresses=True, host_delay=0.0)
LONG = 2_000  # paragraphs, which take over a second


def long_page() -> bytes:
    first, rest = page_of(1).split(b"<article>", 1)
    paragraphs = "".join(
        f"<p>Plan {n} of Galway was read by Orla Whelan of the European Commission on day {n} of the year.</p>"
        for n in range(LONG)
    )
    return first + b"<article>" + rest.replace(b"</article>", paragraphs.encode() + b"</article>")


def fetched(body: bytes, host: str = "a.example") -> FetchedPage:
    now = datetime.now(UTC)
    link = link_of(FeedEntry(f"https://{host}/{hash(body)}"), "", now)
    return FetchedPage(link=link, url=link.url, content_type="text/html", body=body, fetched_at=now, elapsed_ms=1)


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as an ordinary page takes, and some more."""
    monkeypatch.setattr(patience, "FULL_S", 0.4)
    monkeypatch.setattr(patience, "TRIAL_S", 0.3)
    monkeypatch.setattr(patience, "SHORT_TRIAL_S", 0.3)


def read_new(config: Config) -> ReadGuarded:
    reader = ReadGuarded(config)
    reader(fetched(page_of(1)))  # what is loaded and cached with the first page is no matter of the others
    reader._patience.left_s = patience.FULL_S
    return reader


@pytest.mark.usefixtures("short_patience")
def test_a_page_that_takes_too_long_is_too_complex_and_the_next_is_read() -> None:
    reader = read_new(CONFIG)
    with pytest.raises(TooComplex, match=r"more than 0\.4 s of CPU"):
        reader(fetched(long_page()))
    assert reader(fetched(page_of(2), "b.example")).entities


@pytest.mark.usefixtures("short_patience")
def test_while_there_is_no_time_for_slow_pages_they_are_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = read_new(CONFIG)
    with pytest.raises(TooComplex):
        reader(fetched(long_page()))
    for _ in range(patience.MOST_STRIKES + 2):
        with pytest.raises(SlowPages, match=r"pages of a\.example take long to read") as caught:
            reader(fetched(long_page()))
        assert caught.value.retry_after is not None and caught.value.retry_after >= patience.SHORTEST_WAIT_S
    with monkeypatch.context() as patch, pytest.raises(SlowPages):
        patch.setattr(reader, "_guard", lambda *_: pytest.fail("by now, pages of this host are put off without a try"))
        reader(fetched(long_page()))
    assert reader(fetched(page_of(2), "b.example")).entities


def test_an_expected_end_has_the_step_that_it_came_from() -> None:
    with pytest.raises(NoText) as caught:
        reader_of(reading_config(CONFIG))(fetched(b"<html><body></body></html>"))
    assert caught.value.step == "extract"


def test_a_model_that_is_missing_is_said_before_the_first_page() -> None:
    from pipeline.graph.stages import STAGES

    with pytest.raises(UserError, match="not_installed"):
        STAGES[-1].make(Config(models="en=not_installed"))


@pytest.fixture
def site() -> Iterator[TinyServer]:
    def serve(seen: Seen) -> bytes:
        name = seen.path.rpartition("/")[2]
        body = long_page() if name == "long" else page_of(int(name))
        return answer(200, body, content_type="text/html; charset=utf-8")

    with TinyServer({"*": serve}) as server:
        yield server


def run(site: TinyServer, names: list[str], db: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    links = {name: link_of(FeedEntry(f"{site.base}/{name}"), "", now) for name in names}
    run_batch(list(links.values()), CONFIG, db)
    rows = {row["canonical_url"]: row for row in rows_of(db, sa.select(METADATA.tables["urls"]))}
    return {name: rows[link.canonical_url] for name, link in links.items()}


@pytest.fixture
def db(tmp_path: Path, migrated_sqlite: Path) -> str:
    shutil.copy(migrated_sqlite, tmp_path / "x.db")
    return f"sqlite:///{tmp_path}/x.db"


@pytest.mark.usefixtures("short_patience")
def test_in_a_batch_the_others_land(db: str, site: TinyServer) -> None:
    reader_of(reading_config(CONFIG))._patience = patience.Patience(left_s=patience.FULL_S)
    fates = run(site, ["1", "2", "long", "3", "4"], db)
    rejected = fates.pop("long")
    assert (rejected["outcome"], rejected["reason"], rejected["stage"]) == ("rejected", "too complex", "read")
    assert {row["outcome"] for row in fates.values()} == {"article"}
    # nothing is left for slow pages, so another one waits, and that is not a try
    again = run(site, ["long"], db)["long"]
    assert (again["outcome"], again["reason"], again["tries"]) == ("failed", "slow pages", 0)


def test_a_page_that_kills_what_reads_it_fails_and_is_tried_again(db: str, site: TinyServer) -> None:
    reader = reader_of(reading_config(CONFIG))
    reader._patience = patience.Patience()  # other tests of this process have used it up
    reader(fetched(page_of(1)))
    child = reader._guard._child
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    fates = run(site, ["5", "6", "7"], db)
    assert sorted(row["outcome"] for row in fates.values()) == ["article", "article", "failed"]
    [failed] = [row for row in fates.values() if row["outcome"] == "failed"]
    assert (failed["reason"], failed["tries"]) == ("crash", 1) and failed["due_at"] is not None

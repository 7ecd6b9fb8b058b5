"""The ledger on both databases: leases by host, takeover, one transaction per poll, nothing lost."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from pipeline.ledger import Ledger, Sighting
from pipeline.ledger.feeds import Poll
from pipeline.ledger.lease import LEASE, is_dead, new_owner
from pipeline.ledger.links import GUILTY_CLAIMS, SUSPECT_CLAIMS
from pipeline.ledger.reports import audit, why
from pipeline.sinks.sql import write_landings
from pipeline.tables.database import METADATA, reading
from pipeline.tables.rows import landing_of
from transforms.records import Article, Block, BlockKind, Event, Failure, FeedEntry, Rejection
from transforms.urls import link_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FEED = "https://a.example/feed.xml"


def sighting(url: str, feed: str = FEED, updated: datetime | None = None) -> Sighting:
    return Sighting(link_of(FeedEntry(url, title="T\x00itle"), feed, NOW), updated_at=updated)


def article(url: str, text: str = "Ships arrive in March.") -> Article:
    link = link_of(FeedEntry(url), FEED, NOW)
    return Article(link, url, "Harbour", blocks=(Block(BlockKind.PARAGRAPH, text),), fetched_at=NOW)


def settle(ledger: Ledger, *outcomes: Article | Rejection | Failure, at: datetime = NOW) -> None:
    write_landings(ledger.engine, [landing_of(outcome, at) for outcome in outcomes])


def fate(ledger: Ledger, url: str) -> sa.RowMapping:
    table = METADATA.tables["urls"]
    with reading(ledger.engine) as connection:
        return connection.execute(sa.select(table).where(table.c.url == url)).mappings().one()


def test_a_url_has_one_row_for_all_its_spellings(ledger: Ledger) -> None:
    urls = ["https://a.example/1", "https://a.example/1?utm_source=rss", "https://a.example/1#comments"]
    assert ledger.links.add([sighting(url) for url in urls], NOW) == 1
    assert [link.url for link in ledger.links.claim("me", NOW)] == [urls[0]]


def test_one_process_at_a_time_holds_a_host(ledger: Ledger) -> None:
    ledger.links.add([sighting(f"https://{host}.example/{n}") for host in "ab" for n in range(3)], NOW)
    first = ledger.links.claim("one", NOW, limit=1, host_delay_s=0)
    second = ledger.links.claim("two", NOW, limit=10, host_delay_s=0)
    assert len(first) == 1 and len(second) == 3
    assert {link.host for link in first}.isdisjoint(link.host for link in second)
    assert ledger.links.claim("three", NOW, host_delay_s=0) == []


def test_an_expired_lease_is_taken_over(ledger: Ledger) -> None:
    ledger.links.add([sighting("https://a.example/1")], NOW)
    assert ledger.links.claim("one", NOW)
    assert not ledger.links.claim("two", NOW + LEASE - SECOND)
    ledger.leases.renew("one", NOW + LEASE - SECOND)
    assert not ledger.links.claim("two", NOW + LEASE + SECOND)
    assert ledger.links.claim("two", NOW + 2 * LEASE)


def test_release_gives_back_urls_and_leaves_the_host_alone_for_its_delay(ledger: Ledger) -> None:
    ledger.links.add([sighting("https://a.example/1")], NOW)
    ledger.links.claim("one", NOW)
    assert ledger.leases.release("one", NOW, {"a.example": 5.0}) == 1
    assert not ledger.links.claim("two", NOW + 4 * SECOND)
    assert ledger.links.claim("two", NOW + 5 * SECOND)


def test_a_claim_takes_as_many_urls_as_the_pace_of_the_host_allows(ledger: Ledger) -> None:
    ledger.links.add([sighting(f"https://a.example/{n}") for n in range(30)], NOW)
    assert len(ledger.links.claim("one", NOW, host_delay_s=1, budget_s=10)) == 10
    ledger.leases.release("one", NOW, {"a.example": 5.0})
    assert len(ledger.links.claim("one", NOW + 5 * SECOND, host_delay_s=1, budget_s=10)) == 2


def test_hosts_take_turns(ledger: Ledger) -> None:
    ledger.links.add([sighting(f"https://{host}.example/{n}") for host in "abc" for n in range(2)], NOW)
    hosts = []
    for step in range(6):
        now = NOW + step * SECOND
        [link] = ledger.links.claim("one", now, limit=1, host_delay_s=0)
        settle(ledger, article(link.url))
        ledger.leases.release("one", now, {})
        hosts.append(link.host[0])
    assert hosts == list("abcabc")


def test_a_due_feed_goes_before_the_articles_of_its_host(ledger: Ledger) -> None:
    ledger.feeds.add([FEED], NOW)
    ledger.links.add([sighting("https://a.example/1")], NOW)
    assert not ledger.links.claim("worker", NOW + SECOND)
    assert ledger.links.claim("worker", NOW + timedelta(minutes=2)), (
        "without a poller, the articles are claimed after a while"
    )


def test_leases_of_dead_processes_on_this_machine_are_taken_back_at_once(ledger: Ledger) -> None:
    ledger.links.add([sighting("https://a.example/1")], NOW)
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    dead = f"{socket.gethostname()}/{child.stdout.strip()}/aaaa"
    assert is_dead(dead) and not is_dead(new_owner()) and not is_dead(f"elsewhere/{os.getpid()}/bbbb")
    ledger.links.claim(dead, NOW)
    assert ledger.leases.take_back_dead() == 1
    assert ledger.links.claim("me", NOW)


def claim_in_vain(ledger: Ledger) -> list[str]:
    """Claim links and die."""
    links = ledger.links.claim("w", NOW, host_delay_s=0)
    ledger.leases.release("w", NOW, {}, forgive=False)
    return [link.url for link in links]


def test_a_page_that_kills_its_workers_is_claimed_alone_and_after_all_others(ledger: Ledger) -> None:
    ledger.links.add([sighting(f"https://a.example/{n}") for n in range(3)], NOW)
    for _ in range(SUSPECT_CLAIMS):
        assert len(claim_in_vain(ledger)) == 3
    ledger.links.add([sighting(f"https://b.example/{n}") for n in range(2)], NOW)
    good = ledger.links.claim("good", NOW, host_delay_s=0)
    assert [link.host for link in good] == ["b.example"] * 2, "those that killed nobody go first"
    assert len(claim_in_vain(ledger)) == 1


def test_a_page_that_kills_its_worker_alone_too_is_given_up(ledger: Ledger) -> None:
    ledger.links.add([sighting("https://a.example/1")], NOW)
    for _ in range(GUILTY_CLAIMS):
        assert not ledger.links.claim_guilty("w", NOW)
        assert claim_in_vain(ledger) == ["https://a.example/1"]
    assert claim_in_vain(ledger) == []
    assert [link.url for link in ledger.links.claim_guilty("w", NOW)] == ["https://a.example/1"]


def test_what_was_stopped_with_everything_else_is_forgiven(ledger: Ledger) -> None:
    ledger.links.add([sighting(f"https://a.example/{n}") for n in range(3)], NOW)
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    dead = f"{socket.gethostname()}/{child.stdout.strip()}/aaaa"
    for _ in range(SUSPECT_CLAIMS + 1):
        assert len(ledger.links.claim(dead, NOW, host_delay_s=0)) == 3
        ledger.leases.take_back_dead(forgive=True)


def test_an_orderly_release_makes_no_url_suspect(ledger: Ledger) -> None:
    ledger.links.add([sighting(f"https://a.example/{n}") for n in range(3)], NOW)
    for _ in range(SUSPECT_CLAIMS + 1):
        assert len(ledger.links.claim("w", NOW, host_delay_s=0)) == 3
        ledger.leases.release("w", NOW, {})


def test_a_poll_is_one_transaction(ledger: Ledger) -> None:
    ledger.feeds.add([FEED], NOW)
    [state] = ledger.feeds.claim("p", NOW)
    poll = Poll(replace(state, title="new"), [sighting("https://a.example/1")])
    broken = Event("gap", FEED, "x", at="no time")  # type: ignore[arg-type]
    with pytest.raises((sa.exc.StatementError, ValueError, TypeError)):
        ledger.feeds.record([replace(poll, events=[broken])], NOW)
    ledger.leases.release("p", NOW, {})
    assert ledger.feeds.claim("p", NOW)[0].title == ""
    assert audit(ledger.engine, NOW).urls == 0
    event = Event("gap", FEED, "nothing known", NOW)
    assert ledger.feeds.record([replace(poll, events=[event])], NOW) == 1
    assert ledger.feeds.record([poll], NOW) == 0


def test_claimed_feeds_are_not_claimed_again(ledger: Ledger) -> None:
    ledger.feeds.add([FEED, "https://b.example/feed"], NOW)
    assert len(ledger.feeds.claim("p", NOW)) == 2
    assert ledger.feeds.claim("q", NOW) == []


def test_once_also_polls_feeds_that_are_not_due(ledger: Ledger) -> None:
    ledger.feeds.add([FEED], NOW)
    [state] = ledger.feeds.claim("p", NOW)
    ledger.feeds.record([Poll(replace(state, polled_at=NOW, next_poll_at=NOW + timedelta(hours=1)))], NOW)
    ledger.leases.release("p", NOW, {})
    later = NOW + timedelta(minutes=1)
    assert ledger.feeds.claim("p", later) == []
    assert ledger.feeds.make_due(later) == 1 and ledger.feeds.has_due(later, later)
    assert ledger.feeds.claim("p", later, polled_before=later) != []
    assert not ledger.feeds.has_due(later, polled_before=NOW), "it has been polled since then"


def test_the_audit_counts_every_fate(ledger: Ledger) -> None:
    urls = [f"https://a.example/{n}" for n in range(5)]
    ledger.links.add([sighting(url) for url in urls], NOW)
    links = {link.url: link for link in ledger.links.claim("w", NOW, host_delay_s=0)}
    due = NOW + timedelta(minutes=1)
    settle(
        ledger,
        article(urls[0]),
        Rejection(links[urls[1]], "http 404", "fetch", "http 404", NOW),
        Failure(links[urls[2]], "timeout", "fetch", "FetchTimeout", "30 s", 1, NOW, due),
        Failure(links[urls[3]], "dns", "fetch", "DnsFailed", "no such host", 10, NOW, None),
    )
    counts = audit(ledger.engine, NOW)
    assert (counts.urls, counts.article, counts.rejected, counts.leased, counts.lost) == (5, 1, {"http 404": 1}, 1, 0)
    assert counts.failed == {"dns": 1, "timeout": 1} and counts.failed_due_again == {"timeout": due.isoformat()}
    assert counts.failed_given_up == 1
    known = why(ledger.engine, urls[2] + "?utm_source=x")
    assert known is not None and known["failed_tries"][0]["error_class"] == "FetchTimeout"
    assert known["named_by"][0]["feed_url"] == FEED
    ledger.leases.release("w", NOW, {})
    assert [link.tries for link in ledger.links.claim("w", due, host_delay_s=0) if link.url == urls[2]] == [1]
    assert ledger.links.retry(due, reason="dns") == 1
    assert ledger.links.retry(due, url=urls[1]) == 1
    assert ledger.links.retry(due, url=urls[0]) == 0


def test_articles_and_urls_without_a_row_count_as_lost(ledger: Ledger) -> None:
    ledger.links.add([sighting("https://a.example/1"), sighting("https://a.example/2")], NOW)
    settle(ledger, article("https://a.example/1"))
    urls, articles = METADATA.tables["urls"], METADATA.tables["articles"]
    with ledger.engine.begin() as connection:
        connection.execute(sa.delete(articles))
        # recorded as deleted; what follows is something that newsbeam itself never does
        assert connection.execute(sa.select(urls.c.outcome, urls.c.reason).where(urls.c.url.endswith("1"))).all() == [
            ("rejected", "deleted")
        ]
        connection.execute(sa.update(urls).where(urls.c.url.endswith("1")).values(outcome="article"))
        connection.execute(sa.delete(urls).where(urls.c.url == "https://a.example/2"))
    counts = audit(ledger.engine, NOW)
    assert counts.lost == 2 and counts.urls == 2


def test_writing_again_changes_nothing_and_an_edit_is_a_revision(ledger: Ledger) -> None:
    url = "https://a.example/1"
    ledger.links.add([sighting(url)], NOW)
    for text in ("one", "one", "two", "two"):
        settle(ledger, article(url, text))
    with reading(ledger.engine) as connection:
        revisions = connection.execute(sa.text("select revision, body from revisions order by revision")).all()
        assert revisions == [(1, "one"), (2, "two")]
        assert connection.execute(sa.text("select revision, body from articles")).all() == [(2, "two")]


def test_a_feed_that_says_updated_makes_an_article_due_again(ledger: Ledger) -> None:
    url = "https://a.example/1"
    ledger.feeds.add([FEED], NOW)
    [state] = ledger.feeds.claim("p", NOW)
    ledger.leases.release("p", NOW, {})
    state = replace(state, next_poll_at=NOW + timedelta(days=1))
    ledger.feeds.record([Poll(state, [sighting(url, updated=NOW - SECOND)])], NOW)
    ledger.links.claim("w", NOW)
    settle(ledger, article(url))
    ledger.leases.release("w", NOW, {})
    later = NOW + timedelta(hours=1)
    ledger.feeds.record([Poll(state, [sighting(url, updated=NOW - SECOND)])], later)
    assert not ledger.links.claim("w", later), "an unchanged time is not an edit"
    ledger.feeds.record([Poll(state, [sighting(url, updated=later - SECOND)])], later)
    [link] = ledger.links.claim("w", later)
    assert fate(ledger, url)["outcome"] == "article"
    settle(ledger, Rejection(link, "http 404", "fetch", "http 404", later), at=later)
    after = fate(ledger, url)
    assert after["outcome"] == "article" and after["due_at"] is None, "a page that is taken down later stays an article"


def test_a_late_failure_does_not_replace_an_article(ledger: Ledger) -> None:
    url = "https://a.example/1"
    ledger.links.add([sighting(url)], NOW)
    [link] = ledger.links.claim("slow", NOW)
    assert ledger.links.claim("other", NOW + LEASE)
    settle(ledger, article(url))
    settle(ledger, Failure(link, "timeout", "fetch", "FetchTimeout", "", 1, NOW, None))
    assert fate(ledger, url)["outcome"] == "article"
    assert audit(ledger.engine, NOW).article == 1


def test_two_links_to_one_address_are_one_article(ledger: Ledger) -> None:
    first, second = "https://a.example/1", "https://b.example/go?id=1"
    ledger.links.add([sighting(first), sighting(second)], NOW)
    settle(ledger, article(first), replace(article(second), url=first))
    counts = audit(ledger.engine, NOW)
    assert counts.article == 2 and counts.lost == 0
    with reading(ledger.engine) as connection:
        assert connection.execute(sa.text("select count(*) from articles")).scalar_one() == 1


def test_text_that_databases_cannot_store_is_cleaned(ledger: Ledger) -> None:
    url = "https://a.example/1"
    # too long for any index; random, since PostgreSQL compresses repetitive text
    noise = random.Random(1).randbytes(5000).hex()
    long_urls = [f"https://a.example/{noise}", f"gopher://{noise}/x", f"mailto:{noise}é"]
    ledger.links.add([sighting(one, FEED + "?" + noise[:900]) for one in [url, *long_urls]], NOW)
    ledger.feeds.add([f"https://a.example/{noise}"], NOW)
    settle(ledger, replace(article(url, "a\x00b \ud800 c"), authors=("J\x00",), title="\ud800"))
    with reading(ledger.engine) as connection:
        assert connection.execute(sa.text("select body from articles")).scalar_one().startswith("a\ufffdb ")
    assert audit(ledger.engine, NOW).urls == 4 and ledger.feeds.count() == 0
    assert len(ledger.links.claim("w", NOW)) + len(ledger.links.claim("v", NOW)) == 3


def test_many_claimers_never_share_a_url(ledger: Ledger) -> None:
    ledger.links.add([sighting(f"https://h{n % 20}.example/{n}") for n in range(200)], NOW)
    taken: list[str] = []

    def claim(owner: str) -> None:
        while links := ledger.links.claim(owner, NOW, limit=7, host_delay_s=0):
            taken.extend(link.url for link in links)
            settle(ledger, *(article(link.url) for link in links))
            ledger.leases.release(owner, NOW, {})

    threads = [threading.Thread(target=claim, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken))
    for _ in range(3):  # a claimer may have stopped while another held the last hosts
        claim("last")
    assert len(taken) == 200 and audit(ledger.engine, NOW).article == 200

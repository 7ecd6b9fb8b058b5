"""How much CPU a page gets, so that slow pages do not take the time of the others."""

from __future__ import annotations

from transforms.guard.patience import FORGET_S, FULL_S, SHARE, SHORT_TRIAL_S, TRIAL_S, Grant, Patience


def spend(patience: Patience, host: str, now: float) -> Grant:
    """Grant a page of a host what it gets, of which it uses all."""
    grant = patience.grant(host, now)
    patience.record(host, grant.cpu_s, now)
    if grant.cpu_s:
        patience.strike(host, now)
    return grant


def test_a_single_slow_page_gets_its_time_at_once() -> None:
    assert spend(Patience(), "a.example", 1.0) == Grant(FULL_S, is_full=True)


def test_after_it_a_host_gets_less_and_less_and_then_nothing() -> None:
    patience = Patience()
    spend(patience, "other.example", 1.0)
    granted = [spend(patience, "a.example", 1.0).cpu_s for _ in range(5)]
    assert granted == [TRIAL_S, SHORT_TRIAL_S, SHORT_TRIAL_S, 0.0, 0.0]


def test_a_host_whose_pages_are_quick_is_not_put_off() -> None:
    patience = Patience()
    spend(patience, "slow.example", 1.0)
    for _ in range(1000):
        assert patience.grant("quick.example", 1.0).cpu_s == TRIAL_S
        patience.record("quick.example", 0.05, 1.0)
    assert patience.wait_s(1.0) <= FULL_S / SHARE


def test_strikes_are_forgotten() -> None:
    patience = Patience()
    spend(patience, "other.example", 1.0)
    for _ in range(4):
        spend(patience, "a.example", 1.0)
    spend(patience, "other.example", 1.0 + FORGET_S)  # uses what was saved meanwhile
    assert patience.grant("a.example", 1.0 + FORGET_S).cpu_s == TRIAL_S


def test_slow_pages_of_many_hosts_get_their_share_and_no_more() -> None:
    patience, spent, seconds = Patience(), 0.0, 3600
    for now in range(1, seconds):
        spent += spend(patience, f"{now % 10}.example", float(now)).cpu_s
    trials = 10 * (TRIAL_S + 2 * SHORT_TRIAL_S) * seconds / FORGET_S
    assert spent <= FULL_S + SHARE * seconds + trials


def test_what_was_put_off_can_come_again_when_there_is_time() -> None:
    patience, now = Patience(), 1.0
    for _ in range(4):
        spend(patience, "a.example", now)
    wait = patience.wait_s(now)
    assert patience.grant("a.example", now + wait + 0.01) == Grant(FULL_S, is_full=True)

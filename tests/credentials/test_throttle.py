"""How often one may try in vain: some times at once, then ever more slowly, and never so slowly that the owner gives up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session as Database

from market import credentials, db
from market.credentials.throttle import LIMITS, Limit, sweep_throttles
from tests.conftest import PRESENT
from tests.support.together import together

MINUTE = timedelta(minutes=1)
FREE = LIMITS["sign_in"]["account"].free


def tries(number: int, *, at=PRESENT, **who: object) -> int:
    """Try so often; how many were judged."""
    judged = 0
    for _ in range(number):
        try:
            credentials.attempt("sign_in", at=at, **({"account": "a@b.example", "address": "203.0.113.1"} | who))
        except credentials.TooManyAttempts:
            continue
        judged += 1
    return judged


@pytest.mark.parametrize(("failures", "minutes"), [(4, 0), (5, 1), (6, 2), (7, 4), (8, 8), (9, 15), (500, 15)])
def test_waits_double_up_to_a_bound(failures: int, minutes: int) -> None:
    assert Limit(5).wait(failures) == minutes * MINUTE


def test_some_tries_are_free_and_then_one_waits(session: Database) -> None:
    assert tries(20) == FREE
    assert tries(20, at=PRESENT + MINUTE) == 1
    assert tries(20, at=PRESENT + 2 * MINUTE) == 0
    assert tries(20, at=PRESENT + 3 * MINUTE) == 1


def test_the_refusal_says_when_to_come_back(session: Database) -> None:
    tries(FREE)
    with pytest.raises(credentials.TooManyAttempts) as refusal:
        credentials.attempt("sign_in", at=PRESENT + timedelta(seconds=20), account="a@b.example")
    assert (refusal.value.retry_after, refusal.value.params, refusal.value.status) == (40, {"minutes": 1}, 429)


def test_success_lets_the_account_start_anew_and_gives_the_address_its_try_back(session: Database) -> None:
    tries(FREE - 1)
    right = credentials.attempt("sign_in", at=PRESENT, account="a@b.example", address="203.0.113.1")
    credentials.succeeded(right)
    assert tries(20) == FREE


def test_one_address_cannot_try_many_accounts(session: Database) -> None:
    judged = sum(tries(1, account=f"person{number}@b.example") for number in range(100))
    assert judged == LIMITS["sign_in"]["address"].free
    assert tries(1, account="other@b.example", address="203.0.113.2") == 1


def test_many_addresses_cannot_try_many_accounts(session: Database) -> None:
    judged = sum(tries(1, account=f"person{n}@b.example", address=f"10.0.{n // 250}.{n % 250}") for n in range(400))
    assert judged == LIMITS["sign_in"]["everyone"].free


def test_of_ipv6_a_whole_network_counts_as_one(session: Database) -> None:
    judged = sum(tries(1, account=f"person{n}@b.example", address=f"2001:db8:1:2::{n:x}") for n in range(100))
    assert judged == LIMITS["sign_in"]["address"].free


def test_a_known_browser_counts_for_itself(session: Database) -> None:
    tries(100)
    assert tries(100, device="known") == LIMITS["sign_in"]["device"].free
    assert tries(1, device="another") == 1


def test_what_was_tried_is_forgotten_after_its_window(session: Database) -> None:
    tries(20)
    assert tries(20, at=PRESENT + timedelta(hours=24)) == FREE


def test_a_clock_that_is_set_back_locks_nobody_out(session: Database) -> None:
    tries(20, at=PRESENT + timedelta(days=200))
    assert tries(20) == FREE


def test_old_counts_are_swept_and_young_ones_kept(database: None) -> None:
    with db.transaction():
        tries(1)
    assert sweep_throttles(PRESENT + timedelta(days=1)) == 0
    assert sweep_throttles(PRESENT + timedelta(days=3)) == 3


def test_however_many_try_at_once_no_more_are_judged(database: None) -> None:
    def one() -> credentials.Attempt:
        return credentials.attempt("sign_in", at=PRESENT, account="a@b.example", address="203.0.113.1")

    answers = together(*[one] * 12)
    assert sum(isinstance(answer, credentials.Attempt) for answer in answers) == FREE
    assert sum(isinstance(answer, credentials.TooManyAttempts) for answer in answers) == 12 - FREE


def test_only_some_of_many_failures_are_written_down(session: Database) -> None:
    marks = []
    for hour in range(40):
        attempt = credentials.attempt("sign_in", at=PRESENT + timedelta(minutes=16 * hour), account="a@b.example")
        if attempt.is_milestone:
            marks.append(attempt.failures)
    assert marks == [5, 10, 20, 40]

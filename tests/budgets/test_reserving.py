"""Holding a part of a month: never more than there is, whoever asks at once, and once for each key."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from market import budgets, db, notifications
from market.budgets import (
    Budget,
    BudgetExhausted,
    KeyTaken,
    NotHeld,
    NotUsable,
    Reservation,
    ReservationStatus,
    Wanted,
)
from market.errors import Invalid, NotFound
from market.notifications import Email
from market.providers import Provider
from market.subscriptions import Subscription, suspensions
from market.subscriptions.suspensions import Cause
from tests.builders.accounts import a_member, an_actor, an_organization
from tests.builders.billing import buyer, moment
from tests.builders.budgets import a_budget, a_reservation
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.support.together import together

NOW = moment("2026-11-20 10:00")


@pytest.fixture
def subscription(session: None) -> Subscription:
    """Usage at ¥0.01, nothing used."""
    return a_subscription(a_plan(per_unit="0.01", meter="calls"))


def the_budget() -> Budget:
    budget = db.session.scalars(select(Budget)).one()
    db.session.refresh(budget)
    return budget


def test_fifty_threads_reserve_three_yuan_each_from_a_hundred_and_33_succeed(database: None) -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(per_unit="0.01"))
        a_budget(buyer(subscription), "100.00", at=NOW)
        provider_id, public_id = subscription.provider_id, subscription.public_id

    def ask(number: int) -> Reservation:
        provider = db.session.get_one(Provider, provider_id)
        return budgets.reserve(provider, Wanted(f"job-{number}", public_id, 300), at=NOW)

    answers = together(*[lambda number=number: ask(number) for number in range(50)])
    held = [answer for answer in answers if isinstance(answer, Reservation)]
    refused = [answer for answer in answers if isinstance(answer, BudgetExhausted)]
    assert (len(held), len(refused)) == (33, 17)
    with db.transaction(readonly=True):
        budget = the_budget()
        assert (budget.held_fen, budget.left_fen) == (9900, 100)
        assert len(db.session.scalars(select(Reservation)).all()) == 33


def test_the_same_key_at_once_is_one_reservation(database: None) -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(per_unit="0.01"))
        provider_id, public_id = subscription.provider_id, subscription.public_id

    def ask() -> int:
        return budgets.reserve(
            db.session.get_one(Provider, provider_id), Wanted("job", public_id, 300), at=NOW
        ).id

    assert len(set(together(*[ask] * 8))) == 1
    with db.transaction(readonly=True):
        assert the_budget().held_fen == 300


def test_settling_releasing_and_expiring_at_once_happens_once(database: None) -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(per_unit="0.01"))
        id = a_reservation(subscription, 300, at=NOW).id

    def mine() -> Reservation:
        return db.session.get_one(Reservation, id)

    late = NOW + timedelta(hours=1)
    together(
        *[lambda: budgets.settle(mine(), at=late), lambda: budgets.release(mine(), at=late)] * 4,
        lambda: budgets.run(late),
    )
    with db.transaction(readonly=True):
        budget, reservation = the_budget(), mine()
        assert budget.held_fen == 0
        assert budget.spent_fen == (300 if reservation.status is ReservationStatus.SETTLED else 0)


def test_what_is_spent_counts_and_the_rest_can_be_held(subscription: Subscription) -> None:
    report(subscription, subscription.plan.charges[0].meter, 9000, at=moment("2026-11-10 10:00"))
    a_budget(buyer(subscription), "100.00", at=NOW)
    with pytest.raises(BudgetExhausted) as refusal:
        a_reservation(subscription, 1001, at=NOW)
    assert (refusal.value.asked_fen, refusal.value.left_fen) == (1001, 1000)
    a_reservation(subscription, 1000, at=NOW)
    with pytest.raises(BudgetExhausted):
        a_reservation(subscription, 1, at=NOW)
    assert a_reservation(subscription, 0, at=NOW).status is ReservationStatus.HELD


def test_it_is_one_budget_over_all_providers(subscription: Subscription) -> None:
    other = a_subscription(a_plan(per_unit="0.01"), organization=buyer(subscription))
    assert other.provider_id != subscription.provider_id
    a_budget(buyer(subscription), "10.00", at=NOW)
    a_reservation(subscription, 700, at=NOW)
    with pytest.raises(BudgetExhausted):
        a_reservation(other, 301, at=NOW)
    a_reservation(other, 300, at=NOW)


def test_without_a_budget_everything_is_held_and_counts_when_one_is_set(subscription: Subscription) -> None:
    a_reservation(subscription, 10**9, at=NOW)
    with pytest.raises(budgets.BelowSpent):
        a_budget(buyer(subscription), "100.00", at=NOW)
    a_budget(buyer(subscription), "10000000.00", at=NOW)
    with pytest.raises(BudgetExhausted):
        a_reservation(subscription, 1, at=NOW)


class TestTheSameAgain:
    def test_the_same_key_is_the_same_reservation(self, subscription: Subscription) -> None:
        first = a_reservation(subscription, 300, key="job", at=NOW)
        assert a_reservation(subscription, 300, key="job", at=NOW) is first
        budgets.settle(first, at=NOW)
        assert a_reservation(subscription, 300, key="job", at=NOW).status is ReservationStatus.SETTLED
        assert the_budget().taken_fen == 300

    @pytest.mark.parametrize(
        "changed",
        [{"amount_fen": 301}, {"meter": "calls", "quantity": Decimal(300)}],
        ids=["amount", "quantity"],
    )
    def test_something_else_under_it_is_refused(
        self, subscription: Subscription, changed: dict[str, object]
    ) -> None:
        a_reservation(subscription, 300, key="job", at=NOW)
        provider = db.session.get_one(Provider, subscription.provider_id)
        with pytest.raises(KeyTaken):
            budgets.reserve(provider, Wanted("job", subscription.public_id, **changed), at=NOW)  # type: ignore[arg-type]

    def test_settling_and_releasing_again_changes_nothing(self, subscription: Subscription) -> None:
        used, unused = a_reservation(subscription, 300, at=NOW), a_reservation(subscription, 500, at=NOW)
        for _ in range(2):
            budgets.settle(used, 200, at=NOW)
            budgets.release(unused, at=NOW)
        assert (the_budget().spent_fen, the_budget().held_fen) == (200, 0)

    def test_what_has_ended_in_one_way_does_not_end_in_another(self, subscription: Subscription) -> None:
        used, unused = a_reservation(subscription, 300, at=NOW), a_reservation(subscription, 500, at=NOW)
        budgets.settle(used, at=NOW)
        budgets.release(unused, at=NOW)
        for act in (
            lambda: budgets.release(used, at=NOW),
            lambda: budgets.settle(used, 299, at=NOW),
            lambda: budgets.settle(unused, at=NOW),
        ):
            with pytest.raises(NotHeld):
                act()


class TestTime:
    def test_what_is_held_too_long_is_free_for_whoever_asks_next(self, subscription: Subscription) -> None:
        a_budget(buyer(subscription), "10.00", at=NOW)
        first = a_reservation(subscription, 1000, at=NOW)
        with pytest.raises(BudgetExhausted):
            a_reservation(subscription, 1000, at=NOW + timedelta(minutes=59))
        a_reservation(subscription, 1000, at=NOW + timedelta(hours=1))
        assert first.status is ReservationStatus.EXPIRED

    def test_the_sweep_lets_go_of_it_too(self, subscription: Subscription) -> None:
        first = a_reservation(subscription, 1000, at=NOW)
        for _ in range(2):
            budgets.run(NOW + timedelta(hours=1))
        assert (first.status, the_budget().held_fen) == (ReservationStatus.EXPIRED, 0)

    def test_a_new_month_begins_with_nothing_held_and_the_same_amount(
        self, subscription: Subscription
    ) -> None:
        a_budget(buyer(subscription), "10.00", at=NOW)
        old = a_reservation(subscription, 1000, at=moment("2026-11-30 23:50"))
        a_reservation(subscription, 1000, at=moment("2026-12-01 00:00"))
        with pytest.raises(BudgetExhausted):
            a_reservation(subscription, 1, at=moment("2026-12-01 00:00"))
        budgets.settle(old, at=moment("2026-12-01 00:10"))
        assert old.status is ReservationStatus.SETTLED

    def test_usage_reported_without_asking_is_known_a_minute_later(self, subscription: Subscription) -> None:
        a_budget(buyer(subscription), "10.00", at=NOW)
        report(subscription, subscription.plan.charges[0].meter, 1000, at=NOW)
        with pytest.raises(BudgetExhausted):
            a_reservation(subscription, 1, at=NOW + budgets.FRESH)


class TestPrices:
    """Beyond what is used and held, at the price of the bill."""

    def test_what_the_plan_includes_costs_nothing_and_what_is_held_uses_it_up(self, session: None) -> None:
        subscription = a_subscription(
            a_plan(monthly="10.00", per_unit="0.50", meter="traffic", included="200")
        )
        report(subscription, subscription.plan.charges[1].meter, 150, at=moment("2026-11-10 10:00"))
        amounts = [
            a_reservation(subscription, meter="traffic", quantity=Decimal(30), at=NOW).amount_fen
            for _ in range(3)
        ]
        assert amounts == [0, 500, 1500]

    def test_parts_come_to_the_fen_of_the_whole(self, session: None) -> None:
        subscription = a_subscription(a_plan(per_unit="0.0033", meter="calls"))
        amounts = [
            a_reservation(subscription, meter="calls", quantity=Decimal(1), at=NOW).amount_fen
            for _ in range(10)
        ]
        assert (sum(amounts), set(amounts)) == (3, {0, 1})

    def test_in_a_trial_it_costs_nothing(self, session: None) -> None:
        subscription = a_subscription(
            a_plan(per_unit="0.50", meter="calls", trial_days=30), started_at=moment("2026-11-10 10:00")
        )
        assert a_reservation(subscription, meter="calls", quantity=Decimal(9), at=NOW).amount_fen == 0

    @pytest.mark.parametrize("wanted", [
        {"meter": "other", "quantity": Decimal(1)}, {"meter": "calls"}, {"quantity": Decimal(1)}, {"fen": 1, "meter": "calls"}, {},
        {"fen": -1}, {"fen": 10**13}, {"meter": "calls", "quantity": Decimal("0.0000001")}, {"meter": "calls", "quantity": Decimal(0)},
        {"fen": 1, "lasts": timedelta(seconds=1)}, {"fen": 1, "lasts": timedelta(days=8)}, {"fen": 1, "key": "x" * 256},
    ], ids=["unknown meter", "no quantity", "no meter", "both", "neither", "negative", "too much", "decimals", "nothing", "short", "long", "key"])  # fmt: skip
    def test_what_cannot_be_priced_or_read_is_refused(
        self, subscription: Subscription, wanted: dict[str, object]
    ) -> None:
        with pytest.raises(Invalid):
            a_reservation(subscription, at=NOW, **wanted)  # type: ignore[arg-type]


def test_nothing_is_held_for_what_may_not_be_used_or_is_a_strangers(subscription: Subscription) -> None:
    stranger = db.session.get_one(Provider, a_subscription().provider_id)
    with pytest.raises(NotFound):
        budgets.reserve(stranger, Wanted("job", subscription.public_id, 1), at=NOW)
    suspensions.suspend(subscription, cause=Cause.UNPAID, reason="", by=an_actor(), at=NOW)
    with pytest.raises(NotUsable):
        a_reservation(subscription, 1, at=NOW)


def test_whoever_can_raise_it_hears_of_the_first_refusal_under_an_amount(session: None) -> None:
    firm = an_organization()
    owner = a_member(firm)
    notifications.listen()
    subscription = a_subscription(a_plan(per_unit="0.01"), organization=firm, user=owner)
    for amount in ("1.00", "2.00"):
        a_budget(firm, amount, at=NOW)
        for _ in range(2):
            with pytest.raises(BudgetExhausted):
                a_reservation(subscription, 300, at=NOW)
    written = db.session.scalars(select(Email).where(Email.key.startswith("budget_refused"))).all()
    assert [each.recipient for each in written] == [owner.email] * 2
    assert "只剩 ¥1.00" in written[0].body

"""Laws of budgets: whatever is asked, settled, released or let go of in whatever order, the sums are those of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from market import budgets, db
from market.budgets import Budget, BudgetExhausted, NotHeld, Reservation, ReservationStatus
from market.subscriptions import Subscription
from tests.builders.billing import buyer, moment
from tests.builders.budgets import a_budget, a_reservation
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

NOW = moment("2026-11-20 10:00")
AMOUNT = 1000


class Step(NamedTuple):
    """Something that somebody does, `minutes` after what was done before."""

    verb: str
    #: Which of the reservations so far, and how much.
    which: int
    fen: int
    minutes: int


steps = st.lists(
    st.builds(Step, st.sampled_from(["reserve", "reserve", "settle", "release", "sweep", "again"]), st.integers(0, 9), st.integers(0, 600), st.integers(0, 40)),
    max_size=25,
)  # fmt: skip


def test_what_is_held_and_spent_is_the_sum_of_the_rows_and_stays_within(session: Session) -> None:
    subscription = a_subscription(a_plan(per_unit="0.01", meter="calls"))
    a_budget(buyer(subscription), f"{AMOUNT / 100:.2f}", at=NOW)

    @given(steps)
    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    def law(steps: Sequence[Step]) -> None:
        with session.begin_nested() as tried:
            _holds(subscription, steps)
            tried.rollback()

    law()


def _holds(subscription: Subscription, steps: Sequence[Step]) -> None:
    at, asked = NOW, list[Reservation]()
    for step in steps:
        at += timedelta(minutes=step.minutes)
        left = _budget(subscription).left_fen
        try:
            _do(step, subscription, asked, at)
        except BudgetExhausted:
            assert step.verb == "reserve" and left is not None and step.fen > left
        except NotHeld:
            assert asked[step.which % len(asked)].status is not ReservationStatus.HELD
        _check(subscription, asked)


def _do(step: Step, subscription: Subscription, asked: list[Reservation], at: object) -> None:
    if step.verb == "reserve":
        asked.append(a_reservation(subscription, step.fen, at=at, key=f"{subscription.id}-{len(asked)}"))  # type: ignore[arg-type]
    elif step.verb == "sweep":
        budgets.run(at)  # type: ignore[arg-type]
    elif asked:
        one = asked[step.which % len(asked)]
        if step.verb == "settle":
            fen = min(step.fen, one.amount_fen)
            if one.status is ReservationStatus.HELD and fen:
                report(subscription, subscription.plan.charges[0].meter, fen, at=at)  # type: ignore[arg-type]
            budgets.settle(one, fen, at=at)  # type: ignore[arg-type]
        elif step.verb == "release":
            budgets.release(one, at=at)  # type: ignore[arg-type]
        else:
            assert a_reservation(subscription, one.amount_fen, at=at, key=one.key) is one  # type: ignore[arg-type]


def _budget(subscription: Subscription) -> Budget:
    budget = db.session.scalars(
        select(Budget).where(Budget.organization_id == subscription.organization_id)
    ).one()
    db.session.refresh(budget)
    return budget


def _check(subscription: Subscription, asked: Sequence[Reservation]) -> None:
    budget = _budget(subscription)
    assert budget.held_fen == sum(one.amount_fen for one in asked if one.status is ReservationStatus.HELD)
    assert budget.spent_fen == sum(one.settled_fen or 0 for one in asked)
    assert 0 <= budget.taken_fen <= AMOUNT

"""Changing, pausing and taking back: who may, from when, once, and whoever comes at the same time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import func, select

from market import db, subscriptions
from market.accounts.models import Organization, Role
from market.catalog.models import OfferingStatus, Plan, PlanStatus
from market.errors import Invalid, MarketError
from market.providers.models import ProviderStatus
from market.subscriptions import (
    ChangeStatus,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionChange,
    SubscriptionStatus,
)
from tests.builders.accounts import a_member, an_actor
from tests.builders.billing import OCTOBER, moment
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription, the_request
from tests.support import commands

NOW = moment("2026-10-15 14:00")
TODAY, TOMORROW, MONTH_END = moment("2026-10-15 00:00"), moment("2026-10-16 00:00"), moment("2026-11-01 00:00")
BY = an_actor()


def plans(**columns: Any) -> tuple[Plan, Plan]:
    """Two plans of one offering: ¥99.00 and ¥199.00 a month."""
    basic = a_plan(monthly="99.00", per_unit="0.01", **columns)
    return basic, a_plan(basic.offering, slug="pro", monthly="199.00", per_unit="0.01", **columns)


def seats(**columns: Any) -> Plan:
    defaults = {"quantity_unit_zh": "席位", "quantity_unit_en": "seats", "quantity_minimum": 1, "quantity_step": 2, "quantity_maximum": 21}
    return a_plan(monthly="30.00", **(defaults | columns))


def change(subscription: Subscription, *, at: datetime = NOW, when: Any = "now", **what: Any) -> SubscriptionChange:
    return subscriptions.change(subscription, when=when, by=BY, at=at, **what)


def trail(subscription: Subscription) -> list[str]:
    return [event.action.removeprefix("subscription.") for event in subscriptions.timeline(subscription)]


# --- changing ----------------------------------------------------------------------------


def test_now_means_today_from_midnight_and_shows_at_once(session):
    basic, pro = plans()
    subscription = a_subscription(basic)
    made = subscriptions.change(subscription, plan=pro, when="now", reason="要更多", by=BY, at=NOW)
    assert (made.effective_at, made.status, made.before_plan_id) == (TODAY, ChangeStatus.APPLIED, basic.id)
    assert (subscription.plan_id, subscription.plan) == (pro.id, pro)
    assert the_request(subscription, RequestKind.UPDATE).status is RequestStatus.PENDING
    newest = subscriptions.timeline(subscription)[0]
    assert (newest.action, newest.reason, newest.before["plan"], newest.after["plan"]) == ("subscription.plan_changed", "要更多", "basic", "pro")
    assert subscription.terms_hash == subscriptions.terms_hash(subscriptions.terms(pro, subscription.revision))


def test_the_end_of_the_period_is_planned_shown_by_its_date_and_can_be_taken_back(session):
    basic, pro = plans()
    subscription = a_subscription(pro)
    made = change(subscription, plan=basic, when="period_end")
    assert (made.effective_at, made.status, subscription.plan_id) == (MONTH_END, ChangeStatus.PLANNED, pro.id)
    assert subscriptions.held_at(subscription, MONTH_END).plan is basic
    subscriptions.withdraw_change(made, by=BY, at=NOW)
    subscriptions.withdraw_change(made, by=BY, at=NOW)
    subscriptions.load_changes(subscription)
    assert subscriptions.held_at(subscription, MONTH_END).plan is pro
    assert trail(subscription)[:2] == ["change_withdrawn", "change_planned"]


def test_clicking_twice_is_one_change(session):
    basic, pro = plans()
    subscription = a_subscription(basic)
    assert change(subscription, plan=pro) is change(subscription, plan=pro)
    assert change(subscription, plan=basic, when="period_end") is change(subscription, plan=basic, when="period_end")
    assert len(subscriptions.changes_of(subscription)) == 2


def test_another_plan_for_the_same_midnight_takes_the_place_of_the_planned_one(session):
    basic, pro = plans()
    top = a_plan(basic.offering, slug="top", monthly="299.00")
    subscription = a_subscription(pro)
    first = change(subscription, plan=basic, when="period_end")
    second = change(subscription, plan=top, when="period_end")
    assert (first.status, second.status) == (ChangeStatus.SUPERSEDED, ChangeStatus.PLANNED)
    assert subscriptions.apply_due(MONTH_END) == 1
    db.session.refresh(subscription)
    assert subscription.plan_id == top.id


def test_several_days_ahead_capacity_goes_up_and_down_however_late_the_sweep_comes(session):
    subscription = a_subscription(seats())
    for day, number in (("2026-10-20", 3), ("2026-10-25", 11), ("2026-11-05", 7)):
        change(subscription, quantity=number, when=date.fromisoformat(day))
    assert subscriptions.apply_due(moment("2026-10-19 23:59")) == 0
    assert subscriptions.apply_due(moment("2026-11-20 12:00")) == 3
    assert subscriptions.apply_due(moment("2026-11-20 12:00")) == 0
    subscriptions.load_changes(subscription)
    held = [(part.period.first_day.day, part.quantity) for part in subscriptions.segments(subscription, OCTOBER)]
    assert held == [(1, 1), (20, 3), (25, 11)]
    assert [(row.before_quantity, row.quantity) for row in subscription.changes] == [(1, 3), (3, 11), (11, 7)]


@pytest.mark.parametrize(("number", "code"), [(23, "quantity_too_large"), (4, "quantity_between"), (0, "quantity_outside")])
def test_a_quantity_keeps_to_the_plan(session, number, code):
    with pytest.raises(MarketError) as refused:
        change(a_subscription(seats()), quantity=number)
    assert refused.value.code == code


def test_nobody_comes_down_to_what_a_smaller_plan_holds_without_saying_so(session):
    large = a_plan(slug="large", monthly="90.00", quantity_unit_zh="席位")
    small = a_plan(large.offering, slug="small", monthly="30.00", quantity_unit_zh="席位", quantity_maximum=5)
    subscription = a_subscription(large)
    change(subscription, quantity=8)
    with pytest.raises(MarketError) as refused:
        change(subscription, plan=small)
    assert (refused.value.code, refused.value.params) == ("quantity_too_large", {"high": "5", "many": "8"})
    change(subscription, plan=small, quantity=5)
    assert (subscription.plan_id, subscription.quantity) == (small.id, 5)


def test_a_plan_keeps_the_number_as_far_as_it_is_sold_in_it(session):
    small = seats()
    large = a_plan(small.offering, slug="large", monthly="90.00", quantity_unit_zh="席位", quantity_minimum=10, quantity_step=5)
    alone = a_plan(small.offering, slug="alone", monthly="20.00")
    subscription = a_subscription(small)
    change(subscription, plan=large)
    assert subscription.quantity == 10
    change(subscription, quantity=20)
    change(subscription, plan=alone)
    assert subscription.quantity == 1
    change(subscription, plan=small, quantity=7)
    assert subscription.quantity == 7


def test_what_cannot_be_had_is_refused_and_less_of_it_never(session):
    basic, pro = plans(quantity_unit_zh="席位", quantity_unit_en="seats")
    subscription, elsewhere = a_subscription(basic), a_plan(monthly="1.00")
    change(subscription, quantity=5)
    refuse(lambda: change(subscription, plan=elsewhere), "other_offering")
    refuse(lambda: change(subscription, quantity=5, at=NOW + timedelta(days=1)), "nothing_changes")
    refuse(lambda: change(subscription, plan=pro, terms_hash="0" * 64), "terms_changed")
    pro.status = PlanStatus.RETIRED
    refuse(lambda: change(subscription, plan=pro), "not_for_sale")
    basic.status = PlanStatus.RETIRED
    change(subscription, quantity=7)
    basic.offering.status = OfferingStatus.SUSPENDED
    refuse(lambda: change(subscription, quantity=8), "offering_not_live")
    basic.offering.status = OfferingStatus.LIVE
    basic.offering.provider.status = ProviderStatus.SUSPENDED
    refuse(lambda: change(subscription, quantity=8), "provider_not_approved")
    change(subscription, quantity=2)
    assert subscription.quantity == 2


def test_days_that_have_passed_or_are_far_off_are_refused(session):
    subscription = a_subscription(seats())
    for when in (date(2026, 10, 14), date(2031, 1, 1), "later", NOW):
        with pytest.raises(Invalid):
            change(subscription, quantity=5, when=when)
    with pytest.raises(Invalid):
        subscriptions.pause(subscription, when=date(2026, 10, 15), by=BY, at=NOW)
    with pytest.raises(Invalid):
        change(subscription, quantity=5, reason="长" * 501)


def test_what_an_owner_would_have_to_approve_as_an_order_she_has_to_change_herself(session):
    basic, pro = plans()
    subscription = a_subscription(basic)
    firm = db.session.get_one(Organization, subscription.organization_id)
    firm.approval_above_fen = 150_00
    buyer, owner = (an_actor(a_member(firm, role), firm) for role in (Role.PURCHASER, Role.OWNER))
    refuse(lambda: subscriptions.change(subscription, plan=pro, when="now", by=buyer, at=NOW), "approver_needed")
    subscriptions.change(subscription, plan=pro, when="now", by=owner, at=NOW)
    subscriptions.change(subscription, plan=basic, when="now", by=buyer, at=NOW)


def test_nothing_reaches_into_a_month_that_is_billed_when_the_clock_goes_back(session):
    basic, pro = plans()
    subscription = a_subscription(basic)
    subscription.billed_until = MONTH_END
    assert change(subscription, plan=pro).effective_at == MONTH_END
    assert change(subscription, plan=basic, when=date(2026, 10, 20)).effective_at == MONTH_END


def test_a_clock_that_goes_back_undoes_nothing(session):
    basic, pro = plans()
    subscription = a_subscription(basic)
    change(subscription, plan=pro, at=NOW)
    earlier = NOW - timedelta(days=3)
    assert subscriptions.apply_due(earlier) == 0
    refuse(lambda: subscriptions.withdraw_change(subscription.changes[0], by=BY, at=earlier), "change_begun")
    assert change(subscription, plan=basic, at=earlier).effective_at == TODAY
    assert [held.plan.slug for held in subscriptions.course_of(subscription).held] == ["basic", "basic"]
    assert (subscription.plan_id, subscriptions.apply_due(NOW)) == (pro.id, 1)


@pytest.mark.parametrize(("new", "suggested"), [(("50.00", None), "period_end"), (("99.00", None), "now"), ((None, "1000.00"), "period_end"), ((None, "1200.00"), "now")])
def test_more_is_best_had_now_and_less_when_what_is_paid_for_is_used_up(session, new, suggested):
    basic, _ = plans()
    other = a_plan(basic.offering, slug="other", monthly=new[0], yearly=new[1])
    assert subscriptions.default_when(a_subscription(basic), other, 1, at=NOW) == suggested


# --- pausing and ending ------------------------------------------------------------------


def test_a_pause_begins_on_the_coming_midnight_and_ends_with_the_day_it_is_resumed(session):
    subscription = a_subscription(plans()[0])
    asked = subscriptions.pause(subscription, when="now", by=BY, at=NOW)
    assert (asked.effective_at, subscription.status) == (TOMORROW, SubscriptionStatus.ACTIVE)
    assert subscriptions.apply_due(TOMORROW) == 1
    db.session.refresh(subscription)
    assert subscription.status is SubscriptionStatus.PAUSED
    resumed = subscriptions.resume(subscription, by=BY, at=moment("2026-10-20 09:00"))
    assert (resumed.effective_at, subscription.status) == (moment("2026-10-20 00:00"), SubscriptionStatus.ACTIVE)
    assert set(subscriptions.requests_about(subscription)) == {RequestKind.PROVISION, RequestKind.PAUSE, RequestKind.RESUME}
    paused = [part.period for part in subscriptions.segments(subscription, OCTOBER) if part.paused]
    assert [(part.first_day.day, part.last_day.day) for part in paused] == [(16, 19)]
    assert trail(subscription)[:3] == ["resumed", "paused", "change_planned"]


def test_a_pause_can_be_planned_with_its_end_and_waits_while_it_is_suspended(session):
    subscription = a_subscription(plans()[0])
    subscriptions.pause(subscription, when=date(2026, 10, 20), by=BY, at=NOW)
    subscriptions.resume(subscription, when=date(2026, 10, 25), by=BY, at=NOW)
    refuse(lambda: subscriptions.pause(subscription, when=date(2026, 10, 22), by=BY, at=NOW), "subscription_already_paused")
    subscription.status = SubscriptionStatus.SUSPENDED
    assert subscriptions.apply_due(moment("2026-10-21 10:00")) == 0
    subscription.status = SubscriptionStatus.ACTIVE
    assert subscriptions.apply_due(moment("2026-10-21 10:00")) == 1
    assert subscriptions.apply_due(moment("2026-10-26 10:00")) == 1
    db.session.refresh(subscription)
    assert subscription.status is SubscriptionStatus.ACTIVE


def test_a_trial_is_not_paused_and_keeps_its_days_when_the_plan_changes(session):
    basic, pro = plans(trial_days=20)
    subscription = a_subscription(basic)
    refuse(lambda: subscriptions.pause(subscription, when="now", by=BY, at=NOW), "trial_not_paused")
    ends_at = subscription.trial_ends_at
    if subscription.cancel_at:
        refuse(lambda: change(subscription, plan=pro, when="period_end"), "subscription_ends_before")
        subscriptions.keep(subscription, by=BY, at=NOW)
    change(subscription, plan=pro)
    assert (subscription.trial_ends_at, subscription.status) == (ends_at, SubscriptionStatus.TRIALING)
    assert change(subscription, plan=basic, when="period_end").effective_at == ends_at


def test_an_end_takes_what_was_planned_after_it_along_and_not_what_came_before(session):
    basic, pro = plans()
    subscription = a_subscription(basic)
    change(subscription, plan=pro, when=date(2026, 10, 20))
    change(subscription, plan=basic, when=date(2026, 11, 5))
    subscriptions.cancel(subscription, when="period_end", reason="", by=BY, at=NOW)
    refuse(lambda: change(subscription, plan=pro, when=date(2026, 11, 1)), "subscription_ends_before")
    assert subscriptions.end_due(moment("2026-11-09 10:00")) == 1
    db.session.refresh(subscription)
    rows = subscriptions.changes_of(subscription)
    assert [row.status for row in rows] == [ChangeStatus.APPLIED, ChangeStatus.SUPERSEDED]
    assert (subscription.plan_id, subscription.ended_at) == (pro.id, MONTH_END)


# --- any state, any action ---------------------------------------------------------------

ACTIONS: dict[str, Callable[[Subscription, Plan], object]] = {
    "plan now": lambda one, pro: change(one, plan=pro),
    "plan later": lambda one, pro: change(one, plan=pro, when="period_end"),
    "quantity": lambda one, _: change(one, quantity=3),
    "pause": lambda one, _: subscriptions.pause(one, when="now", by=BY, at=NOW),
    "resume": lambda one, _: subscriptions.resume(one, by=BY, at=NOW),
    "cancel now": lambda one, _: subscriptions.cancel(one, when="now", reason="", by=BY, at=NOW),
    "cancel later": lambda one, _: subscriptions.cancel(one, when="period_end", reason="", by=BY, at=NOW),
    "keep": lambda one, _: subscriptions.keep(one, by=BY, at=NOW),
    "convert": lambda one, _: subscriptions.convert(one, by=BY, at=NOW),
}
_LIVE, _NOT_YET, _OVER = "ok", "subscription_not_running", "subscription_ended"
_CHANGES = {"pending": _NOT_YET, "provisioning": _NOT_YET, "failed": _NOT_YET, "suspended": "subscription_suspended", "ended": _OVER}
_NO_PLAN_TO_END, _NO_TRIAL = "subscription_not_canceled", "subscription_not_trialing"


def expected(state: str, action: str) -> str:
    """The whole table: what each action answers in each state."""
    if action in ("plan now", "plan later", "quantity"):
        return _CHANGES.get(state, _LIVE)
    if action == "pause":
        special = {"trialing": "trial_not_paused", "paused": "subscription_already_paused"}
        return _CHANGES.get(state) or special.get(state, _LIVE)
    if action == "resume":
        return _CHANGES.get(state) or (_LIVE if state == "paused" else "subscription_not_paused")
    if action.startswith("cancel"):
        return _OVER if state == "ended" else _LIVE
    if action == "keep":
        return _NO_PLAN_TO_END
    return _LIVE if state == "trialing" else _NO_TRIAL


@pytest.mark.parametrize("state", [status.value for status in SubscriptionStatus])
def test_any_action_in_any_state_is_done_or_refused_by_name(session, state):
    subscription, pro = in_state(state)
    for action, do in ACTIONS.items():
        before, turn = snapshot(subscription), db.session.begin_nested()
        try:
            do(subscription, pro)
            answer = "ok"
        except MarketError as refusal:
            answer = refusal.code
            assert snapshot(subscription) == before, f"{action} was half done"
        turn.rollback()
        assert answer == expected(state, action), f"{state}: {action}"


def in_state(state: str) -> tuple[Subscription, Plan]:
    basic, pro = plans(trial_days=30 if state == "trialing" else 0, quantity_unit_zh="席位")
    opening = state in ("pending", "provisioning", "failed")
    subscription = a_subscription(basic, started_at=None if opening else moment("2026-10-01 10:00"))
    if state == "paused":
        subscriptions.pause(subscription, when="now", by=BY, at=NOW - timedelta(days=5))
        subscriptions.apply_due(NOW)
        db.session.refresh(subscription)
    elif state == "ended":
        subscriptions.cancel(subscription, when="now", reason="", by=BY, at=NOW - timedelta(days=5))
    elif state == "trialing":
        subscription.cancel_at = None
    else:
        subscription.status = SubscriptionStatus(state)
    db.session.flush()
    return subscription, pro


def snapshot(subscription: Subscription) -> tuple[Any, ...]:
    db.session.flush()
    rows = db.session.scalar(select(func.count()).where(SubscriptionChange.subscription_id == subscription.id))
    dates = subscription.cancel_at, subscription.ended_at, subscription.trial_ends_at
    return subscription.status, subscription.plan_id, subscription.quantity, rows, dates, len(trail(subscription))


def refuse(do: Callable[[], object], code: str) -> None:
    with pytest.raises(MarketError) as refused:
        do()
    assert refused.value.code == code


# --- at the same time --------------------------------------------------------------------


def chain(id: int) -> list[tuple[int | None, int | None]]:
    """(before, after) of every applied change, in order: each begins where the one before ended."""
    with db.transaction(readonly=True):
        rows = db.session.scalars(select(SubscriptionChange).where(SubscriptionChange.subscription_id == id).order_by(SubscriptionChange.id)).all()
        assert {row.status for row in rows} == {ChangeStatus.APPLIED}
        return [(row.before_quantity, row.quantity) for row in rows]


def test_fifty_at_once_change_one_after_the_other(database):
    with db.transaction():
        id = a_subscription(a_plan(monthly="9.00", quantity_unit_zh="席位")).id
    barrier, failed = Barrier(50), []

    def ask(number: int) -> None:
        barrier.wait()
        try:
            with db.transaction():
                change(db.session.get_one(Subscription, id), quantity=number)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shall show it
            failed.append(error)

    threads = [Thread(target=ask, args=(number + 2,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
    found = chain(id)
    assert len(found) == 50 and found[0][0] == 1
    assert all(one[1] == after[0] for one, after in zip(found, found[1:], strict=False))
    with db.transaction(readonly=True):
        assert db.session.get_one(Subscription, id).quantity == found[-1][1]


_CHILD = """
import sys, time
from pathlib import Path
from market import audit, db, subscriptions
from tests.builders.billing import moment
db.connect(sys.argv[1])
print("ready", flush=True)
while not Path(sys.argv[4], "go").exists():
    time.sleep(0.002)
for number in range(8):
    with db.transaction():
        one = db.session.get_one(subscriptions.Subscription, int(sys.argv[2]))
        subscriptions.change(one, quantity=int(sys.argv[3]) + number, when="now", by=audit.system("test"), at=moment("2026-10-15 14:00"))
"""


def test_two_processes_change_one_after_the_other(database, database_url, tmp_path):
    with db.transaction():
        id = a_subscription(a_plan(monthly="9.00", quantity_unit_zh="席位")).id
    asked = [commands.python(_CHILD, database_url, id, first, tmp_path) for first in (100, 200)]
    commands.ready(asked)
    (tmp_path / "go").touch()
    ended = [each.wait() for each in asked]
    assert [each.returncode for each in ended] == [0, 0], [each.stderr for each in ended]
    found = chain(id)
    assert len(found) == 16
    assert all(one[1] == after[0] for one, after in zip(found, found[1:], strict=False))

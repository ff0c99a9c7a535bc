"""What a change, a pause or an end will do, said before it is decided, by the code of the bill."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from market import billing, db, subscriptions
from market.accounts.models import Organization
from market.billing import credit_notes
from market.catalog.models import Plan
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor
from tests.builders.billing import NOVEMBER, OCTOBER, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

NOW = moment("2026-11-11 14:00")


def loaded(subscription: Subscription) -> Subscription:
    """As its page loads it."""
    db.session.flush()
    db.session.expire(subscription)
    firm = db.session.get_one(Organization, subscription.organization_id)
    return subscriptions.subscription_of(firm, subscription.id)


def two_plans(**old: Any) -> tuple[Plan, Plan]:
    basic = a_plan(**({"monthly": "30.00", "per_unit": "0.10"} | old))
    return basic, a_plan(basic.offering, slug="pro", monthly="90.00", per_unit="0.05", included="100")


def used(subscription: Subscription, number: int, at: datetime) -> None:
    report(subscription, next(charge.meter for charge in subscription.plan.charges if charge.meter), number, at=at)


def drawn(subscription: Subscription, period: Any = NOVEMBER) -> int:
    return billing.total_fen(billing.draw_up_one(loaded(subscription), period, cutoff=NOW))


def test_a_change_says_what_this_month_and_a_whole_one_will_cost(session):
    basic, pro = two_plans()
    subscription = a_subscription(basic)
    used(subscription, 1000, moment("2026-10-05 10:00"))
    used(subscription, 200, moment("2026-11-05 10:00"))
    now, later = billing.preview_change(loaded(subscription), plan=pro, at=NOW)
    assert later is not None
    # 10 days of 30.00 and 20 of 90.00; the 200 so far are of the old plan's days.
    assert (now.bill_fen, now.difference_fen, now.default) == (1000 + 6000 + 2000, 4000, True)
    assert (later.month.first_day, later.bill_fen, later.effective_at) == (date(2026, 12, 1), 9000, moment("2026-12-01 00:00"))
    # October's own 1,000: 30.00 + 100.00 as it is, 90.00 + 900 × 0.05 as it would be.
    assert {(one.monthly_before_fen, one.monthly_fen) for one in (now, later)} == {(13000, 13500)}
    assert (now.basis, now.back_fen, now.due_fen) == (OCTOBER, 0, 0)
    subscriptions.change(subscription, plan=pro, when="now", by=an_actor(), at=NOW)
    assert drawn(subscription) == now.bill_fen


def test_in_a_paid_year_it_says_what_comes_back_and_what_is_due(session):
    basic, _ = two_plans(monthly=None, yearly="365.00")
    top = a_plan(basic.offering, slug="top", yearly="730.00", once="50.00")
    subscription = a_subscription(basic)
    now, later = billing.preview_change(loaded(subscription), plan=top, at=NOW)
    assert (now.back_fen, now.due_fen, now.yearly_fen, now.once_fen) == (32400, 64800 + 5000, 73000, 5000)
    assert later is not None and (later.effective_at, later.back_fen, later.due_fen) == (moment("2027-10-01 00:00"), 0, 73000 - 36500 + 5000)
    subscriptions.change(subscription, plan=top, when="now", by=an_actor(), at=NOW)
    assert drawn(subscription) == now.bill_fen == 64800 + 5000 - 32400


def test_a_pause_says_what_a_month_of_it_costs(session):
    _, pro = two_plans()
    subscription = a_subscription(pro)
    used(subscription, 150, moment("2026-10-05 10:00"))
    now, later = billing.preview_pause(loaded(subscription), at=NOW)
    # From 12 November 19 of 30 days of 90.00 rest; a paused month is 150 × 0.05, nothing included.
    assert (now.difference_fen, now.monthly_fen, now.monthly_before_fen) == (-5700, 750, 9250)
    assert later is not None and (later.bill_fen, later.difference_fen) == (0, -9000)


def test_an_end_says_what_is_billed_given_back_and_until_when_data_is_there(session):
    basic, _ = two_plans(monthly=None, yearly="365.00")
    subscription = a_subscription(basic)
    used(subscription, 100, moment("2026-11-05 10:00"))
    now, later = billing.preview_end(loaded(subscription), at=NOW)
    assert (now.bill_fen, now.back_fen, now.last_day) == (1000 - 32300, 32300, date(2026, 11, 11))
    assert (now.export_until, now.deleted_on, now.exit_fee) == (date(2026, 12, 11), date(2027, 2, 9), "0")
    assert (later.ends_at, later.bill_fen, later.back_fen, later.until_fen) == (moment("2027-10-01 00:00"), 1000, 0, 0)
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=NOW)
    assert drawn(subscription) == now.bill_fen
    with pytest.raises(subscriptions.HasEnded):
        billing.preview_end(loaded(subscription), at=NOW)


def test_where_it_is_to_end_there_is_no_second_way(session):
    basic, pro = two_plans()
    subscription = a_subscription(basic)
    subscriptions.cancel(subscription, when="period_end", reason="", by=an_actor(), at=NOW)
    assert billing.preview_change(loaded(subscription), plan=pro, at=NOW)[1] is None
    with pytest.raises(subscriptions.NothingChanges):
        billing.preview_change(loaded(subscription), plan=basic, at=NOW)
    with pytest.raises(subscriptions.EndsBefore):
        billing.preview_on(loaded(subscription), plan=pro, on=date(2026, 12, 5), at=NOW)


def test_money_back_without_room_gets_a_credit_note(session):
    """A year of ¥365.00 is left after 41 days; ¥10.00 of another service of the provider takes up a bit of it."""
    yearly = a_plan(yearly="365.00")
    subscription = a_subscription(yearly)
    firm = db.session.get_one(Organization, subscription.organization_id)
    other = a_plan(monthly="10.00")
    other.offering.provider = yearly.offering.provider
    db.session.flush()
    a_subscription(other, organization=firm)
    assert issued(firm, "2026-10").gross_fen == 36500 + 1000
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=NOW)
    november, december = issued(firm, "2026-11"), issued(firm, "2026-12")
    assert [(line.kind.value, line.gross_fen, line.booked_fen) for line in november.lines] == [("credit", -1000, -31300), ("charge", 1000, 0)]
    assert [(line.kind.value, line.gross_fen, line.booked_fen) for line in december.lines] == [("charge", 1000, 0)]
    assert [note.gross_fen for note in db.session.scalars(credit_notes.notes_of(firm))] == [31300]
    assert (billing.owed_back(firm), billing.verify(november), billing.verify(december)) == (0, [], [])
    row = billing.view(november).groups[0].rows[0]
    assert (row.charge, row.gross) == ("退回：固定费用", "−10.00")
    assert "另外 ¥313.00 另开冲减单退回" in row.working[-1]


def test_a_bill_says_how_many_a_fee_is_for(session):
    subscription = a_subscription(a_plan(monthly="30.00", quantity_unit_zh="席位", quantity_unit_en="seats", name_zh="团队版"))
    subscriptions.change(subscription, quantity=4, when="now", by=an_actor(), at=moment("2026-10-01 12:00"))
    row = billing.view(issued(db.session.get_one(Organization, subscription.organization_id), "2026-10")).groups[0].rows[0]
    assert (row.plan, row.working, row.gross) == ("团队版 × 4 席位", ("4 席位 × 1 个月 × ¥30.00",), "120.00")


def issued(firm: Organization, label: str) -> billing.Bill:
    period = billing.period_of(firm, moment(f"{label}-15 10:00"))
    bill = billing.close(firm, period, now=billing.final_at(period))
    assert bill is not None
    return billing.finalize(bill, at=billing.final_at(period))

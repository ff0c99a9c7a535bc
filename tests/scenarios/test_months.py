"""Firms that live through months, with the month close as the worker runs it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from market import billing, db, payments, subscriptions
from market.accounts import Organization
from market.billing import Bill, BillStatus, LineKind
from market.kit.period import Period
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.billing import DECEMBER, NOVEMBER, OCTOBER, amounts, buyer, closed, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import Story, a_story, a_usual_october

pytestmark = pytest.mark.usefixtures("database")


def bill_of(organization: Organization, period: Period) -> Bill:
    """The stored bill, which must be one that can be worked out again."""
    with db.transaction(readonly=True):
        bill = billing.bill_for(organization, period)
        assert bill is not None
        assert billing.verify(bill) == []
        return bill


def fen(organization: Organization, *periods: Period) -> list[int]:
    return [bill_of(organization, period).gross_fen for period in periods]


def a_firm() -> Story:
    with db.transaction():
        return a_story()


def test_the_first_bill() -> None:
    story = a_firm()
    with db.transaction():
        a_usual_october(story)
    closed(OCTOBER)
    assert amounts(bill_of(story.organization, OCTOBER)) == [
        ("月费", None, 9900), ("备份空间", "774.193548", 3290), ("外网流量", "365", 8250), ("访问次数", "181.672", 753),
    ]  # fmt: skip


def test_starting_and_ending_within_months_pays_for_the_days_between() -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(monthly="93.00"), started_at=moment("2026-10-22 15:00"))
        organization = buyer(subscription)
    closed(OCTOBER)
    with db.transaction():
        subscription = subscriptions.subscription_of(organization, subscription.id)
        subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-11-10 09:00"))
    closed(NOVEMBER)
    closed(DECEMBER)
    assert fen(organization, OCTOBER, NOVEMBER) == [3000, 3100]  # 10 of 31 days, 10 of 30 days
    with db.transaction(readonly=True):
        assert billing.bill_for(organization, DECEMBER) is None


def test_usage_within_the_days_of_grace_is_on_the_months_own_bill() -> None:
    story = a_firm()
    billing.close_due(OCTOBER.end)
    with db.transaction():
        report(story.backup, story.traffic, 300, at=moment("2026-10-31 23:30"), recorded=moment("2026-11-03 23:00"))
    closed(OCTOBER)
    bill = bill_of(story.organization, OCTOBER)
    assert bill.gross_fen == 9900 + 5000
    assert {line.kind for line in bill.lines} == {LineKind.CHARGE}


def test_usage_after_the_bill_is_a_line_of_its_own_on_the_next() -> None:
    story = a_firm()
    closed(OCTOBER)
    with db.transaction():
        report(story.backup, story.traffic, 300, at=moment("2026-10-31 23:30"), recorded=moment("2026-11-05 09:00"))
    closed(NOVEMBER)
    closed(DECEMBER)
    assert fen(story.organization, OCTOBER, NOVEMBER, DECEMBER) == [9900, 9900 + 5000, 9900]
    late = bill_of(story.organization, NOVEMBER).lines[-1]
    assert (late.kind, late.service_start, late.booked_fen, late.gross_fen) == (LineKind.ADJUSTMENT, OCTOBER.start, 0, 5000)


def test_yearly_and_one_off_charges_come_once() -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(yearly="1200.00", once="300.00"), started_at=moment("2026-10-31 10:00"))
        organization = buyer(subscription)
    for month in range(13):
        billing.close_due(moment("2026-11-04 00:00") + timedelta(days=31 * month))
    with db.transaction(readonly=True):
        sums = [bill.gross_fen for bill in db.session.scalars(billing.bills_of(organization))]
    assert sums == [120_000, 150_000]  # October 2027, October 2026


def test_a_trial_costs_nothing_until_it_is_converted() -> None:
    with db.transaction():
        story = a_story(trial_days=30)
        report(story.backup, story.traffic, 900, at=moment("2026-10-20 12:00"))
    closed(OCTOBER)
    assert fen(story.organization, OCTOBER) == [0]
    assert bill_of(story.organization, OCTOBER).status is BillStatus.PAID
    subscriptions.end_due(moment("2026-11-01 00:00"))
    closed(NOVEMBER)
    with db.transaction(readonly=True):
        assert billing.bill_for(story.organization, NOVEMBER) is None  # nobody said yes: it ended by itself


def test_a_bill_paid_by_transfer_in_two_parts() -> None:
    story = a_firm()
    closed(OCTOBER)
    with db.transaction():
        user = an_administrator()
        payment = payments.start(billing.due_bills_of(story.organization)[0], by=an_actor(story.owner), at=moment("2026-11-05 09:00"))
        payments.announce(payment, by=an_actor(story.owner), at=moment("2026-11-05 10:00"))
        first = payment.id
    for reference, yuan, day in (("A1", 60, 6), ("A2", 39, 9)):
        with db.transaction():
            [waiting] = db.session.scalars(payments.awaiting(str(payments.payment_by_id(first).remittance_code)))
            payments.confirm_arrival(
                waiting, amount_fen=yuan * 100, payer_name=story.organization.name, bank_reference=reference,
                arrived_on=date(2026, 11, day), user=user, by=an_actor(user), at=moment(f"2026-11-{day:02} 12:00"), partial=True,
            )  # fmt: skip
    bill = bill_of(story.organization, OCTOBER)
    assert (bill.status, bill.paid_fen, bill.paid_at) == (BillStatus.PAID, 9900, moment("2026-11-09 12:00"))
    with db.transaction(readonly=True):
        assert [arrival.amount_fen for arrival in payments.arrivals_of(bill)] == [6000, 3900]


def test_a_bill_nobody_pays_becomes_overdue_and_a_part_does_not_change_that() -> None:
    story = a_firm()
    closed(OCTOBER)
    billing.close_due(moment("2026-11-20 00:00"))
    assert bill_of(story.organization, OCTOBER).status is BillStatus.OVERDUE
    with db.transaction():
        billing.receive(billing.bill_by_id(bill_of(story.organization, OCTOBER).id), 100, by=an_actor(), at=moment("2026-11-21 09:00"))
    assert bill_of(story.organization, OCTOBER).status is BillStatus.PART_PAID
    billing.close_due(moment("2026-11-21 10:00"))
    assert bill_of(story.organization, OCTOBER).status is BillStatus.OVERDUE

"""Month close: everything that is due, once, whatever happens on the way."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from market import audit, billing, db, subscriptions
from market.accounts import Organization
from market.billing import Bill, BillStatus
from tests.builders.accounts import an_actor, an_organization
from tests.builders.billing import DECEMBER, NOVEMBER, OCTOBER, after_grace, amounts, buyer, closed, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("database")


def bills() -> list[Bill]:
    with db.transaction(readonly=True):
        return list(db.session.scalars(select(Bill).order_by(Bill.period_start, Bill.number, Bill.id)))


def firms(count: int, **plan: str) -> list[int]:
    """Organizations with a subscription since 1 October, by id."""
    with db.transaction():
        bought = a_plan(**(plan or {"monthly": "30.00"}))  # type: ignore[arg-type]  # prices by name
        return [buyer(a_subscription(bought)).id for _ in range(count)]


def test_nothing_is_due_before_the_month_is_over() -> None:
    firms(2)
    assert str(billing.close_due(OCTOBER.end - timedelta(seconds=1))) == "drafts 0, issued 0, overdue 0, failed 0"


def test_drafts_come_with_the_end_of_the_month_and_bills_after_the_days_of_grace() -> None:
    firms(2)
    assert str(billing.close_due(OCTOBER.end)) == "drafts 2, issued 0, overdue 0, failed 0"
    assert {bill.status for bill in bills()} == {BillStatus.DRAFT}
    assert str(billing.close_due(after_grace(OCTOBER))) == "drafts 0, issued 2, overdue 0, failed 0"
    assert [bill.number for bill in bills()] == ["BL-202610-000001", "BL-202610-000002"]


def test_running_it_again_changes_nothing() -> None:
    firms(2)
    closed(OCTOBER)
    before = [(bill.number, bill.version) for bill in bills()]
    assert str(closed(OCTOBER, later=timedelta(minutes=1))) == "drafts 0, issued 0, overdue 0, failed 0"
    assert [(bill.number, bill.version) for bill in bills()] == before


def test_a_draft_is_drawn_up_anew_every_hour() -> None:
    firms(1)
    assert [billing.close_due(OCTOBER.end + timedelta(minutes=m)).drafted for m in (0, 59, 60, 61)] == [1, 0, 1, 0]


def test_months_that_were_missed_are_made_up_oldest_first() -> None:
    firms(1)
    assert closed(DECEMBER).issued == 3
    assert [bill.number for bill in bills()] == ["BL-202610-000001", "BL-202611-000001", "BL-202612-000001"]


def test_a_month_without_a_subscription_gets_no_bill_and_holds_nothing_up() -> None:
    with db.transaction():
        first = a_subscription(a_plan(monthly="30.00"))
        subscriptions.cancel(first, when="now", reason="", by=an_actor(), at=moment("2026-10-10 09:00"))
        a_subscription(a_plan(monthly="30.00"), organization=buyer(first), started_at=moment("2026-12-05 09:00"))
    assert closed(DECEMBER).issued == 2
    assert [bill.number for bill in bills()] == ["BL-202610-000001", "BL-202612-000001"]


def test_a_subscription_that_lasted_a_moment_is_billed_its_day() -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(monthly="31.00"), started_at=moment("2026-10-10 09:00"))
        subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-10-10 09:00"))
    closed(OCTOBER)
    assert [bill.gross_fen for bill in bills()] == [100]


def test_who_has_left_is_left_in_peace() -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(monthly="31.00"))
        subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-10-31 09:00"))
    closed(OCTOBER)
    with db.transaction(readonly=True):
        assert list(billing.outstanding(after_grace(DECEMBER))) == []


def test_one_that_fails_stops_nobody_else_and_leaves_no_gap() -> None:
    first, broken, last = firms(3)
    with db.transaction():
        charge = db.session.get_one(Organization, broken)
        subscription = subscriptions.subscriptions_of(charge)[0]
        right = subscription.plan.charges[0].terms
        subscription.plan_id = a_plan(monthly="30.00").id
        db.session.flush()
        db.session.expire(subscription, ["plan"])
        subscriptions.subscriptions_of(charge)[0].plan.charges[0].terms = {"model": "unknown"}
    report_ = billing.close_due(after_grace(OCTOBER))
    assert (report_.issued, [failure.organization_id for failure in report_.failures]) == (2, [broken])
    billing.close_due(after_grace(OCTOBER) + timedelta(minutes=5))
    with db.transaction():
        organization = db.session.get_one(Organization, broken)
        reasons = [event.reason for event in audit.history(organization) if event.action == "bill.close_failed"]
        assert len(reasons) == 1
        assert reasons[0].startswith("2026-10 · InvalidTerms")
        subscriptions.subscriptions_of(organization)[0].plan.charges[0].terms = right
    assert closed(OCTOBER, later=timedelta(minutes=9)).issued == 1
    assert [(bill.organization_id, bill.number) for bill in bills()] == [
        (first, "BL-202610-000001"), (last, "BL-202610-000002"), (broken, "BL-202610-000003"),
    ]  # fmt: skip


def test_overdue_bills_are_marked_once() -> None:
    firms(2)
    closed(OCTOBER)
    late = moment("2026-11-20 00:00")
    assert [billing.close_due(late).overdue, billing.close_due(late).overdue] == [2, 0]


def test_progress_is_told() -> None:
    firms(3)
    told: list[tuple[int, int]] = []
    billing.close_due(after_grace(OCTOBER), lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_two_processes_closing_at_once_make_each_bill_once() -> None:
    ids = firms(12)
    at, barrier, reports = after_grace(OCTOBER), threading.Barrier(4), []

    def run() -> None:
        barrier.wait()
        reports.append(billing.close_due(at))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report for report in reports if report.failures] == []
    assert sum(report.issued for report in reports) == len(ids)
    issued = bills()
    assert sorted(bill.organization_id for bill in issued) == ids
    assert [bill.number for bill in issued] == [f"BL-202610-{n:06}" for n in range(1, 13)]


def test_late_usage_of_one_who_left_comes_on_a_bill_of_its_own() -> None:
    with db.transaction():
        plan = a_plan(per_unit="1.00")
        subscription = a_subscription(plan)
        subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-10-20 12:00"))
    closed(OCTOBER)
    with db.transaction():
        report(subscription, plan.charges[0].meter, 7, at=moment("2026-10-15 12:00"), recorded=moment("2026-11-10 12:00"))
    assert billing.bill_leavers(moment("2026-11-20 12:00")).issued == 0
    assert billing.bill_leavers(after_grace(NOVEMBER)).issued == 1
    assert billing.bill_leavers(after_grace(NOVEMBER)).issued == 0
    with db.transaction(readonly=True):
        late = billing.bill_for(db.session.get_one(Organization, subscription.organization_id), NOVEMBER)
        assert late is not None
        assert amounts(late) == [("调用次数", "7", 700)]


def test_an_organization_that_never_bought_is_not_looked_at() -> None:
    with db.transaction():
        an_organization()
        a_subscription(started_at=None)
    with db.transaction(readonly=True):
        assert list(billing.outstanding(after_grace(DECEMBER))) == []

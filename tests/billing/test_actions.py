"""Drafts, issued bills, and money that comes in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from market import audit, billing, db
from market.billing import Bill, BillStatus
from market.kit.lifecycle import IllegalMove
from tests.builders.accounts import an_actor, an_organization
from tests.builders.billing import NOVEMBER, OCTOBER, after_grace, amounts, an_issued_bill, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")

EIGHT = moment("2026-11-04 08:00")


def an_open_bill(monthly: str = "150.00") -> Bill:
    return an_issued_bill(buyer(a_subscription(a_plan(monthly=monthly))))


def test_a_draft_can_be_drawn_up_again_and_again() -> None:
    plan = a_plan(per_unit="1.00")
    subscription = a_subscription(plan)
    now = OCTOBER.end + timedelta(hours=1)
    draft = billing.close(buyer(subscription), OCTOBER, now=now)
    assert draft is not None
    assert amounts(draft) == [("调用次数", "0", 0)]
    report(subscription, plan.charges[0].meter, 7, at=moment("2026-10-31 23:00"), recorded=now)
    again = billing.close(buyer(subscription), OCTOBER, now=now + timedelta(hours=1))
    assert again is draft
    assert (amounts(draft), draft.cutoff) == ([("调用次数", "7", 700)], now + timedelta(hours=1))


def test_a_month_that_is_not_over_is_not_closed() -> None:
    with pytest.raises(billing.PeriodNotOver):
        billing.close(buyer(a_subscription()), OCTOBER, now=OCTOBER.end - timedelta(seconds=1))


def test_an_organization_without_lines_gets_no_bill() -> None:
    assert billing.close(an_organization(), OCTOBER, now=after_grace(OCTOBER)) is None
    assert billing.bill_for(an_organization(), OCTOBER) is None


def test_a_bill_is_not_issued_within_the_days_of_grace() -> None:
    subscription = a_subscription()
    draft = billing.close(buyer(subscription), OCTOBER, now=OCTOBER.end)
    assert draft is not None
    with pytest.raises(billing.GraceNotOver):
        billing.finalize(draft, at=after_grace(OCTOBER) - timedelta(seconds=1))


def test_issuing_gives_number_parties_and_last_day() -> None:
    bill = an_open_bill()
    assert (bill.number, bill.status, bill.issued_at) == ("BL-202610-000001", BillStatus.OPEN, after_grace(OCTOBER))
    assert bill.due_at == moment("2026-11-19 23:59") + timedelta(seconds=59)
    assert bill.parties["buyer"] == {"name": bill.organization.name, "uscc": bill.organization.uscc}
    assert bill.parties["payee"]["account"] == "0000 0000 0000 0000"
    assert [seller["name_zh"] for seller in bill.parties["providers"].values()]


def test_tax_is_split_as_a_fapiao_says() -> None:
    bill = an_open_bill("150.00")
    assert (bill.gross_fen, bill.net_fen, bill.tax_fen) == (15000, 14151, 849)


def test_tax_is_split_for_each_seller_and_rate() -> None:
    first = a_subscription(a_plan(monthly="150.00"))
    second = a_subscription(a_plan(monthly="103.00", ), organization=buyer(first))
    third = a_subscription(a_plan(monthly="0.50"), organization=buyer(first))
    for subscription, rate in ((second, "0.03"), (third, "0.06")):
        subscription.plan.charges[0].tax_rate = rate
    bill = an_issued_bill(buyer(first))
    assert [(tax.tax_rate, tax.gross_fen, tax.net_fen, tax.tax_fen) for tax in bill.taxes] == [
        ("0.06", 15000, 14151, 849), ("0.03", 10300, 10000, 300), ("0.06", 50, 47, 3),
    ]  # fmt: skip
    assert sum(line.net_fen for line in bill.lines) == bill.net_fen
    assert sum(line.gross_fen for line in bill.lines) == bill.gross_fen


def test_an_issued_bill_does_not_change() -> None:
    plan = a_plan(per_unit="1.00")
    subscription = a_subscription(plan)
    bill = an_issued_bill(buyer(subscription))
    number = bill.number
    report(subscription, plan.charges[0].meter, 7, at=moment("2026-10-31 23:00"), recorded=EIGHT)
    assert billing.finalize(bill, at=EIGHT).number == number
    assert billing.close(buyer(subscription), OCTOBER, now=EIGHT) is bill
    assert amounts(bill) == [("调用次数", "0", 0)]


def test_a_later_change_of_names_does_not_reach_an_issued_bill() -> None:
    bill = an_open_bill()
    before = dict(bill.parties["buyer"])
    bill.organization.name = "改名后的示例企业"
    db.session.flush()
    assert billing.bill_by_id(bill.id).parties["buyer"] == before


def test_a_bill_of_nothing_is_paid_at_once() -> None:
    bill = an_issued_bill(buyer(a_subscription(a_plan(per_unit="0.01"))))
    assert (bill.status, bill.gross_fen, bill.number, bill.paid_at) == (
        BillStatus.PAID, 0, "BL-202610-000001", after_grace(OCTOBER),
    )  # fmt: skip


def test_numbers_count_up_within_a_month() -> None:
    first, second = an_open_bill(), an_open_bill()
    november = an_issued_bill(first.organization, NOVEMBER)
    assert [bill.number for bill in (first, second, november)] == [
        "BL-202610-000001", "BL-202610-000002", "BL-202611-000001",
    ]  # fmt: skip


def test_money_in_two_parts_pays_a_bill() -> None:
    bill = an_open_bill()
    billing.receive(bill, 10000, by=an_actor(), at=EIGHT)
    assert (bill.status, bill.owed_fen, bill.paid_at) == (BillStatus.PART_PAID, 5000, None)
    billing.receive(bill, 5000, by=an_actor(), at=EIGHT)
    assert (bill.status, bill.owed_fen, bill.paid_at) == (BillStatus.PAID, 0, EIGHT)


def test_more_than_is_owed_is_refused() -> None:
    bill = an_open_bill()
    with pytest.raises(billing.TooMuch, match="150.00"):
        billing.receive(bill, 15001, by=an_actor(), at=EIGHT)
    billing.receive(bill, 15000, by=an_actor(), at=EIGHT)
    with pytest.raises(billing.NothingDue):
        billing.receive(bill, 1, by=an_actor(), at=EIGHT)


def test_a_bill_becomes_overdue_after_its_last_day_and_can_still_be_paid() -> None:
    bill = an_open_bill()
    assert bill.due_at is not None
    assert not billing.mark_overdue(bill, at=bill.due_at)
    assert billing.mark_overdue(bill, at=bill.due_at + timedelta(seconds=1))
    assert bill.status is BillStatus.OVERDUE
    billing.receive(bill, 15000, by=an_actor(), at=EIGHT)
    assert bill.status is BillStatus.PAID


def test_every_change_leaves_a_trace_that_the_buyer_may_read() -> None:
    bill = an_open_bill()
    billing.receive(bill, 15000, by=an_actor(), at=EIGHT)
    trail = audit.history(bill)
    assert [event.action for event in trail] == ["bill.paid", "bill.issued", "bill.drafted"]
    assert {event.organization_id for event in trail} == {bill.organization_id}


def test_signals_tell_of_issued_and_paid_bills() -> None:
    heard = []
    issued, paid = (lambda bill, at: heard.append(("issued", at))), (lambda bill, at: heard.append(("paid", at)))
    with billing.bill_finalized.connected_to(issued), billing.bill_paid.connected_to(paid):
        bill = an_open_bill()
        billing.receive(bill, 15000, by=an_actor(), at=EIGHT)
    assert heard == [("issued", after_grace(OCTOBER)), ("paid", EIGHT)]


@pytest.mark.parametrize("column", ["number", "paid_fen", "net_fen"])
def test_the_database_refuses_impossible_bills(column: str) -> None:
    bill = an_open_bill()
    setattr(bill, column, {"number": None, "paid_fen": 15001, "net_fen": 1}[column])
    with pytest.raises(IntegrityError):
        db.session.flush()


@pytest.mark.parametrize("to", BillStatus)
@pytest.mark.parametrize("state", BillStatus)
def test_a_bill_moves_along_its_lifecycle(state: BillStatus, to: BillStatus) -> None:
    bill = Bill(status=state)
    if billing.LIFECYCLE.allows(state, to):
        billing.LIFECYCLE.move(bill, to)
        assert bill.status is to
    else:
        with pytest.raises(IllegalMove):
            billing.LIFECYCLE.move(bill, to)


def test_closed_until_says_where_usage_becomes_very_late() -> None:
    bill, other = an_open_bill(), an_organization()
    an_issued_bill(bill.organization, NOVEMBER)
    reach = billing.closed_until([bill.organization_id, other.id])
    assert {id: each.until for id, each in reach.items()} == {bill.organization_id: NOVEMBER.end}


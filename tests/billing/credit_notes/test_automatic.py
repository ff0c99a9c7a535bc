"""What happens by itself when a bill is issued: credit notes for what has no room, and the balance is used."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from market import billing, db, subscriptions
from market.accounts import Organization
from market.billing import Bill, BillStatus, LineKind, credit_notes
from market.billing.credit_notes import Amount, CreditNote, CreditNoteStatus, CreditReason, Source, Whole
from market.metering import UsageEvent
from tests.builders.accounts import a_user, an_actor
from tests.builders.billing import DECEMBER, NOVEMBER, OCTOBER, after_grace, an_issued_bill, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.corrections import approve, correct
from tests.builders.credit_notes import a_note, an_open_bill, paid
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")


def test_what_was_paid_becomes_balance_and_pays_the_next_bill() -> None:
    bill = paid(an_open_bill("150.00"))
    note = a_note(bill, Amount(4000))
    assert (note.offset_fen, note.balance_fen, credit_notes.balance(bill.organization)) == (0, 4000, 4000)
    november = an_issued_bill(bill.organization, NOVEMBER)
    assert (november.gross_fen, november.paid_fen, november.owed_fen, november.status) == (15000, 4000, 11000, BillStatus.PART_PAID)
    assert (credit_notes.balance(bill.organization), note.status) == (0, CreditNoteStatus.SETTLED)
    assert [entry.amount_fen for entry in credit_notes.applied_to(november)] == [-4000]



def test_a_bill_can_be_paid_by_the_balance_alone() -> None:
    bill = paid(an_open_bill("150.00"))
    a_note(bill, Whole())
    november = an_issued_bill(bill.organization, NOVEMBER)
    assert (november.status, credit_notes.balance(bill.organization)) == (BillStatus.PAID, 0)
    a_note(november, Amount(100))
    assert an_issued_bill(bill.organization, DECEMBER).owed_fen == 14900


def october_of(used: str, **plan: object) -> tuple[subscriptions.Subscription, object]:
    """A subscription whose October is billed with this much use."""
    subscription = a_subscription(a_plan(**plan))  # type: ignore[arg-type]  # as the test says it
    meter = subscription.plan.charges[-1].meter
    report(subscription, meter, used, at=moment("2026-10-15 12:00"))
    an_issued_bill(buyer(subscription), OCTOBER)
    return subscription, meter


def notes(organization: Organization) -> list[CreditNote]:
    return list(db.session.scalars(credit_notes.notes_of(organization)))[::-1]


def test_a_difference_that_no_line_has_room_for_gets_a_credit_note() -> None:
    """15 at ¥10 cost ¥150; one more makes it 16 at ¥5, ¥80: ¥70 go back, off October's own bill."""
    subscription, meter = october_of("15", volume=[("15", "10"), (None, "5")])
    report(subscription, meter, "1", at=moment("2026-10-30 12:00"), recorded=moment("2026-11-10 12:00"))
    firm = buyer(subscription)
    november = an_issued_bill(firm, NOVEMBER)
    [note] = notes(firm)
    assert (november.gross_fen, note.gross_fen, note.offset_fen, note.bill.period) == (0, 7000, 7000, OCTOBER)
    assert (note.source, note.reason, note.bill.owed_fen) == (Source.CORRECTION, CreditReason.USAGE_CORRECTED, 8000)
    assert "2026年10月1日 至 10月31日" in credit_notes.view(credit_notes.note_by_id(note.id)).groups[0].rows[0].about


def test_what_was_credited_is_not_booked_any_more_when_usage_comes_again() -> None:
    subscription, meter = october_of("15", volume=[("15", "10"), (None, "5")])
    report(subscription, meter, "1", at=moment("2026-10-30 12:00"), recorded=moment("2026-11-10 12:00"))
    firm = buyer(subscription)
    an_issued_bill(firm, NOVEMBER)
    report(subscription, meter, "4", at=moment("2026-10-31 12:00"), recorded=moment("2026-12-02 12:00"))
    december = an_issued_bill(firm, DECEMBER)
    assert [(line.booked_fen, line.gross_fen) for line in december.lines if line.kind is LineKind.ADJUSTMENT] == [(8000, 2000)]
    assert billing.verify(december) == [] and len(notes(firm)) == 1


def test_a_fee_paid_in_advance_goes_back_as_balance_and_only_once() -> None:
    subscription = a_subscription(a_plan(yearly="365.00"))
    firm = buyer(subscription)
    october = paid(an_issued_bill(firm, OCTOBER))
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-11-10 10:00"))
    november = an_issued_bill(firm, NOVEMBER)
    [note] = notes(firm)
    assert (note.source, note.bill_id, november.gross_fen) == (Source.TERMINATION, october.id, 0)
    assert note.gross_fen == note.balance_fen == credit_notes.balance(firm) == -november.lines[0].booked_fen > 30000
    assert billing.owed_back(firm) == 0
    assert billing.close(firm, DECEMBER, now=after_grace(DECEMBER)) is None and len(notes(firm)) == 1


def test_a_firm_that_has_left_gets_its_money_without_another_bill() -> None:
    subscription, meter = october_of("15", per_unit="10")
    firm = buyer(subscription)
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-11-02 10:00"))
    an_issued_bill(firm, NOVEMBER)
    wrong = db.session.scalars(select(UsageEvent)).one()
    approve(correct(wrong, 5, now=moment("2026-12-02 12:00")), a_user(), now=moment("2026-12-02 13:00"))
    assert billing.close(firm, DECEMBER, now=after_grace(DECEMBER)) is None
    assert [(note.gross_fen, note.bill.period) for note in notes(firm)] == [(10000, OCTOBER)]


def test_money_comes_off_the_newest_other_bill_where_its_own_has_nothing_left() -> None:
    subscription, meter = october_of("15", volume=[("15", "10"), (None, "5")], monthly="60.00")
    firm = buyer(subscription)
    october = billing.bill_for(firm, OCTOBER)
    assert october is not None
    metered = next(line for line in october.lines if line.quantity is not None)
    a_note(october, credit_notes.Lines({metered.id: None}))
    report(subscription, meter, "1", at=moment("2026-10-30 12:00"), recorded=moment("2026-11-10 12:00"))
    an_issued_bill(firm, NOVEMBER)
    assert october.creditable_fen >= 0
    assert all(bill.credited_fen + bill.returned_fen <= bill.gross_fen for bill in db.session.scalars(select(Bill)))

"""Administrators credit bills: whole, by lines, by an amount; never more than there is; large ones by two people."""

from __future__ import annotations

import pytest

from market import audit, billing, payments
from market.billing import BillStatus, credit_notes
from market.billing.credit_notes import (
    Amount,
    CreditNoteStatus,
    CreditReason,
    Destination,
    Lines,
    ProposalStatus,
    RefundStatus,
    Whole,
)
from market.payments import PaymentStatus
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.billing import DECEMBER, NOVEMBER, OCTOBER, an_issued_bill, buyer
from tests.builders.catalog import a_plan
from tests.builders.credit_notes import NOON, a_credit, a_note, an_open_bill, paid
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")


def test_a_credit_is_taken_off_what_the_bill_still_asks_for() -> None:
    bill = an_open_bill("150.00")
    note = a_note(bill, Amount(5000))
    assert (note.gross_fen, note.offset_fen, note.balance_fen) == (5000, 5000, 0)
    assert (bill.owed_fen, bill.status, bill.gross_fen, note.status) == (10000, BillStatus.OPEN, 15000, CreditNoteStatus.ISSUED)


def test_numbers_of_credit_notes_have_no_gap() -> None:
    bill = an_open_bill("150.00")
    assert [a_note(bill, Amount(100)).number for _ in range(3)] == [f"CN-202611-00000{n}" for n in (1, 2, 3)]


def test_a_credit_of_the_whole_bill_settles_bill_and_note_and_calls_the_payment_off() -> None:
    bill = an_open_bill("150.00")
    payment = payments.start(bill, by=an_actor(), at=NOON)
    note = a_note(bill, Whole())
    assert (bill.owed_fen, bill.status, bill.creditable_fen, note.status) == (0, BillStatus.PAID, 0, CreditNoteStatus.SETTLED)
    assert (note.net_fen, note.tax_fen) == (bill.net_fen, bill.tax_fen)
    assert payment.status is PaymentStatus.CANCELED


def test_the_open_payment_asks_for_what_is_left() -> None:
    bill = an_open_bill("150.00")
    payment = payments.start(bill, by=an_actor(), at=NOON)
    a_note(bill, Amount(5000))
    assert payments.instructions(payment)["amount"] == "100.00"


def test_a_part_paid_bill_gives_back_what_it_does_not_ask_for() -> None:
    bill = an_open_bill("150.00")
    billing.receive(bill, 12000, by=an_actor(), at=NOON)
    note = a_note(bill, Amount(5000), destination=Destination.REFUND)
    assert (note.offset_fen, note.refund_fen, bill.status, bill.returned_fen) == (3000, 2000, BillStatus.PAID, 2000)
    request = credit_notes.refunds_of(bill.organization)[0]
    assert (request.amount_fen, request.status) == (2000, RefundStatus.PENDING)


def test_lines_are_credited_one_by_one_until_nothing_is_left() -> None:
    bill = an_open_bill("150.00")
    line = bill.lines[0]
    a_note(bill, Lines({line.id: 1}))
    rest = a_note(bill, Lines({line.id: None}))
    assert rest.gross_fen == 14999
    assert sum(note.net_fen for note in credit_notes.of_bill(bill)) == bill.net_fen
    with pytest.raises(credit_notes.TooMuchCredited):
        a_note(bill, Whole())


@pytest.mark.parametrize("what", [Amount(0), Amount(-5), Amount(15001), Amount(2**63), Lines({}), Lines({10**9: 5}), Lines({-1: None})])
def test_what_cannot_be_credited_is_refused(what: credit_notes.Amount | credit_notes.Lines) -> None:
    bill = an_open_bill("150.00")
    with pytest.raises((credit_notes.TooMuchCredited, credit_notes.CreditInvalid)):
        a_note(bill, what)
    assert bill.credited_fen == 0


def test_a_line_of_another_bill_cannot_be_credited() -> None:
    with pytest.raises(credit_notes.TooMuchCredited):
        a_note(an_open_bill("150.00"), Lines({an_open_bill("99.00").lines[0].id: 100}))


def test_a_draft_cannot_be_credited() -> None:
    organization = buyer(a_subscription(a_plan(monthly="150.00")))
    bill = billing.close(organization, OCTOBER, now=OCTOBER.end)
    assert bill is not None
    with pytest.raises(credit_notes.NotCreditable):
        a_note(bill, Whole())


def test_a_bill_near_the_limit_of_what_is_stored_is_credited_to_the_fen() -> None:
    bill = an_open_bill("999999999.99")
    note = a_note(bill, Amount(bill.gross_fen - 1))
    assert (bill.owed_fen, note.net_fen + note.tax_fen) == (1, bill.gross_fen - 1)


def test_the_same_form_twice_is_one_credit() -> None:
    bill, user = an_open_bill("150.00"), an_administrator()
    first = a_credit(bill, Amount(100), user=user, key="once")
    again = a_credit(bill, Amount(100), user=user, key="once")
    assert first is again and bill.credited_fen == 100
    with pytest.raises(credit_notes.CreditInvalid):
        a_credit(an_open_bill("150.00"), Amount(100), user=user, key="once")


def test_a_reason_has_to_be_given() -> None:
    for words in ({"note": "  "}, {"note": "x" * 501}, {"reason": CreditReason.USAGE_CORRECTED}):
        with pytest.raises(credit_notes.CreditInvalid):
            a_credit(an_open_bill("150.00"), Whole(), **words)


class TestTheSecondPerson:
    def test_a_large_credit_waits_and_its_author_cannot_approve_it(self) -> None:
        bill, author, other = an_open_bill("900.00"), an_administrator(), an_administrator()
        proposal = a_credit(bill, Amount(50001), user=author)
        assert (proposal.status, proposal.credit_note, bill.owed_fen) == (ProposalStatus.PROPOSED, None, 90000)
        with pytest.raises(credit_notes.FourEyes):
            credit_notes.approve(proposal, user=author, by=an_actor(author), at=NOON)
        note = credit_notes.approve(proposal, user=other, by=an_actor(other), at=NOON)
        assert (note.gross_fen, bill.owed_fen, note.proposal_id) == (50001, 39999, proposal.id)
        with pytest.raises(credit_notes.AlreadyDecided):
            credit_notes.approve(proposal, user=other, by=an_actor(other), at=NOON)

    def test_many_small_ones_weigh_as_one(self) -> None:
        bill, user = an_open_bill("900.00"), an_administrator()
        assert a_credit(bill, Amount(30000), user=user).status is ProposalStatus.APPROVED
        assert a_credit(bill, Amount(20001), user=user).status is ProposalStatus.PROPOSED

    def test_what_is_not_there_any_more_cannot_be_approved(self) -> None:
        bill, other = an_open_bill("900.00"), an_administrator()
        first, second = a_credit(bill, Amount(60000)), a_credit(bill, Amount(60000))
        credit_notes.approve(first, user=other, by=an_actor(other), at=NOON)
        with pytest.raises(credit_notes.TooMuchCredited):
            credit_notes.approve(second, user=other, by=an_actor(other), at=NOON)

    def test_who_rejects_says_why(self) -> None:
        bill, other = an_open_bill("900.00"), an_administrator()
        proposal = a_credit(bill, Whole())
        with pytest.raises(credit_notes.CreditInvalid):
            credit_notes.reject(proposal, answer=" ", user=other, by=an_actor(other), at=NOON)
        credit_notes.reject(proposal, answer="金额和说明对不上", user=other, by=an_actor(other), at=NOON)
        assert (proposal.status, bill.creditable_fen) == (ProposalStatus.REJECTED, 90000)


class TestVoid:
    def test_a_note_that_nothing_came_of_is_void_and_the_bill_asks_again(self) -> None:
        bill = an_open_bill("150.00")
        note = a_note(bill, Amount(5000))
        credit_notes.void(note, reason="开错了账单", by=an_actor(), at=NOON)
        assert (note.status, bill.owed_fen, bill.creditable_fen) == (CreditNoteStatus.VOID, 15000, 15000)
        assert a_note(bill, Whole()).net_fen == bill.net_fen

    def test_unspent_balance_goes_with_its_note_and_spent_balance_keeps_it(self) -> None:
        bill = paid(an_open_bill("150.00"))
        first, second = a_note(bill, Amount(4000)), a_note(bill, Amount(5000))
        credit_notes.void(second, reason="重复了", by=an_actor(), at=NOON)
        assert credit_notes.balance(bill.organization) == 4000
        november = an_issued_bill(bill.organization, NOVEMBER)
        credit_notes.use_balance(november, at=DECEMBER.start)
        with pytest.raises(credit_notes.CannotVoid):
            credit_notes.void(first, reason="太晚了", by=an_actor(), at=NOON)

    def test_a_settled_bill_keeps_its_notes(self) -> None:
        bill = an_open_bill("150.00")
        note = a_note(bill, Amount(5000))
        billing.receive(bill, 10000, by=an_actor(), at=NOON)
        assert note.status is CreditNoteStatus.SETTLED
        with pytest.raises(credit_notes.CannotVoid):
            credit_notes.void(note, reason="太晚了", by=an_actor(), at=NOON)


def test_every_step_stands_in_the_trail() -> None:
    bill, author, other = an_open_bill("900.00"), an_administrator(), an_administrator()
    proposal = a_credit(bill, Amount(60000), user=author)
    note = credit_notes.approve(proposal, user=other, by=an_actor(other), at=NOON)
    credit_notes.void(note, reason="开错了", by=an_actor(other), at=NOON)
    told = [[event.action for event in audit.history(thing)] for thing in (proposal, note)]
    assert told == [["credit_proposal.approved", "credit_proposal.proposed"], ["credit_note.voided", "credit_note.issued"]]
    assert {event.organization_id for event in audit.history(note)} == {bill.organization_id}


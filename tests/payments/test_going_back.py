"""Each part of a balance goes back to where its money came from; and refunds are found on the bank's statement."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from market import billing, db, ledger, payments
from market.accounts import Organization
from market.billing import credit_notes
from market.billing.credit_notes import Amount
from market.payments import statements
from market.payments.statements import BankLine
from tests.builders.accounts import an_actor, an_administrator, an_organization
from tests.builders.balances import NOON, a_deposit, a_grant
from tests.builders.credit_notes import a_note, an_open_bill
from tests.builders.gateways import by_card
from tests.builders.statements import IMPORTED, an_imported_statement
from tests.support.queries import counted

pytestmark = pytest.mark.usefixtures("session")


def ways(organization: Organization, fen: int) -> list[tuple[int | None, int]]:
    return [(way.payment.id if way.payment else None, way.fen) for way in payments.plan(organization, fen)]


def test_each_lot_goes_the_way_it_came_and_what_was_given_goes_nowhere() -> None:
    firm = an_organization()
    a_grant(firm, 9000)
    a_deposit(firm, 2000)
    card = by_card(firm, 5000)
    assert ways(firm, 99999) == [(card.id, 5000), (None, 2000)]
    assert ways(firm, 2500) == [(card.id, 500), (None, 2000)]
    asked = payments.ask_back(firm, 2500, request_key="k", by=an_actor(), at=NOON)
    assert [(each.payment_id, each.amount_fen) for each in asked] == [(card.id, 500), (None, 2000)]
    assert payments.ask_back(firm, 2500, request_key="k", by=an_actor(), at=NOON) == asked
    assert ways(firm, 99999) == [(card.id, 4500)]
    assert not list(ledger.verify())


def test_many_lots_are_looked_up_together() -> None:
    few, many = an_organization(), an_organization()
    for firm, times in ((few, 1), (many, 6)):
        for number in range(times):
            by_card(firm, 1000 + number)
    with counted(at_most=20) as one:
        payments.plan(few, 99999)
    with counted(at_most=len(one)):
        assert len(payments.plan(many, 99999)) == 6


def test_what_a_credit_note_gave_back_of_a_bill_paid_by_card_goes_to_the_card_as_far_as_it_can() -> None:
    bill = an_open_bill("150.00")
    card = by_card(bill.organization, 16000, bill)
    a_note(bill, Amount(4000))
    assert ways(bill.organization, 99999) == [(card.id, 5000)]
    assert payments.received_for(bill) == [(card, 15000)]
    assert not list(ledger.verify())


def test_a_bill_is_held_lightly_so_that_whoever_refers_to_it_goes_on() -> None:
    bill = an_open_bill("150.00")
    card = by_card(bill.organization, 15000, bill)
    with counted(at_most=400) as asked:
        billing.reopen(bill, 5000, payment_id=card.id, by=an_actor(), at=NOON)
        billing.mark_overdue(bill, at=NOON + timedelta(days=90))
        billing.receive(bill, 5000, by=an_actor(), at=NOON + timedelta(days=90))
    assert not [statement for statement in asked if statement.endswith(" FOR UPDATE")]


def test_nothing_or_more_than_there_is_cannot_be_asked_back() -> None:
    firm = an_organization()
    a_grant(firm, 9000)
    a_deposit(firm, 2000)
    for fen in (0, 2001):
        with pytest.raises((credit_notes.TooMuchCredited, credit_notes.CreditInvalid)):
            payments.ask_back(firm, fen, request_key="k", by=an_actor(), at=NOON)


def test_a_refund_is_found_on_the_banks_statement_whichever_came_first() -> None:
    firm, user = an_organization(name="示例五金制品有限公司"), an_administrator()
    a_deposit(firm, 5000)
    first, second = (credit_notes.ask(firm, fen, request_key=f"{fen}", by=an_actor(), at=NOON) for fen in (3000, 2000))
    paid_on = date(2026, 11, 20)
    credit_notes.pay(first, bank_reference="OUT1", paid_on=paid_on, user=user, by=an_actor(user), at=IMPORTED)
    an_imported_statement("2026-11-20,,30.00,示例五金制品有限公司,OUT1,", "2026-11-20,,20.00,别的公司,OUT2,", "2026-11-20,,20.00,示例五金制品有限公司,OUT3,", user=user)
    line = statements.line_of(first)
    assert line is not None and line.reference == "OUT1"
    assert [each.reference for each in statements.lines_for(second)] == ["OUT3", "OUT2"]
    credit_notes.pay(second, bank_reference="OUT3", paid_on=paid_on, user=user, by=an_actor(user), at=IMPORTED + timedelta(hours=1))
    assert statements.note_refund(second) is not None
    assert [each.reference for each in statements.lines_for(second)] == ["OUT2"]


def test_what_the_bank_said_is_never_edited(session: Session) -> None:
    an_imported_statement("2026-11-06,80.00,,无名公司,BK1,")
    line = db.session.scalars(select(BankLine)).one()
    for change in ("amount_fen = 1", "payer_name = '别人'", "reference = 'X'", "booked_on = '2020-01-01'", "key = 'x'"):
        with pytest.raises(DBAPIError, match="stay as issued"), db.session.begin_nested():
            db.session.execute(text(f"UPDATE bank_lines SET {change} WHERE id = {line.id}"))

"""Several people credit, pay and pay back at one moment: nobody gives more than there is."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from market import billing, db
from market.accounts import User
from market.accounts.models import Organization
from market.billing import credit_notes
from market.billing.credit_notes import Amount
from market.errors import MarketError
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.credit_notes import NOON, a_credit, a_note, an_open_bill, paid

pytestmark = pytest.mark.usefixtures("database")


def at_once(act: Callable[[int], object], times: int) -> list[MarketError]:
    """Do it so often in as many threads; what was refused."""
    barrier, refused = threading.Barrier(times), []

    def run(number: int) -> None:
        barrier.wait()
        try:
            with db.transaction():
                act(number)
        except MarketError as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_a_bill_is_never_credited_beyond_its_amount_while_money_comes_in() -> None:
    with db.transaction():
        bill_id, user_id = an_open_bill("150.00").id, an_administrator().id

    def act(number: int) -> None:
        bill, user = billing.bill_by_id(bill_id), db.session.get_one(User, user_id)
        if number:
            a_credit(bill, Amount(4000), user=user, key=f"race-{number}")
        else:
            billing.receive(bill, 1000, by=an_actor(), at=NOON)

    refused = at_once(act, 6)
    with db.transaction(readonly=True):
        bill = billing.bill_by_id(bill_id)
        notes = credit_notes.of_bill(bill)
        assert sorted(note.number[-1] for note in notes) == ["1", "2", "3"]
        assert bill.credited_fen + bill.returned_fen == sum(note.gross_fen for note in notes) == 12000
        assert bill.paid_fen + bill.credited_fen + bill.owed_fen == 15000
    assert len(refused) == 2


def test_one_form_sent_twice_at_once_is_one_credit() -> None:
    with db.transaction():
        bill_id, user_id = an_open_bill("150.00").id, an_administrator().id

    def act(_number: int) -> None:
        a_credit(billing.bill_by_id(bill_id), Amount(4000), user=db.session.get_one(User, user_id), key="same")

    assert at_once(act, 3) == []
    with db.transaction(readonly=True):
        assert billing.bill_by_id(bill_id).credited_fen == 4000


def test_a_balance_is_paid_back_once() -> None:
    with db.transaction():
        bill = paid(an_open_bill("150.00"))
        a_note(bill, Amount(5000))
        id = bill.organization_id

    def act(number: int) -> None:
        credit_notes.ask(db.session.get_one(Organization, id), 3000, request_key=f"back-{number}", by=an_actor(), at=NOON)

    assert len(at_once(act, 3)) == 2
    with db.transaction(readonly=True):
        organization = db.session.get_one(Organization, id)
        assert (credit_notes.balance(organization), len(credit_notes.refunds_of(organization))) == (2000, 1)

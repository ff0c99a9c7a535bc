"""Money that goes back without us: refunds in Stripe's own pages, refunds that fail after they had gone out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from market import db, ledger, payments
from market.billing import Bill, BillStatus, credit_notes
from market.billing.credit_notes import Amount, Destination, RefundRequest
from market.payments import GatewayEvent, Payment, PaymentStatus
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.credit_notes import a_credit
from tests.builders.stripe import LATER, balance, firm_of, now, of, paid, paying, tell, topped_up
from tests.support.stripe import Double

SOON = LATER + timedelta(hours=1)


def sent_back(stripe: Double, payment: Payment, fen: int, status: str = "succeeded") -> dict[str, object]:
    """By somebody in Stripe's own pages."""
    stripe.refunds_wait = status == "pending"
    return stripe.create_refund({"payment_intent": payment.intent_id, "amount": fen})


def hear(stripe: Double, *told: tuple[str, object]) -> None:
    for kind, about in told:
        tell(stripe, kind, str(about))
    payments.handle_due(SOON)


def refunds(payment: Payment) -> list[tuple[int, str, str]]:
    """What went back: how much, how it stands at Stripe, how its request stands here."""
    with db.transaction(readonly=True):
        found = payments.refunds_of(payment)
        return [
            (one.amount_fen, one.status.value, credit_notes.refund_by_id(one.refund_request_id).status.value)
            for one in found
        ]


def requests() -> list[tuple[int, str]]:
    with db.transaction(readonly=True):
        found = db.session.scalars(select(RefundRequest).order_by(RefundRequest.id))
        return [(one.amount_fen, one.status.value) for one in found]


@pytest.mark.parametrize("order", ["twice", "charge first", "backwards"])
def test_a_bills_money_that_went_back_is_owed_again_once(stripe: Double, bill: Bill, order: str) -> None:
    payment = paid(stripe, bill)
    back = sent_back(stripe, payment, 6000)
    told = [
        ("refund.created", back["id"]),
        ("refund.updated", back["id"]),
        ("charge.refunded", stripe.of("charge")[0]["id"]),
    ]
    hear(
        stripe,
        *{"twice": told + told[:2], "charge first": told[::-1], "backwards": told[1::-1]}[
            order
        ],
    )
    assert (of(bill).status, of(bill).owed_fen, balance(bill)) == (BillStatus.PART_PAID, 6000, 0)
    assert refunds(payment) == [(6000, "succeeded", "succeeded")]
    again = paying(bill, at=SOON)
    stripe.pay(str(again.session_id))
    payments.sweep(SOON + timedelta(hours=1))
    assert (of(bill).status, stripe.collected) == (BillStatus.PAID, 21000)


def test_one_whose_news_was_lost_is_found_with_the_next(stripe: Double, bill: Bill) -> None:
    payment = paid(stripe, bill)
    sent_back(stripe, payment, 1000)
    hear(stripe, ("refund.created", sent_back(stripe, payment, 500)["id"]))
    assert (refunds(payment), of(bill).owed_fen) == (
        [(1000, "succeeded", "succeeded"), (500, "succeeded", "succeeded")],
        1500,
    )


def test_looking_costs_no_more_statements_however_much_went_back(stripe: Double, bill: Bill, queries: Callable[..., Any]) -> None:
    payment, needed = paid(stripe, bill), []
    for number in (1, 4):
        for _ in range(number):
            hear(stripe, ("refund.created", sent_back(stripe, payment, 100)["id"]))
            stripe.dispute(str(payment.intent_id), amount=10, status="won")
        payments.look(datetime.now(UTC))
        payments.handle_due(datetime.now(UTC))
        with queries(at_most=99) as asked:
            payments.look(datetime.now(UTC))
        needed.append(len(asked))
    assert needed[0] == needed[1]


def test_what_is_left_of_a_top_up_goes_back_before_any_bill_asks_again(stripe: Double, bill: Bill) -> None:
    top_up = topped_up(stripe, bill, 20000)
    with db.transaction():
        credit_notes.use_balance(db.session.get_one(Bill, bill.id), at=LATER)
    hear(stripe, ("refund.created", sent_back(stripe, top_up, 5000)["id"]))
    assert (balance(bill), of(bill).status) == (0, BillStatus.PAID)
    hear(stripe, ("refund.created", sent_back(stripe, top_up, 4000)["id"]))
    assert (balance(bill), of(bill).owed_fen) == (0, 4000)


def test_a_request_that_waits_for_just_so_much_is_what_it_settles(stripe: Double, bill: Bill) -> None:
    payment = paid(stripe, bill)
    with db.transaction():
        a_credit(
            db.session.get_one(Bill, bill.id),
            Amount(3000),
            user=an_administrator(),
            at=LATER,
            destination=Destination.REFUND,
        )
    hear(stripe, ("refund.created", sent_back(stripe, payment, 3000)["id"]))
    assert (requests(), refunds(payment), of(bill).status) == (
        [(3000, "succeeded")],
        [(3000, "succeeded", "succeeded")],
        BillStatus.PAID,
    )


def test_a_refund_that_was_spent_already_is_a_claim_collected_from_the_next_money(
    stripe: Double, bill: Bill
) -> None:
    top_up = topped_up(stripe, bill, 700)
    with db.transaction():
        user = an_administrator()
        request = credit_notes.ask(firm_of(bill), 700, request_key="by bank", by=an_actor(), at=LATER)
        credit_notes.pay(
            request, bank_reference="out-1", paid_on=LATER.date(), user=user, by=an_actor(user), at=LATER
        )
    hear(stripe, ("refund.created", sent_back(stripe, top_up, 700)["id"]))
    with db.transaction(readonly=True):
        assert (payments.claimed(firm_of(bill)), payments.claims(), credit_notes.balance(firm_of(bill))) == (
            700,
            700,
            0,
        )
    topped_up(stripe, bill, 1000)
    with db.transaction(readonly=True):
        assert (payments.claimed(firm_of(bill)), credit_notes.balance(firm_of(bill))) == (0, 300)


@pytest.mark.parametrize("ends", ["succeeded", "failed"])
def test_one_that_is_under_way_when_it_is_heard_of(stripe: Double, bill: Bill, ends: str) -> None:
    payment = paid(stripe, bill)
    back = sent_back(stripe, payment, 6000, "pending")
    hear(stripe, ("refund.created", back["id"]))
    assert refunds(payment) == [(6000, "processing", "processing")]
    back["status"] = ends
    hear(stripe, ("refund.updated", back["id"]))
    assert refunds(payment) == [(6000, ends, ends)]


def test_one_that_failed_before_it_was_heard_of_moves_nothing(stripe: Double, bill: Bill) -> None:
    payment = paid(stripe, bill)
    back = sent_back(stripe, payment, 6000, "pending")
    back["status"] = "failed"
    hear(stripe, ("refund.failed", back["id"]))
    assert (refunds(payment), of(bill).status) == ([], BillStatus.PAID)


@pytest.mark.parametrize("heard", ["by news", "by news twice", "by looking again", "by looking for what no news told"])
def test_a_refund_that_fails_after_it_had_gone_out_is_to_be_paid_back_once_more(
    stripe: Double, bill: Bill, heard: str
) -> None:
    top_up = topped_up(stripe, bill, 500)
    with db.transaction():
        payments.refund(
            payments.payment_by_id(top_up.id),
            amount_fen=300,
            reason="不用了",
            request_key="r1",
            by=an_actor(),
            at=LATER,
        )
    assert (requests(), balance(bill)) == ([(300, "succeeded")], 200)
    [back] = stripe.of("refund")
    back |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    if heard == "by looking again":
        payments.sweep(LATER + timedelta(days=2))
        payments.sweep(LATER + timedelta(days=40))
    elif heard == "by looking for what no news told":
        for moment_ in (datetime.now(UTC), datetime.now(UTC) + timedelta(hours=6)):
            payments.look(moment_)
            payments.handle_due(moment_)
    else:
        for kind in ["refund.failed", "refund.updated", "charge.refund.updated"][
            : 3 if "twice" in heard else 1
        ]:
            hear(stripe, (kind, back["id"]))
    assert (requests(), refunds(top_up)) == (
        [(300, "succeeded"), (300, "failed")],
        [(300, "failed", "succeeded")],
    )
    with db.transaction():
        user, again = (
            an_administrator(),
            db.session.scalars(select(RefundRequest).order_by(RefundRequest.id.desc())).first(),
        )
        assert again is not None and "挂失" in again.failure
        credit_notes.pay(
            again,
            bank_reference="out-1",
            paid_on=(LATER + timedelta(days=50)).date(),
            user=user,
            by=an_actor(user),
            at=LATER + timedelta(days=50),
        )
    assert balance(bill) == 200


def test_of_money_that_is_not_booked_a_person_hears(stripe: Double, bill: Bill) -> None:
    payment = paying(bill)
    stripe.pay(str(payment.session_id), currency="usd")
    payments.sweep(LATER)
    assert now(payment).status is PaymentStatus.PROCESSING
    hear(stripe, ("refund.created", sent_back(stripe, now(payment), 100)["id"]))
    with db.transaction(readonly=True):
        event = db.session.scalars(select(GatewayEvent)).one()
        assert (event.status.value, "还没有入账" in event.outcome) == ("failed", True)


def test_other_money_that_was_sent_back_is_nobodys_refund(stripe: Double, bill: Bill) -> None:
    payment = paying(bill)
    stripe.pay(str(payment.session_id), currency="usd")
    payments.sweep(LATER)
    back = sent_back(stripe, now(payment), 15000)
    with db.transaction():
        payments.send_held_back(payments.payment_by_id(payment.id), reference=str(back["id"]), by=an_actor(), at=LATER)
    hear(stripe, ("refund.created", back["id"]))
    with db.transaction(readonly=True):
        assert (db.session.scalars(select(GatewayEvent)).one().status.value, refunds(payment)) == ("handled", [])


def test_a_lost_dispute_of_a_top_up_asks_the_bills_again_that_it_has_paid(stripe: Double, bill: Bill) -> None:
    top_up = topped_up(stripe, bill, 20000)
    with db.transaction():
        credit_notes.use_balance(db.session.get_one(Bill, bill.id), at=LATER)
    dispute = stripe.dispute(str(top_up.intent_id), status="lost")
    hear(stripe, ("charge.dispute.closed", dispute["id"]))
    with db.transaction(readonly=True):
        [found] = payments.disputes_of(payments.payment_by_id(top_up.id))
        assert (found.bill_fen, found.balance_fen, found.claim_fen, payments.claims()) == (0, 20000, 0, 0)
    assert (of(bill).owed_fen, balance(bill)) == (15000, 0)


def test_what_a_lost_dispute_leaves_uncovered_is_collected_from_money_that_comes(
    stripe: Double, bill: Bill
) -> None:
    top_up = topped_up(stripe, bill, 700)
    with db.transaction():
        user = an_administrator()
        request = credit_notes.ask(firm_of(bill), 500, request_key="by bank", by=an_actor(), at=LATER)
        credit_notes.pay(
            request, bank_reference="out-1", paid_on=LATER.date(), user=user, by=an_actor(user), at=LATER
        )
    hear(stripe, ("charge.dispute.closed", stripe.dispute(str(top_up.intent_id), status="lost")["id"]))
    with db.transaction(readonly=True):
        assert (payments.claimed(firm_of(bill)), credit_notes.balance(firm_of(bill))) == (500, 0)
    for fen, left, has in ((300, 200, 0), (1000, 0, 800)):
        topped_up(stripe, bill, fen)
        with db.transaction(readonly=True):
            assert (payments.claimed(firm_of(bill)), credit_notes.balance(firm_of(bill))) == (left, has)
            assert list(ledger.verify()) == []

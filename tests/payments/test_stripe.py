"""Paying through Stripe over real HTTP: whatever is lost, doubled or out of order, the money moves once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from market import db, payments
from market.accounts import Organization
from market.billing import Bill, BillStatus, credit_notes
from market.errors import NotFound
from market.payments import Payment, PaymentStatus, SavedCard
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.billing import OCTOBER, an_issued_bill, buyer
from tests.builders.catalog import a_plan
from tests.builders.stripe import (
    LATER,
    NOON,
    a_saved_card,
    balance,
    now,
    of,
    paying,
    tell,
)
from tests.builders.subscriptions import a_subscription
from tests.support.stripe import Double


@pytest.mark.parametrize("way", ["card", "alipay", "wechat_pay"])
def test_a_bill_is_paid_on_stripes_page(stripe: Double, bill: Bill, way: str) -> None:
    payment = paying(bill, way)
    assert payment.page_url.startswith(stripe.url)
    stripe.pay(str(payment.session_id), settles=way == "card")
    payments.pursue(payment.id, at=NOON)
    if way != "card":
        assert now(payment).status is PaymentStatus.PROCESSING
        stripe.settle(str(now(payment).intent_id))
        payments.pursue(payment.id, at=LATER)
    assert (now(payment).status, of(bill).status, of(bill).owed_fen) == (PaymentStatus.SUCCEEDED, BillStatus.PAID, 0)


@pytest.mark.parametrize(("trouble", "times"), [("lost", 1), ("lost", 3), ("500_after", 9), ("500", 9), ("429", 1), ("slow", 1)])
def test_trouble_at_the_call_never_makes_two(stripe: Double, bill: Bill, trouble: str, times: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_, **__: 0.0)
    stripe.trouble("POST /v1/checkout/sessions", trouble, times)
    payment = paying(bill)
    stripe.troubles.clear()
    payments.sweep(LATER)
    assert now(payment).page_url
    assert len(stripe.of("checkout.session")) == 1
    assert "sk_test_double" not in "".join(capfd.readouterr())


def test_killed_between_commit_and_call_the_sweep_makes_it(stripe: Double, bill: Bill) -> None:
    payment = a_lost_payment(bill)
    assert stripe.of("checkout.session") == []
    payments.sweep(LATER)
    stripe.pay(str(now(payment).session_id))
    payments.sweep(LATER + timedelta(hours=1))
    assert (stripe.collected, of(bill).status) == (15000, BillStatus.PAID)


def test_killed_between_call_and_commit_it_is_found_again(stripe: Double, bill: Bill) -> None:
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    with db.transaction():  # as if the answer had never been written down
        row = db.session.get_one(Payment, payment.id)
        row.session_id = row.intent_id = None
        row.page_url, row.asked_times = "", 0
    payments.sweep(LATER)
    payments.sweep(LATER + timedelta(minutes=1))
    assert (len(stripe.of("checkout.session")), of(bill).status, stripe.collected) == (1, BillStatus.PAID, 15000)


def test_what_was_never_made_is_given_up_before_stripe_forgets_its_key(stripe: Double, bill: Bill) -> None:
    payment = a_lost_payment(bill)
    payments.sweep(NOON + timedelta(hours=21))
    assert (now(payment).status, now(payment).failure_code, stripe.of("checkout.session")) == (PaymentStatus.CANCELED, "not_made", [])


def a_lost_payment(bill: Bill) -> Payment:
    """Stored, and then the process died."""
    with db.transaction() as current:
        made = payments.pay_with(db.session.get_one(Bill, bill.id), "card", by=an_actor(), at=NOON)
        current.info.pop("effects")
    return made


@pytest.mark.parametrize("order", ["redirect first", "news first", "news twice", "only the sweep"])
def test_in_whatever_order_it_is_heard_it_is_booked_once(stripe: Double, bill: Bill, order: str) -> None:
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    if order == "redirect first":
        payments.pursue(payment.id, at=NOON)
    if order != "only the sweep":
        assert tell(stripe, "checkout.session.completed", str(payment.session_id), id="evt_1")
        tell(stripe, "payment_intent.succeeded", stripe.of("payment_intent")[0]["id"], id="evt_2")
    if order == "news twice":
        assert not tell(stripe, "checkout.session.completed", str(payment.session_id), id="evt_1")
    payments.handle_due(NOON)
    payments.sweep(LATER)
    assert (of(bill).paid_fen, stripe.collected, balance(bill)) == (15000, 15000, 0)


def test_news_alone_moves_nothing(stripe: Double, bill: Bill) -> None:
    payment = paying(bill)
    event = {"id": "evt_9", "object": "event", "type": "checkout.session.completed", "created": 1, "data": {"object": {
        "id": payment.session_id, "object": "checkout.session", "payment_status": "paid", "amount_total": 15000}}}  # fmt: skip
    with db.transaction():
        payments.receive_news(*stripe.signed(event), at=NOON)
    payments.handle_due(NOON)
    assert (now(payment).status, of(bill).paid_fen) == (PaymentStatus.PENDING, 0)


@pytest.mark.parametrize(("amount", "currency"), [(14999, None), (None, "usd"), (15001, None)])
def test_other_money_than_was_asked_for_waits_for_a_person(stripe: Double, bill: Bill, amount: int | None, currency: str | None) -> None:
    payment = paying(bill)
    stripe.pay(str(payment.session_id), amount=amount, currency=currency)
    payments.sweep(LATER)
    held = now(payment)
    assert (held.status, held.held, of(bill).paid_fen) == (PaymentStatus.PROCESSING, f"{currency or 'cny'} {amount or 15000}", 0)
    with db.transaction():
        if currency:
            payments.send_held_back(db.session.get_one(Payment, held.id), reference="re_by_hand", by=an_actor(), at=LATER)
        else:
            payments.accept_held(db.session.get_one(Payment, held.id), note="查过了", by=an_actor(), at=LATER)
    assert of(bill).paid_fen == (0 if currency else min(amount or 0, 15000))
    assert balance(bill) == (1 if amount == 15001 else 0)


def test_late_success_and_a_second_way_become_balance(stripe: Double, bill: Bill) -> None:
    card = paying(bill)
    alipay = paying(bill, "alipay")
    assert now(card).status is PaymentStatus.CANCELED
    stripe.pay(str(card.session_id))  # she still had the first page open
    stripe.pay(str(alipay.session_id))
    payments.sweep(LATER)
    assert {now(each).status for each in (card, alipay)} == {PaymentStatus.SUCCEEDED}
    assert (of(bill).status, of(bill).paid_fen, balance(bill), stripe.collected) == (BillStatus.PAID, 15000, 15000, 30000)


def test_paid_by_bank_meanwhile_the_page_is_closed(stripe: Double, bill: Bill) -> None:
    card = paying(bill)
    with db.transaction():
        user = an_administrator()
        bank = payments.start(db.session.get_one(Bill, bill.id), by=an_actor(user), at=NOON)
        db.session.flush()
        payments.confirm_arrival(
            bank, amount_fen=15000, payer_name="示例企业", bank_reference="1", arrived_on=NOON.date(), user=user, by=an_actor(user), at=NOON
        )
    payments.sweep(LATER)
    assert (now(card).status, stripe.of("checkout.session")[0]["status"]) == (PaymentStatus.CANCELED, "expired")


def test_a_wallet_that_does_not_settle_fails_in_words(stripe: Double, bill: Bill) -> None:
    payment = paying(bill, "alipay")
    stripe.pay(str(payment.session_id), settles=False)
    payments.pursue(payment.id, at=NOON)
    stripe.settle(str(now(payment).intent_id), works=False)
    payments.pursue(payment.id, at=LATER)
    assert (now(payment).status, bool(now(payment).failure), of(bill).paid_fen) == (PaymentStatus.FAILED, True, 0)


@pytest.mark.parametrize(
    ("behavior", "status", "paid"),
    [("ok", PaymentStatus.SUCCEEDED, 15000), ("insufficient_funds", PaymentStatus.FAILED, 0), ("authentication_required", PaymentStatus.FAILED, 0)],
)
def test_a_saved_card_is_charged_once_while_nobody_is_there(stripe: Double, bill: Bill, behavior: str, status: PaymentStatus, paid: int) -> None:
    a_saved_card(stripe, bill, behavior)
    for _ in range(2):
        payment = payments.charge_saved(bill, key="dunning-1", at=LATER)
    assert payment is not None
    assert (payment.status, of(bill).paid_fen, stripe.collected) == (status, paid, 500 + paid)
    assert payment.failure_code == ("" if paid else behavior)


def test_with_her_there_the_bank_may_ask_her_to_confirm(stripe: Double, bill: Bill) -> None:
    card = a_saved_card(stripe, bill, "authentication_required")
    with db.transaction():
        made = payments.pay_with(db.session.get_one(Bill, bill.id), "card", card=card, by=an_actor(), at=NOON)
    asked = now(made)
    assert (asked.status, asked.page_url) == (PaymentStatus.PROCESSING, f"{stripe.url}/authenticate/{asked.intent_id}")
    stripe.authenticate(str(asked.intent_id))
    payments.sweep(LATER)
    assert of(bill).status is BillStatus.PAID


def test_a_card_that_was_taken_away_is_charged_no_more(stripe: Double, bill: Bill) -> None:
    card = a_saved_card(stripe, bill)
    with db.transaction():
        payments.remove_card(db.session.get_one(SavedCard, card.id), by=an_actor(), at=LATER)
    assert payments.charge_saved(bill, key="dunning-1", at=LATER) is None
    assert stripe.get(card.gateway_reference)["customer"] is None


def test_a_top_up_asked_for_twice_is_one_and_becomes_balance(stripe: Double, bill: Bill) -> None:
    for _ in range(2):
        a_saved_card(stripe, bill) if not stripe.of("payment_intent") else None
        with db.transaction():
            payments.top_up(
                db.session.get_one(Organization, bill.organization_id), 500, way="card", request_key="first", by=an_actor(), at=NOON
            )
    assert (balance(bill), stripe.collected) == (500, 500)


@pytest.mark.parametrize("trouble", ["", "lost", "500_after"])
def test_a_refund_goes_back_once_and_no_more_than_came(stripe: Double, bill: Bill, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_, **__: 0.0)
    a_saved_card(stripe, bill)
    with db.transaction(readonly=True):
        top_up = db.session.scalars(select(Payment)).one()
    if trouble:
        stripe.trouble("POST /v1/refunds", trouble, 9)
    for _ in range(2):
        with db.transaction():
            payment = payments.payment_by_id(top_up.id)
            made = payments.refund(payment, amount_fen=300, reason="不用了", request_key="r1", by=an_actor(), at=LATER)
    stripe.troubles.clear()
    payments.sweep(LATER + timedelta(hours=1))
    with db.transaction():
        payment = payments.payment_by_id(top_up.id)
        assert [one.status.value for one in payments.refunds_of(payment)] == ["succeeded"]
        with pytest.raises(payments.RefundTooLarge):
            payments.refund(payment, amount_fen=201, reason="", request_key="r2", by=an_actor(), at=LATER)
        payments.refund(payment, amount_fen=200, reason="", request_key="r3", by=an_actor(), at=LATER)
    with db.transaction(), pytest.raises(payments.NotRefundable):
        payments.refund(payments.payment_by_id(top_up.id), amount_fen=1, reason="", request_key="r4", by=an_actor(), at=LATER)
    assert (sum(one["amount"] for one in stripe.of("refund")), balance(bill), made.amount_fen) == (500, 0, 300)


def test_a_refund_that_stripe_refuses_is_left_for_a_person(stripe: Double, bill: Bill) -> None:
    a_saved_card(stripe, bill)
    intent = stripe.of("payment_intent")[0]["id"]
    stripe.create_refund({"payment_intent": intent})  # somebody was quicker, in Stripe's own pages
    with db.transaction():
        top_up = db.session.scalars(select(Payment)).one()
        payments.refund(payments.payment_by_id(top_up.id), amount_fen=300, reason="", request_key="r1", by=an_actor(), at=LATER)
    with db.transaction(readonly=True):
        refund = payments.refunds_of(top_up)[0]
        request = credit_notes.refund_by_id(refund.refund_request_id)
        assert (refund.status.value, refund.failure_code, request.status.value) == ("failed", "charge_already_refunded", "failed")


@pytest.mark.parametrize(("decided", "paid", "status"), [("won", 15000, BillStatus.PAID), ("lost", 0, BillStatus.OPEN)])
def test_a_lost_dispute_asks_for_the_money_again(stripe: Double, bill: Bill, decided: str, paid: int, status: BillStatus) -> None:
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    payments.sweep(LATER)
    dispute = stripe.dispute(stripe.of("payment_intent")[0]["id"])
    tell(stripe, "charge.dispute.created", dispute["id"])
    payments.handle_due(NOON)
    dispute["status"] = decided
    for name in ("charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.created"):
        tell(stripe, name, dispute["id"])
    payments.handle_due(LATER)
    assert (of(bill).paid_fen, of(bill).status) == (paid, status)
    if decided == "lost":
        again = paying(bill)
        stripe.pay(str(again.session_id))
        payments.sweep(LATER + timedelta(hours=1))
        assert of(bill).status is BillStatus.PAID


def test_without_a_key_only_a_bank_transfer_is_offered(database: None) -> None:
    assert payments.ways() == ()
    with db.transaction():
        bill = an_issued_bill(buyer(a_subscription(a_plan(monthly="150.00"))), OCTOBER)
        with pytest.raises(payments.WayUnknown):
            payments.pay_with(bill, "card", by=an_actor(), at=NOON)
        with pytest.raises(NotFound):
            payments.start(bill, "stripe", by=an_actor(), at=NOON)

"""Paying through Stripe over real HTTP: whatever is lost, doubled or out of order, the money moves once.

What only the double can do is here: faults, and what a person does on Stripe's pages. The rest is in `test_journeys.py`.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from market import db, payments
from market.billing import Bill, BillStatus
from market.errors import NotFound
from market.payments import GatewayCustomer, GatewayEvent, Payment, PaymentStatus, SavedCard, asking, failures
from tests.builders.accounts import an_actor, an_organization
from tests.builders.billing import OCTOBER, an_issued_bill, buyer
from tests.builders.catalog import a_plan
from tests.builders.gateways import a_held_payment
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


def test_what_was_made_is_looked_for_also_after_stripe_has_forgotten_its_key(stripe: Double, bill: Bill) -> None:
    """Killed between the call and its answer, and then nothing ran over a weekend."""
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    with db.transaction():
        row = db.session.get_one(Payment, payment.id)
        row.session_id = row.intent_id = None
        row.page_url, row.asked_times, row.ask_at = "", 0, NOON
    payments.sweep(NOON + timedelta(hours=60))
    assert (now(payment).status, of(bill).paid_fen, stripe.collected) == (PaymentStatus.SUCCEEDED, 15000, 15000)


def test_two_first_payments_at_once_are_both_told_who_pays(stripe: Double, bill: Bill) -> None:
    """Both have read that nobody knows the firm at Stripe yet."""
    payment = a_lost_payment(bill)
    with db.transaction(readonly=True):
        task = asking._read(payment.id)
    with ThreadPoolExecutor(1) as pool:
        with db.transaction():
            db.session.add(GatewayCustomer(organization_id=task.organization_id, gateway_reference="cus_of_the_other", created_at=NOON))
            db.session.flush()
            second = pool.submit(asking._customer, task, NOON)
            time.sleep(0.3)  # long enough to be told by Stripe, and to see no row yet
        assert second.result().startswith("cus_")
    payments.sweep(LATER)
    assert now(payment).page_url


@pytest.mark.parametrize("way", ["alipay", "card"])
def test_a_card_to_be_saved_is_no_other_way_of_paying_by_a_wallet(stripe: Double, bill: Bill, way: str) -> None:
    assert paying(bill, way, save_card=True).id == paying(bill, way, save_card=True).id


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
    with db.transaction():
        payments.ask_again(db.session.get_one(Payment, held.id), by=an_actor(), at=LATER)
    payments.sweep(LATER + timedelta(hours=1))
    assert now(payment).held == "", "Stripe still says that it came"


def test_dollars_cannot_be_booked_and_what_was_typed_stays(database: None) -> None:
    with db.transaction():
        payment = a_held_payment(an_organization())
        with pytest.raises(payments.NotYuan):
            payments.accept_held(payment, note="查过了", by=an_actor(), at=LATER)


@pytest.mark.parametrize("ended", [PaymentStatus.CANCELED, PaymentStatus.FAILED])
def test_other_money_that_came_after_the_end_can_go_back(database: None, ended: PaymentStatus) -> None:
    with db.transaction():
        payment = a_held_payment(an_organization())
        payment.status = ended
        db.session.flush()
        payments.send_held_back(payment, reference="re_by_hand", by=an_actor(), at=LATER)
        assert (payment.status, payment.held) == (ended, "")


def test_late_success_and_a_second_way_become_balance(stripe: Double, bill: Bill) -> None:
    card = paying(bill)
    alipay = paying(bill, "alipay")
    assert now(card).status is PaymentStatus.CANCELED
    stripe.pay(str(card.session_id))  # she still had the first page open
    stripe.pay(str(alipay.session_id))
    payments.sweep(LATER)
    assert {now(each).status for each in (card, alipay)} == {PaymentStatus.SUCCEEDED}
    assert (of(bill).status, of(bill).paid_fen, balance(bill), stripe.collected) == (BillStatus.PAID, 15000, 15000, 30000)


def test_a_wallet_that_does_not_settle_fails_in_words(stripe: Double, bill: Bill) -> None:
    payment = paying(bill, "alipay")
    stripe.pay(str(payment.session_id), settles=False)
    payments.pursue(payment.id, at=NOON)
    stripe.settle(str(now(payment).intent_id), works=False)
    payments.pursue(payment.id, at=LATER)
    assert (now(payment).status, now(payment).failure, of(bill).paid_fen) == (PaymentStatus.FAILED, failures.OF_WALLET, 0)
    assert "卡" not in failures.OF_WALLET, "she has paid with none"


def test_with_her_there_the_bank_may_ask_her_to_confirm(stripe: Double, bill: Bill) -> None:
    card = a_saved_card(stripe, bill, "authentication_required")
    with db.transaction():
        made = payments.pay_with(db.session.get_one(Bill, bill.id), "card", card=card, by=an_actor(), at=NOON)
    asked = now(made)
    assert (asked.status, asked.page_url) == (PaymentStatus.PROCESSING, f"{stripe.url}/authenticate/{asked.intent_id}")
    stripe.authenticate(str(asked.intent_id))
    payments.sweep(LATER)
    assert of(bill).status is BillStatus.PAID


@pytest.mark.parametrize(("decided", "paid", "status"), [("won", 15000, BillStatus.PAID), ("lost", 0, BillStatus.OPEN)])
def test_a_dispute_is_decided_once_in_whatever_order_it_is_told(stripe: Double, bill: Bill, decided: str, paid: int, status: BillStatus) -> None:
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


def test_a_card_whose_payment_was_disputed_is_charged_no_more_while_nobody_is_there(stripe: Double, bill: Bill) -> None:
    a_saved_card(stripe, bill)
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    payments.sweep(LATER)
    stripe.dispute(str(now(payment).intent_id), status="lost")
    payments.look(datetime.now(UTC))
    payments.handle_due(datetime.now(UTC))
    assert of(bill).owed_fen == 15000
    assert payments.charge_saved(of(bill), key="dunning-1", at=LATER) is None
    with db.transaction():
        for card in db.session.scalars(select(SavedCard)):
            card.saved_at = datetime.now(UTC) + timedelta(days=1)
    again = payments.charge_saved(of(bill), key="dunning-2", at=LATER)
    assert again is not None, "what she saves afterwards she means"


def test_what_is_told_by_news_alone_is_looked_for_where_no_news_come(stripe: Double, bill: Bill) -> None:
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    payments.sweep(LATER)
    intent, today = str(now(payment).intent_id), datetime.now(UTC)
    refund = stripe.create_refund({"payment_intent": intent, "amount": 100})
    dispute = stripe.dispute(intent, amount=14900)
    for moment_ in (today, today + timedelta(minutes=1)):
        payments.look(moment_)
        payments.handle_due(moment_)
    with db.transaction(readonly=True):
        told = {event.about: event.status.value for event in db.session.scalars(select(GatewayEvent))}
        assert (payments.open_disputes(), told) == (1, {refund["id"]: "handled", dispute["id"]: "handled"})
    dispute["status"], dispute["created"] = "lost", 0
    later = today + timedelta(days=60)
    payments.look(later)
    payments.handle_due(later)
    assert of(bill).owed_fen == 15000, "decided long after it was opened"


def test_a_stripe_that_does_not_answer_is_no_try_and_is_asked_once(stripe: Double, bill: Bill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_, **__: 0.0)
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    for _ in range(3):
        tell(stripe, "checkout.session.completed", str(payment.session_id))
    stripe.trouble("GET /v1/checkout/sessions/*", "500", 999)
    for hour in range(30):
        payments.handle_due(NOON + timedelta(hours=hour))
    with db.transaction(readonly=True):
        assert {(event.status.value, event.tries) for event in db.session.scalars(select(GatewayEvent))} == {("received", 0)}
    stripe.troubles.clear()
    payments.handle_due(NOON + timedelta(hours=31))
    assert of(bill).status is BillStatus.PAID


def test_while_somebody_waits_stripe_is_given_five_seconds_and_one_try(stripe: Double, bill: Bill) -> None:
    stripe.trouble("POST /v1/customers", "500", 9)
    paying(bill)
    assert stripe.troubles["POST /v1/customers"] == [("500", 8)], "a page is not kept waiting for a second try"
    stripe.troubles.clear()
    payments.sweep(LATER)
    assert len(stripe.of("checkout.session")) == 1


def test_whom_news_name_is_forgotten(stripe: Double, bill: Bill) -> None:
    payment = paying(bill)
    tell(stripe, "checkout.session.completed", str(payment.session_id))
    foreign = stripe._keep("pi", "payment_intent", {"metadata": {}, "status": "succeeded", "amount": 1, "currency": "usd"})
    tell(stripe, "payment_intent.succeeded", foreign["id"])
    payments.handle_due(NOON)

    def kept() -> list[bool]:
        with db.transaction(readonly=True):
            return [bool(event.body) for event in db.session.scalars(select(GatewayEvent).order_by(GatewayEvent.id))]

    assert kept() == [True, False], "what is not ours at once"
    assert payments.forget_bodies(NOON + timedelta(days=89)) == 0
    assert (payments.forget_bodies(NOON + timedelta(days=91)), kept()) == (1, [False, False])
    assert payments.forget_bodies(NOON + timedelta(days=92)) == 0


def test_a_number_of_somebody_elses_is_not_ours(stripe: Double, bill: Bill) -> None:
    """Another system on the same account may write `payment` on its things too."""
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    payments.sweep(LATER)
    foreign = stripe._keep("pi", "payment_intent", {"metadata": {"payment": str(payment.id)}, "status": "succeeded", "amount": 1, "currency": "usd"})
    tell(stripe, "payment_intent.succeeded", foreign["id"])
    payments.handle_due(LATER)
    with db.transaction(readonly=True):
        assert db.session.scalars(select(GatewayEvent)).one().payment_id is None


def test_without_a_key_only_a_bank_transfer_is_offered(database: None) -> None:
    assert payments.ways() == ()
    with db.transaction():
        bill = an_issued_bill(buyer(a_subscription(a_plan(monthly="150.00"))), OCTOBER)
        with pytest.raises(payments.WayUnknown):
            payments.pay_with(bill, "card", by=an_actor(), at=NOON)
        with pytest.raises(NotFound):
            payments.start(bill, "stripe", by=an_actor(), at=NOON)

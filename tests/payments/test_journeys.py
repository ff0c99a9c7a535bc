"""The journeys of bills and books through Stripe, written once: against its double here, against Stripe itself with a test
key (`make test-stripe`).

Whatever happens at Stripe is done by the SDK over HTTP, as a buyer, her bank or the account's owner could do it there;
nothing knows whether it is the double. What only a person can do, typing a card into Stripe's page or confirming at a
bank, is in `test_stripe.py`. Each journey ends in books that verify, with Stripe's own news or with all of it lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from market import db, ledger, payments
from market.billing import Bill, BillStatus
from market.payments import Payment, PaymentStatus, SavedCard, asking, charging, failures, stripe_gateway
from market.payments.found import Unknown
from tests.builders.accounts import PASSWORD, an_actor, an_administrator
from tests.builders.dunning import DUE, an_unpaid_bill_of_people, keys, sweep
from tests.builders.journeys import (
    a_card,
    charged,
    charges,
    customer,
    hear,
    letters,
    lost,
    refunds,
    topped_up,
    written,
)
from tests.builders.stripe import LATER, NOON, balance, firm_of, now, of, paying
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.stripe.account import Account

#: The days on which the worker charges.
CHARGES = [DUE, DUE + timedelta(days=3)]


@pytest.fixture
def bill(there: Account) -> Iterator[Bill]:
    """¥150.00, and people who pay. The books are checked when the test is over."""
    with db.transaction():
        made = an_unpaid_bill_of_people()
        ledger.post_due(LATER)
    yield made
    with db.transaction(readonly=True):
        assert list(ledger.verify()) == []


told_or_swept = pytest.mark.parametrize("told", [True, False], ids=["told", "swept"])


@told_or_swept
def test_each_way_has_one_page_and_the_next_way_closes_it(client: Client, clock: FakeClock, there: Account, bill: Bill, told: bool) -> None:
    client.sign_in("zh@example.com", PASSWORD)
    choice = client.page(f"/console/bills/{bill.id}").follow("去付款")
    for number, way in enumerate(stripe_gateway.WAYS):
        shown = [choice.submit(button="继续付款", way=way) for _ in range(2)]
        clock.forward(minutes=1)
        payments.sweep(clock.now())
        *closed, page = there.pages(customer(bill))
        assert [each.status for each in closed] == ["expired"] * number
        assert {each.one("a", class_="btn-primary").get("href") for each in shown} == {page.url}
        assert (page.status, page.amount_total, page.currency) == ("open", 15000, "cny")
        assert list(page.payment_method_types) == [way], "is this way turned on for the account?"
    with db.transaction(readonly=True):
        *before, last = db.session.scalars(select(Payment).order_by(Payment.id))
    assert ([each.status for each in before], last.status) == ([PaymentStatus.CANCELED] * 2, PaymentStatus.PENDING)
    assert (page.id, page.metadata.payment) == (last.session_id, str(last.id))
    there.v1.checkout.sessions.expire(page.id)  # as after a day
    clock.forward(hours=25)
    hear(there, bill, "checkout.session.expired", about=page.id, told=told, at=clock.now())
    assert "付款页面过了有效时间，没有扣款" in client.page(shown[0].path).text
    assert (of(bill).status, of(bill).owed_fen) == (BillStatus.OPEN, 15000)
    choice.submit(button="继续付款", way="card")
    assert [each.status for each in there.pages(customer(bill))] == ["expired"] * 3 + ["open"]


def test_paid_by_bank_meanwhile_the_page_is_closed(there: Account, bill: Bill) -> None:
    card = paying(bill)
    with db.transaction():
        user = an_administrator()
        bank = payments.start(db.session.get_one(Bill, bill.id), by=an_actor(user), at=NOON)
        db.session.flush()
        payments.confirm_arrival(
            bank, amount_fen=15000, payer_name="示例企业", bank_reference="1", arrived_on=NOON.date(), user=user, by=an_actor(user), at=NOON
        )
    payments.sweep(LATER)
    assert (now(card).status, [page.status for page in there.pages(customer(bill))]) == (PaymentStatus.CANCELED, ["expired"])


#: How long the process was gone: its key still holds, or Stripe has forgotten it.
gone_for = pytest.mark.parametrize("hours", [1, 60], ids=["found by its key", "found by the number it carries"])


@gone_for
def test_a_page_whose_answer_was_lost_is_found_again(there: Account, bill: Bill, hours: int) -> None:
    payment = paying(bill)
    lost(payment)
    payments.sweep(NOON + timedelta(hours=hours))
    assert (now(payment).status, now(payment).session_id, now(payment).page_url) == (PaymentStatus.PENDING, payment.session_id, payment.page_url)
    assert len(there.pages(customer(bill))) == 1


@gone_for
def test_a_charge_whose_answer_was_lost_is_booked_once(there: Account, bill: Bill, hours: int) -> None:
    a_card(there, bill)
    with db.transaction() as current:
        made = charging.unattended(bill.id, "dunning-1", NOON)
        current.info.pop("effects")
    assert made is not None
    with db.transaction(readonly=True):
        wanted = asking._read(made.id).wanted
    found = stripe_gateway.begin(wanted)
    assert stripe_gateway.begin(wanted).intent_id == found.intent_id
    payments.sweep(NOON + timedelta(hours=hours))
    again = payments.charge_saved(bill, key="dunning-1", at=NOON + timedelta(hours=hours + 1))
    assert again is not None
    assert (again.id, again.intent_id, of(bill).status) == (made.id, found.intent_id, BillStatus.PAID)
    assert [(each.id, each.amount_received) for each in there.intents(customer(bill))] == [(found.intent_id, 15000)]


def test_what_she_paid_while_we_were_gone_is_found_and_her_card_is_kept(there: Account, bill: Bill) -> None:
    """The intent is what Stripe's page makes of the payment; nothing of it was ever heard here."""
    a_card(there, bill)
    with db.transaction() as current:
        made = payments.top_up(firm_of(bill), 2000, way="card", save_card=True, request_key="first", by=an_actor(), at=NOON)
        current.info.pop("effects")
    intent = there.v1.payment_intents.create({
        "amount": 2000, "currency": "cny", "customer": customer(bill), "payment_method": "pm_card_visa", "confirm": True,
        "allowed_payment_method_types": ["card"], "setup_future_usage": "off_session", "metadata": {"payment": str(made.id)},
        "return_url": "https://example.com/back",
    })  # fmt: skip
    payments.sweep(NOON + timedelta(hours=21))
    assert (now(made).status, now(made).intent_id, balance(bill)) == (PaymentStatus.SUCCEEDED, intent.id, 2000)
    with db.transaction(readonly=True):
        newest = payments.saved_cards(firm_of(bill))[0]
    assert (newest.gateway_reference, newest.brand, newest.last4) == (intent.payment_method, "visa", "4242")
    paid = payments.charge_saved(bill, key="dunning-1", at=NOON + timedelta(hours=22))
    assert paid is not None
    assert (paid.card_id, of(bill).status) == (newest.id, BillStatus.PAID)


@told_or_swept
def test_the_worker_charges_the_saved_card_and_no_letter_is_written(client: Client, there: Account, bill: Bill, told: bool) -> None:
    a_card(there, bill)
    sweep(DUE, DUE + timedelta(minutes=5), DUE + timedelta(days=1))
    [intent] = there.intents(customer(bill))
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 15000, "cny")
    assert (of(bill).status, charges(), letters("dunning.")) == (BillStatus.PAID, [PaymentStatus.SUCCEEDED], [])
    client.sign_in("zh@example.com", PASSWORD)
    assert "150.00" in client.page(f"/console/payments/{intent.metadata.payment}").follow("看收据").text
    before = written(bill)
    hear(there, bill, "payment_intent.succeeded", told=told, at=DUE + timedelta(days=2))
    payments.sweep(DUE + timedelta(days=40))
    assert (written(bill), len(there.intents(customer(bill)))) == (before, 1)


@pytest.mark.parametrize(("method", "told"), [("pm_card_chargeCustomerFail", False), ("pm_card_authenticationRequired", True)])
def test_a_card_that_is_not_taken_is_told_and_another_is_tried_at_the_next_step(there: Account, bill: Bill, method: str, told: bool) -> None:
    a_card(there, bill, method)
    sweep(CHARGES[0])
    hear(there, bill, "payment_intent.payment_failed", told=told, at=CHARGES[0] + timedelta(hours=1))
    wants_her = method == "pm_card_authenticationRequired"
    with db.transaction(readonly=True):
        [failed] = db.session.scalars(select(Payment)).all()
        assert failed.failure == failures.words_for("authentication_required" if wants_her else "generic_decline")
    assert (of(bill).owed_fen, charges(), keys(bill)) == (15000, [PaymentStatus.FAILED], ["charge.0", "reminder.0"])
    assert len(letters("charge_failed.")) == 3, "two who pay, and the owner"
    zh, _, en = sorted(letters("charge_failed."), key=lambda body: "Please pay here" in body)
    assert (failed.failure in zh, "confirm the payment yourself" in en) == (True, wants_her)
    assert f"/console/bills/{bill.id}/pay" in zh and f"/console/bills/{bill.id}/pay" in en
    assert [each.status for each in there.intents(customer(bill))] == ["canceled"], "nobody can confirm it later"
    a_card(there, bill)
    sweep(CHARGES[1])
    assert (of(bill).status, charges(), len(letters("charge_failed."))) == (BillStatus.PAID, [PaymentStatus.FAILED, PaymentStatus.SUCCEEDED], 3)


def test_what_her_bank_asks_her_to_confirm_is_not_booked_and_is_called_off_when_she_leaves(
    client: Client, there: Account, bill: Bill
) -> None:
    card = a_card(there, bill, "pm_card_authenticationRequired")
    with db.transaction():
        left = payments.pay_with(db.session.get_one(Bill, bill.id), "card", card=card, by=an_actor(), at=DUE - timedelta(hours=1))
    before = written(bill)
    hear(there, bill, "payment_intent.requires_action", told=True, at=DUE - timedelta(minutes=50))
    assert (now(left).status, of(bill).owed_fen, written(bill)) == (PaymentStatus.PROCESSING, 15000, before)
    client.sign_in("zh@example.com", PASSWORD)
    assert client.page(f"/console/payments/{left.id}").one("a", class_="btn-primary").get("href") == now(left).page_url
    a_card(there, bill)
    sweep(DUE)
    assert [(each.status, each.amount_received) for each in there.intents(customer(bill))] == [("canceled", 0), ("succeeded", 15000)]
    assert (now(left).status, of(bill).status) == (PaymentStatus.CANCELED, BillStatus.PAID)


@told_or_swept
def test_a_top_up_goes_back_in_parts_and_no_more_than_came(there: Account, bill: Bill, told: bool) -> None:
    top_up = topped_up(there, bill, 2000)
    assert (top_up.status, balance(bill), len(there.intents(customer(bill)))) == (PaymentStatus.SUCCEEDED, 2000, 1)
    for fen, key in ((1200, "r1"), (800, "r2")):
        for _ in range(2):
            with db.transaction():
                payment = payments.payment_by_id(top_up.id)
                payments.refund(payment, amount_fen=fen, reason="不用了", request_key=key, by=an_actor(), at=LATER)
        hear(there, bill, "charge.refunded", told=told, at=LATER + timedelta(hours=1))
        with db.transaction(), pytest.raises((payments.RefundTooLarge, payments.NotRefundable)) as refused:
            payments.refund(payments.payment_by_id(top_up.id), amount_fen=801, reason="", request_key="r3", by=an_actor(), at=LATER)
    assert refused.type is payments.NotRefundable
    with pytest.raises(Unknown) as beyond:
        stripe_gateway.refund(there.numbers[-1], str(top_up.intent_id), 1)
    assert beyond.value.code == "charge_already_refunded"
    assert [one.amount for one in there.refunds(str(top_up.intent_id))] == [1200, 800]
    before = written(bill)
    payments.sweep(LATER + timedelta(days=2))
    assert (refunds(top_up), balance(bill), written(bill)) == (
        [(1200, "succeeded", "succeeded"), (800, "succeeded", "succeeded")], 0, before,
    )  # fmt: skip


def test_a_refund_that_was_made_is_found_after_a_weekend(there: Account, bill: Bill) -> None:
    top_up = topped_up(there, bill, 2000)
    with db.transaction() as current:
        made = payments.refund(payments.payment_by_id(top_up.id), amount_fen=300, reason="", request_key="r1", by=an_actor(), at=LATER)
        current.info.pop("effects")
    there.v1.refunds.create({"payment_intent": top_up.intent_id, "amount": 300, "metadata": {"refund": str(made.id)}})
    payments.sweep(LATER + timedelta(hours=60))
    assert (refunds(top_up), len(there.refunds(str(top_up.intent_id)))) == ([(300, "succeeded", "succeeded")], 1)


def test_a_refund_that_stripe_refuses_is_left_for_a_person(there: Account, bill: Bill) -> None:
    top_up = topped_up(there, bill, 2000)
    there.v1.refunds.create({"payment_intent": top_up.intent_id})  # somebody was quicker, in Stripe's own pages
    with db.transaction():
        payments.refund(payments.payment_by_id(top_up.id), amount_fen=300, reason="", request_key="r1", by=an_actor(), at=LATER)
    assert refunds(top_up) == [(300, "failed", "failed")]
    with db.transaction(readonly=True):
        assert payments.refunds_of(top_up)[0].failure_code == "charge_already_refunded"


@told_or_swept
def test_what_goes_back_in_stripes_own_pages_is_owed_again(there: Account, bill: Bill, told: bool) -> None:
    payment = charged(there, bill)
    there.v1.refunds.create({"payment_intent": payment.intent_id, "amount": 6000})
    hear(there, bill, "refund.", told=told, at=LATER + timedelta(hours=1))
    assert (of(bill).status, of(bill).owed_fen, balance(bill)) == (BillStatus.PART_PAID, 6000, 0)
    assert refunds(payment) == [(6000, "succeeded", "succeeded")]
    again = payments.charge_saved(of(bill), key="dunning-2", at=LATER + timedelta(hours=2))
    assert again is not None
    assert (again.amount_fen, of(bill).status) == (6000, BillStatus.PAID)


@pytest.mark.parametrize(("evidence", "told"), [("winning_evidence", True), ("losing_evidence", False)])
def test_a_lost_dispute_asks_for_the_money_again(there: Account, bill: Bill, evidence: str, told: bool) -> None:
    payment = charged(there, bill, "pm_card_createDispute")
    [dispute] = there.wait_for(lambda: there.v1.disputes.list({"payment_intent": payment.intent_id}).data, "Stripe makes no dispute of its test card")
    hear(there, bill, "charge.dispute.created", told=told, at=LATER)
    with db.transaction(readonly=True):
        assert (payments.open_disputes(), payments.refundable_fen(now(payment)), of(bill).owed_fen) == (1, 0, 0)
    there.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}, "submit": True})
    there.wait_for(lambda: there.v1.disputes.retrieve(dispute.id).status in ("won", "lost"), "Stripe does not decide on its own evidence")
    hear(there, bill, "charge.dispute.closed", told=told, at=LATER + timedelta(hours=1))
    won = evidence == "winning_evidence"
    assert (of(bill).status, of(bill).owed_fen) == ((BillStatus.PAID, 0) if won else (BillStatus.OPEN, 15000))
    if not won:
        assert payments.charge_saved(of(bill), key="dunning-2", at=LATER) is None, "who has objected is asked first"
        card = a_card(there, bill)
        with db.transaction():
            again = payments.pay_with(db.session.get_one(Bill, bill.id), "card", card=card, by=an_actor(), at=LATER)
        assert (now(again).status, of(bill).status) == (PaymentStatus.SUCCEEDED, BillStatus.PAID)


def test_a_firm_has_one_name_there_and_a_card_taken_away_is_gone(there: Account, bill: Bill) -> None:
    paying(bill)
    paying(bill, "alipay")
    card = a_card(there, bill)
    [known] = there.customers()
    with db.transaction(readonly=True):
        assert (known.id, known.name, known.metadata.organization) == (customer(bill), firm_of(bill).name, str(bill.organization_id))
    with db.transaction():
        payments.remove_card(db.session.get_one(SavedCard, card.id), by=an_actor(), at=LATER)
    assert there.v1.payment_methods.retrieve(card.gateway_reference).customer is None
    payments.sweep(LATER)
    assert payments.charge_saved(bill, key="dunning-1", at=LATER) is None
    assert there.intents(customer(bill)) == []

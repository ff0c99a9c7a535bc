"""Whatever goes wrong with any call to Stripe: later it is as if nothing had, and the money moved once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from market import db, payments
from market.billing import Bill
from market.payments import Dispute, GatewayCustomer, Payment, Refund, SavedCard
from tests.builders.accounts import an_actor
from tests.builders.stripe import LATER, a_saved_card, paying, tell
from tests.support.stripe import Double

#: More often than the SDK tries by itself, but for what it gets over alone.
TROUBLES = {"429": 1, "slow": 1, "lost": 9, "500": 9, "500_after": 9}
Journey = Callable[[Double, Bill], object]


def pay(stripe: Double, bill: Bill) -> object:
    return paying(bill)


def charge(stripe: Double, bill: Bill) -> object:
    return payments.charge_saved(bill, key="dunning-1", at=LATER)


def look_up(stripe: Double, bill: Bill) -> object:
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    return payments.pursue(payment.id, at=LATER)


def pay_back(stripe: Double, bill: Bill) -> None:
    with db.transaction():
        id = db.session.scalars(select(Payment.id).where(Payment.save_card)).one()
    for _ in range(2):
        with db.transaction():
            payments.refund(payments.payment_by_id(id), amount_fen=300, reason="", request_key="r1", by=an_actor(), at=LATER)


def take_the_card_away(stripe: Double, bill: Bill) -> None:
    with db.transaction():
        payments.remove_card(db.session.scalars(select(SavedCard)).one(), by=an_actor(), at=LATER)


def hear_of_a_refund(stripe: Double, bill: Bill) -> None:
    intent = stripe.of("payment_intent")[0]["id"]
    tell(stripe, "refund.created", stripe.create_refund({"payment_intent": intent, "amount": 300})["id"])
    payments.handle_due(LATER)


def hear_of_a_dispute(stripe: Double, bill: Bill) -> None:
    tell(stripe, "charge.dispute.created", stripe.dispute(stripe.of("payment_intent")[0]["id"], amount=300)["id"])
    payments.handle_due(LATER)


def close_the_page(stripe: Double, bill: Bill) -> None:
    paying(bill)
    paying(bill, "alipay")
    payments.sweep(LATER)


def gone_back() -> int:
    with db.transaction(readonly=True):
        return sum(each.amount_fen for each in db.session.scalars(select(Refund)) if each.status.value == "succeeded")


def what_happened(stripe: Double) -> object:
    """At Stripe and here, without what times and names say."""
    there = sorted((each["object"], str(each.get("status")), str(each.get("amount"))) for each in stripe.things.values() if each["object"] != "customer")
    with db.transaction(readonly=True):
        here = [
            [each.status.value for each in db.session.scalars(select(model).order_by(model.id))] for model in (Payment, Refund, Dispute)
        ]
        return there, here, [each.forgotten_at is not None for each in db.session.scalars(select(SavedCard))]


CALLS: dict[str, Journey] = {
    "POST /v1/checkout/sessions": pay,
    "POST /v1/payment_intents": charge,
    "GET /v1/checkout/sessions/*": look_up,
    "POST /v1/checkout/sessions/*/expire": close_the_page,
    "POST /v1/refunds": pay_back,
    "POST /v1/payment_methods/*/detach": take_the_card_away,
    "GET /v1/refunds/*": hear_of_a_refund,
    "GET /v1/refunds": hear_of_a_refund,
    "GET /v1/disputes/*": hear_of_a_dispute,
}


def in_the_end(stripe: Double, bill: Bill, journey: Journey) -> None:
    journey(stripe, bill)
    stripe.troubles.clear()
    for hours in (1, 2, 3):
        payments.handle_due(LATER + timedelta(hours=hours))
        payments.sweep(LATER + timedelta(hours=hours))


def _stands_for_all(address: str, trouble: str) -> bool:
    """What nothing was done before, or nothing is lost by, is the same at every call: one of them shows it each time."""
    return trouble in ("lost", "500_after") or address == "POST /v1/refunds"


@pytest.mark.parametrize(
    ("address", "trouble"),
    [
        pytest.param(address, trouble, marks=() if _stands_for_all(address, trouble) else pytest.mark.soak)
        for address in CALLS for trouble in TROUBLES
    ],
)  # fmt: skip
def test_trouble_at_a_call_changes_nothing_in_the_end(
    stripe: Double, bill: Bill, address: str, trouble: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_, **__: 0.0)
    a_saved_card(stripe, bill)
    stripe.trouble(address, trouble, TROUBLES[trouble])
    in_the_end(stripe, bill, CALLS[address])
    there, here, forgotten = what_happened(stripe)
    expected = EXPECTED[address]
    assert (here, forgotten) == expected
    made = [each for each in there if each[0] in ("checkout.session", "payment_intent", "refund")]
    assert len(made) == MADE[address], made
    assert sum(each["amount"] for each in stripe.of("refund")) == gone_back()
    assert "sk_test_double" not in "".join(capfd.readouterr())


#: What stands here in the end: payments, refunds, disputes; whether the card is forgotten.
EXPECTED = {
    "POST /v1/checkout/sessions": ([["succeeded", "pending"], [], []], [False]),
    "POST /v1/payment_intents": ([["succeeded", "succeeded"], [], []], [False]),
    "GET /v1/checkout/sessions/*": ([["succeeded", "succeeded"], [], []], [False]),
    "POST /v1/checkout/sessions/*/expire": ([["succeeded", "canceled", "pending"], [], []], [False]),
    "POST /v1/refunds": ([["succeeded"], ["succeeded"], []], [False]),
    "POST /v1/payment_methods/*/detach": ([["succeeded"], [], []], [True]),
    "GET /v1/refunds/*": ([["succeeded"], ["succeeded"], []], [False]),
    "GET /v1/refunds": ([["succeeded"], ["succeeded"], []], [False]),
    "GET /v1/disputes/*": ([["succeeded"], [], ["open"]], [False]),
}
#: How many pages, intents and refunds Stripe has then; the card was saved with one page and one intent.
MADE = {
    "POST /v1/checkout/sessions": 3,
    "POST /v1/payment_intents": 3,
    "GET /v1/checkout/sessions/*": 4,
    "POST /v1/checkout/sessions/*/expire": 4,
    "POST /v1/refunds": 3,
    "POST /v1/payment_methods/*/detach": 2,
    "GET /v1/refunds/*": 3,
    "GET /v1/refunds": 3,
    "GET /v1/disputes/*": 2,
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_firm_has_one_name_there(stripe: Double, bill: Bill, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_, **__: 0.0)
    stripe.trouble("POST /v1/customers", trouble, TROUBLES[trouble])
    in_the_end(stripe, bill, pay)
    [page] = stripe.of("checkout.session")
    with db.transaction(readonly=True):
        assert db.session.scalars(select(GatewayCustomer.gateway_reference)).all() == [page["customer"]]

"""The same journeys against Stripe itself: `make test-stripe`, with a test key. What the double says is checked here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
import stripe

from market import resources
from market.config import Settings
from market.payments import stripe_gateway
from market.payments.found import State, Unknown, Wanted

pytestmark = [pytest.mark.stripe_live, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
KEY = os.environ.get("STRIPE_TEST_KEY", "")


@pytest.fixture
def customer(settings: Settings, clock: object) -> Iterator[str]:
    """Somebody of her own at Stripe, with a test key and nothing else."""
    assert KEY.startswith(("sk_test_", "rk_test_")), "STRIPE_TEST_KEY has to be a test key"
    resources.install(replace(settings, stripe_key=KEY))
    made = stripe.StripeClient(KEY).v1.customers.create({"name": "Test Firm"})
    yield made.id
    stripe.StripeClient(KEY).v1.customers.delete(made.id)


def wanted(customer: str, way: str, **more: object) -> Wanted:
    return replace(Wanted(uuid4().int % 10**9, 15000, way, customer, "Test", "zh", "https://example.com/back"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", stripe_gateway.WAYS)
def test_a_page_is_made_once_found_again_and_closed(customer: str, way: str) -> None:
    asked = wanted(customer, way)
    first, again = stripe_gateway.begin(asked), stripe_gateway.begin(asked)
    assert (first.state, first.session_id, first.amount, first.currency) == (State.OPEN, again.session_id, 15000, "cny")
    found = stripe_gateway.search(customer, asked.id)
    assert found is not None and found.session_id == first.session_id
    stripe_gateway.give_up(first.session_id, None)
    assert stripe_gateway.look_up(first.session_id, None).state is State.CANCELED


@pytest.mark.parametrize(
    ("method", "state"), [("pm_card_visa", State.SUCCEEDED), ("pm_card_visa_chargeDeclinedInsufficientFunds", State.FAILED)]
)
def test_a_saved_card_is_charged_and_paid_back(customer: str, method: str, state: State) -> None:
    client = stripe.StripeClient(KEY)
    try:
        card = client.v1.payment_methods.attach(method, {"customer": customer}).id
    except stripe.CardError:
        pytest.skip("Stripe declines this test card when it is attached already")
    found = stripe_gateway.begin(wanted(customer, "card", card=card, unattended=True))
    assert found.state is state
    if state is State.SUCCEEDED:
        number = uuid4().int % 10**9
        back = stripe_gateway.refund(number, str(found.intent_id), 10000)
        assert back.reference == stripe_gateway.refund(number, str(found.intent_id), 10000).reference
        with pytest.raises(Unknown):
            stripe_gateway.refund(number + 1, str(found.intent_id), 10000)

"""A second opinion on our side of Stripe: the gateway with the unmodified SDK against localstripe, in what that knows.

It knows firms, saved cards, refunds and reading, and signs its news itself. What it does not know is written down here
too, so that we notice when it learns; docs/payments.md says what proves the rest.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import stripe
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from market import resources
from market.config import Settings
from market.payments import stripe_gateway
from market.payments.found import State, Unknown, Unreachable, Wanted
from tests.support.stripe import second_opinion
from tests.support.stripe.server import Quiet

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
KEY = "sk_test_second_opinion"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One of them for all of these tests."""
    with second_opinion.localstripe() as address:
        yield address


@pytest.fixture
def there(settings: Settings, url: str) -> Any:
    """The SDK, as somebody who uses it beside us; the gateway asks the same place."""
    resources.install(replace(settings, stripe_key=KEY, stripe_url=url))
    return stripe.StripeClient(KEY, base_addresses={"api": url}).v1


@pytest.fixture
def customer(there: Any) -> str:
    return stripe_gateway.customer(7, "示例五金制品有限公司")


def a_card(there: Any, customer: str, number: str = "4242424242424242") -> str:
    card = {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    made = there.payment_methods.create({"type": "card", "card": card})
    return str(there.payment_methods.attach(made.id, {"customer": customer}).id)


def cards_of(there: Any, customer: str) -> list[str]:
    return [each.id for each in there.payment_methods.list({"customer": customer, "type": "card"}).data]


def an_intent(there: Any, customer: str, *, number: str = "4242424242424242", payment: int = 41) -> Any:
    """Charged with a saved card; some numbers want 3-D Secure."""
    return there.payment_intents.create({
        "amount": 15000, "currency": "cny", "customer": customer, "payment_method": a_card(there, customer, number), "confirm": True,
        "metadata": {"payment": str(payment)},
    })  # fmt: skip


@contextmanager
def listening() -> Iterator[tuple[str, queue.Queue[tuple[bytes, str]]]]:
    """An address for news, and what has come there with its signature."""
    heard: queue.Queue[tuple[bytes, str]] = queue.Queue()

    @Request.application
    def hear(request: Request) -> Response:
        heard.put((request.get_data(), request.headers.get("Stripe-Signature", "")))
        return Response("")

    server = make_server("127.0.0.1", 0, hear, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_firm_is_made_under_its_name_and_number(there: Any, customer: str) -> None:
    found = there.customers.retrieve(customer)
    assert (found.name, found.metadata.organization) == ("示例五金制品有限公司", "7")


def test_a_saved_card_is_gone_once_it_is_forgotten(there: Any, customer: str) -> None:
    card = a_card(there, customer)
    assert cards_of(there, customer) == [card]
    for _ in range(2):
        stripe_gateway.forget_card(card)
    stripe_gateway.forget_card("pm_nobodys")
    assert cards_of(there, customer) == []


def test_a_payment_that_waits_for_the_bank_is_read_and_given_up(there: Any, customer: str) -> None:
    intent = an_intent(there, customer, number="4000002500003155").id
    assert stripe_gateway.look_up(None, intent).state is State.ACTION
    stripe_gateway.give_up(None, intent)
    stripe_gateway.give_up(None, intent)
    assert stripe_gateway.look_up(None, intent).state is State.CANCELED


def test_money_goes_back_in_parts_and_is_found_again_by_our_number(there: Any, customer: str) -> None:
    intent = an_intent(there, customer).id
    made = stripe_gateway.refund(5, intent, 4000)
    assert (made.state, made.reference.split("_")[0]) == (State.SUCCEEDED, "re")
    assert stripe_gateway.look_up_refund(made.reference) == made
    stripe_gateway.refund(6, intent, 1000)
    assert stripe_gateway.search_refund(intent, 5) == made
    assert stripe_gateway.search_refund(intent, 7) is None


def test_what_news_is_about_leads_to_our_payment(there: Any, customer: str) -> None:
    intent = an_intent(there, customer, payment=42)
    refund = stripe_gateway.refund(8, intent.id, 100)
    assert stripe_gateway.payment_behind(intent.id) == (42, intent.id)
    for about in (intent.latest_charge.id, refund.reference):
        assert stripe_gateway.payment_behind(about) == (None, intent.id)


@pytest.mark.parametrize("about", ["pi_nobodys", "re_nobodys", "ch_nobodys"])
def test_what_nobody_knows_is_unknown(there: Any, about: str) -> None:
    with pytest.raises(Unknown):
        stripe_gateway.payment_behind(about)


def test_news_that_somebody_else_has_signed_is_read(there: Any, customer: str, url: str) -> None:
    with listening() as (address, heard):
        said = {"url": address, "secret": "whsec_theirs", "events": ["payment_intent.succeeded"]}
        httpx.post(f"{url}/_config/webhooks/ours", json=said).raise_for_status()
        intent = an_intent(there, customer).id
        told = {}
        while intent not in told:  # it tells a second later, and so of what other tests have paid
            news = stripe_gateway.read_news(*heard.get(timeout=45), "whsec_theirs")
            told[news.about] = news.kind
    assert told[intent] == "payment_intent.succeeded"


def a_page(customer: str) -> object:
    return stripe_gateway.begin(Wanted(1, 15000, "card", customer, "Test", "auto", "https://example.com/back"))


def a_charge(customer: str) -> object:
    return stripe_gateway.begin(Wanted(2, 15000, "card", customer, "Test", "auto", "https://example.com/back", card="pm_card_visa", unattended=True))


#: What we ask of Stripe and it does not know.
MISSING: dict[str, Callable[[str], object]] = {
    "Checkout": a_page,
    "charging with the parameters of today": a_charge,
    "looking for a page whose answer was lost": lambda customer: stripe_gateway.search(customer, 1),
    "disputes": lambda _customer: stripe_gateway.dispute("du_1"),
}


@pytest.mark.parametrize("call", MISSING.values(), ids=MISSING)
def test_the_rest_it_does_not_know(customer: str, call: Callable[[str], object]) -> None:
    with pytest.raises((Unknown, Unreachable)):
        call(customer)

"""A Stripe account as whoever has its key reaches it: by the SDK over HTTP, and by nothing else, so that it may be Stripe's own.

    there = Account(key, url)
    there.card(customer, "pm_card_visa")            one of Stripe's cards for trying things out, saved for a firm
    there.news(customer, "refund.")                 what has happened to it, as Stripe tells it, signed with our secret
    there.clear()                                   nobody is left there whom this run has made

Our rows have numbers that no earlier run had: keys that make asking twice harmless are made of them, and Stripe remembers
keys for a day.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar

import stripe
from sqlalchemy import event

from market.accounts import Organization
from market.payments import Payment, Refund
from market.payments.found import FoundCard
from tests.support.stripe.server import SECRET

T = TypeVar("T")
#: Stripe tells within seconds, and makes a dispute of its test card within a minute or two.
_PATIENCE, _PAUSE = 150, 0.5
#: Its clock and this machine's differ, by less than that.
_EARLIER = 120
#: A run makes fewer rows.
_ROWS = 1_000


class Account:
    """One of them, for one run."""

    def __init__(self, key: str, url: str) -> None:
        assert key.startswith(("sk_test_", "rk_test_")), "STRIPE_TEST_KEY has to be a test key"
        client = stripe.RequestsClient(timeout=80)
        self.v1: Any = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=2, http_client=client).v1
        self.since = {"created": {"gte": int(time.time()) - _EARLIER}, "limit": 100}
        first = random.SystemRandom().randrange(_ROWS, 2**31 - _ROWS, _ROWS)
        self.numbers, self.heard = range(first, first + _ROWS), set[str]()

    @contextmanager
    def numbering(self) -> Iterator[None]:
        """Rows of which keys are made get this run's numbers."""
        fresh = count(self.numbers.start)

        def number(_mapper: Any, _connection: Any, row: Any) -> None:
            row.id = row.id or next(fresh)

        for model in (Organization, Payment, Refund):
            event.listen(model, "before_insert", number)
        yield
        for model in (Organization, Payment, Refund):
            event.remove(model, "before_insert", number)

    def customers(self) -> list[Any]:
        """Firms of this run, the newest first."""
        ours = {str(number) for number in self.numbers}
        return [each for each in self.v1.customers.list(self.since).auto_paging_iter() if getattr(each.metadata, "organization", "") in ours]

    def card(self, customer: str, method: str) -> FoundCard:
        """A test card becomes a card of the firm."""
        made = self.v1.payment_methods.attach(method, {"customer": customer})
        return FoundCard(made.id, made.card.brand, made.card.last4, made.card.exp_month, made.card.exp_year)

    def pages(self, customer: str) -> Sequence[Any]:
        """Its pages to pay on, the oldest first."""
        return list(reversed(self.v1.checkout.sessions.list({"customer": customer, "limit": 100}).data))

    def intents(self, customer: str) -> Sequence[Any]:
        """Its charges, tried or done, the oldest first."""
        return list(reversed(self.v1.payment_intents.list({"customer": customer, "limit": 100}).data))

    def refunds(self, intent_id: str) -> Sequence[Any]:
        """What went back of one, the oldest first."""
        return list(reversed(self.v1.refunds.list({"payment_intent": intent_id, "limit": 100}).data))

    def news(self, customer: str, kind: str, about: str = "") -> list[tuple[bytes, str]]:
        """What has happened to a firm since we last asked, the newest first, as the bodies and headers that Stripe would send;
        waits until there is some of this kind and thing. Stripe reaches no loopback machine, so only the signature is ours."""
        names = {customer, *(intent.id for intent in self.intents(customer))}

        def told() -> list[Any]:
            found = [each for each in self.v1.events.list(self.since).auto_paging_iter() if each.id not in self.heard and _about(each) & names]
            return found if any(each.type.startswith(kind) and about in ("", each.data.object.id) for each in found) else []

        found = self.wait_for(told, f"Stripe tells of nothing that is {kind}")
        self.heard |= {each.id for each in found}
        bodies = [str(each) for each in found]
        return [(body.encode(), stripe.WebhookSignature.generate_signature_header(body, SECRET)) for body in bodies]

    def wait_for(self, look: Callable[[], T], otherwise: str) -> T:
        """What comes a little later there."""
        until = time.monotonic() + _PATIENCE
        while not (found := look()):
            assert time.monotonic() < until, otherwise
            time.sleep(_PAUSE)
        return found

    def clear(self) -> None:
        """Close what could still be paid, and remove the firms with their cards."""
        for customer in self.customers():
            for page in self.pages(customer.id):
                if page.status == "open":
                    self.v1.checkout.sessions.expire(page.id)
            for intent in self.intents(customer.id):
                if intent.status.startswith("requires_"):
                    self.v1.payment_intents.cancel(intent.id)
            self.v1.customers.delete(customer.id)
        assert self.customers() == [], "somebody is left in the account"


def _about(told: Any) -> set[Any]:
    """Whom or what a piece of news names."""
    return {getattr(told.data.object, name, None) for name in ("id", "customer", "payment_intent")}

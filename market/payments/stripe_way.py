"""Card, Alipay and WeChat Pay as one of the ways of paying: nothing before the commit, Stripe after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from market.payments import asking, stripe_gateway
from market.payments.models import Payment

#: After so long the sweep takes up what the request that began it has not finished.
_LEFT_ALONE = timedelta(seconds=10)


class StripeWay:
    """Needs a key; without it no way of it is offered."""

    name = stripe_gateway.NAME

    def prepare(self, payment: Payment) -> None:
        """The sweep asks about it from soon on."""
        payment.ask_at = payment.created_at + _LEFT_ALONE

    def collect(self, payment: Payment, at: datetime) -> None:
        """Make it at Stripe; safe to repeat."""
        asking.pursue(payment.id, at=at)

    def instructions(self, payment: Payment) -> Mapping[str, str]:
        """Where the buyer goes on."""
        return {"page": payment.page_url}

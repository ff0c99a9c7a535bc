"""What a way of paying has to offer; `bank_transfer` is the one without a key.

A gateway acts in two steps, so that a crash between them loses nothing: `prepare` only writes into the
payment, in the transaction that stores it; `collect` talks to the outside world after the commit, with the
payment's id as idempotency key, and may run twice. A sweep repeats `collect` for payments that stay pending.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from market.errors import NotFound
from market.payments.models import Payment


class Gateway(Protocol):
    """One way of paying."""

    #: The name stored with each payment, such as `bank_transfer`.
    name: str

    def prepare(self, payment: Payment) -> None:
        """Write what the buyer needs to pay (a code, say); no outside world."""

    def collect(self, payment: Payment, at: datetime) -> None:
        """Ask the outside world for the money; safe to repeat. A transfer is asked for by nobody: no-op."""

    def instructions(self, payment: Payment) -> Mapping[str, str]:
        """What the buyer has to do with: fixed keys, values as they are to be typed."""


class Gateways:
    """The ways of paying that are set up, by name."""

    def __init__(self, *gateways: Gateway) -> None:
        self._by_name = {gateway.name: gateway for gateway in gateways}

    @property
    def names(self) -> tuple[str, ...]:
        """What `start` accepts, the default first."""
        return tuple(self._by_name)

    def named(self, name: str) -> Gateway:
        """The gateway. Raises NotFound."""
        if name not in self._by_name:
            raise NotFound
        return self._by_name[name]

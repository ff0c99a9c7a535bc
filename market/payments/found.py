"""What is asked of a gateway and what it answers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """How far a payment or refund has come at Stripe."""

    OPEN = "open"
    ACTION = "action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class FoundCard:
    """A card as Stripe describes it."""

    reference: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class Found:
    """What Stripe says of a payment."""

    state: State
    amount: int = 0
    currency: str = ""
    session_id: str | None = None
    intent_id: str | None = None
    url: str = ""
    failure_code: str = ""
    card: FoundCard | None = None


@dataclass(frozen=True, slots=True)
class FoundRefund:
    """What Stripe says of a refund; `ours` is the number that it carries where we have asked for it."""

    state: State
    reference: str | None = None
    failure_code: str = ""
    amount: int = 0
    currency: str = ""
    ours: int | None = None
    intent_id: str = ""
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundDispute:
    """What Stripe says of a dispute."""

    reference: str
    intent_id: str
    amount: int
    currency: str
    status: str
    reason: str
    opened_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A payment as it is to be made."""

    id: int
    amount_fen: int
    way: str
    customer: str
    label: str
    locale: str
    back_url: str
    card: str | None = None
    unattended: bool = False
    save_card: bool = False


class Unreachable(Exception):
    """Stripe did not answer, or not now: nothing is known, ask again. Says why without anything secret."""


class Unknown(Exception):
    """Stripe knows no such thing, or will not do it: asking again does not help."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class News:
    """What Stripe's news says it is about; whether it is so has to be asked."""

    event_id: str
    kind: str
    about: str
    happened_at: datetime


class NotGenuine(Exception):
    """Not signed by Stripe with our secret, or too long ago, or nothing that Stripe sends."""

"""A bill line before it is stored, and how its amount is rounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from market import rating
from market.billing.dues import Due
from market.billing.models import BillLine, LineKind
from market.kit import money

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDraft:
    """A bill line that is not stored (yet); named like the columns of BillLine."""

    kind: LineKind
    provider_id: int
    subscription_id: int
    charge_id: int
    service_start: datetime
    service_end: datetime
    label: dict[str, str]
    quantity: Decimal | None
    transactions: list[list[str]] | None = None
    units: int = 1
    full_days: int | None = None
    terms: dict[str, Any]
    steps: list[dict[str, Any]]
    exact: str
    carried: str = "0"
    booked_fen: int
    tax_rate: str
    gross_fen: int


class Carried:
    """What the lines of each track of one bill have come to so far, exactly."""

    def __init__(self) -> None:
        self._totals: dict[tuple[object, ...], Fraction] = {}

    def before(self, due: Due, exact: Fraction) -> Fraction:
        """What came before this line of its track, which adds to it."""
        if not due.track:
            return _NOTHING
        track = due.subscription.id, *due.track
        carried = self._totals.get(track, due.carried)
        self._totals[track] = carried + exact if carried else exact
        return carried


def fen_of(line: BillLine | LineDraft, rated: rating.Rated) -> int:
    """What a service comes to on its line: rounded together with what came before it on its track."""
    return fen_after(line.carried, exact_of(line.kind, rated))


def fen_after(carried: str | Fraction, exact: Fraction) -> int:
    """The difference of two rounded running totals, so that parts add up to the rounded whole."""
    before = Fraction(carried)
    return money.fen(before + exact) - money.fen(before) if before else money.fen(exact)


def exact_of(kind: LineKind, rated: rating.Rated) -> Fraction:
    """The exact amount of a line of this kind: money back is less than nothing."""
    return -rated.exact if kind is LineKind.CREDIT else rated.exact

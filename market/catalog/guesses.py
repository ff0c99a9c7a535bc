"""What a buyer's guess of a month means to a charge: a quantity, or where a percentage is taken transactions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from market import rating
from market.catalog.models import Charge

_NONE = Decimal(0)


def count_key(charge: Charge) -> str:
    """Where a guess says how many transactions there are; no charge has such a slug."""
    return f"{charge.slug}.count"


def counts_transactions(charge: Charge) -> bool:
    """Whether its price depends on how many transactions there are, so that a guess has to say that too."""
    terms = rating.parse(charge.terms)
    return isinstance(terms, rating.Percentage) and bool(terms.fee or terms.each)


def guessed_use(charge: Charge, guess: Mapping[str, Decimal]) -> rating.Used:
    """What a guess by charge slug means to a charge; a missing one counts as 0.

    Where a percentage is taken and nothing says how many transactions there are, they are as many as the charge calls
    usual for what they come to.
    """
    quantity, count = guess.get(charge.slug, _NONE), guess.get(count_key(charge))
    if not isinstance(rating.parse(charge.terms), rating.Percentage):
        return quantity
    many = None if count is None else math.ceil(count)
    return rating.Transactions.guessed(quantity, many, Decimal(charge.typical or "0"), charge.typical_count or 0)

"""`calculator`: how many amounts the rating code works out in a second of processor time, by charge model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from benchmarks.figures import Figure, Reference, middle
from market import rating
from market.kit import money

_QUANTITY = Decimal("1234.567891")
_TIERS = [
    {"up_to": "1000", "unit_price": "0.12"},
    {"up_to": "10000", "unit_price": "0.1"},
    {"up_to": None, "unit_price": "0.0875"},
]
TERMS: dict[str, dict[str, Any]] = {
    "flat": {"model": "flat", "interval": "month", "amount": "99.00"},
    "per_unit": {"model": "per_unit", "unit_price": "0.0125", "included": "500"},
    "graduated": {"model": "graduated", "tiers": _TIERS, "included": "500"},
    "volume": {"model": "volume", "tiers": _TIERS, "included": "500"},
    "package": {"model": "package", "package_size": "1000", "package_price": "5.00", "included": "500"},
}
#: A hundred thousand bill lines within ten seconds of rating.
TARGET_PER_SECOND = 10_000
_ROUNDS = 5


def run(*, quick: bool = False) -> Iterator[Figure]:
    """Rate one quantity under each model; the limit is one exact multiplication and its rounding."""
    seconds = 0.02 if quick else 0.3
    price = Decimal("0.0125")
    for name, raw in TERMS.items():
        terms = rating.parse(raw)
        ours, limit = [], []
        for _ in range(_ROUNDS):
            ours.append(_per_second(lambda: rating.rate(terms, _QUANTITY).fen, seconds))  # noqa: B023  # called at once
            limit.append(_per_second(lambda: money.fen(_QUANTITY * price), seconds))
        yield Figure(
            f"rate and round, {name}", middle(ours), "1/s", TARGET_PER_SECOND, at_least=True,
            reference=Reference("one multiplication, rounded", middle(limit)),
        )  # fmt: skip


def _per_second(work: Callable[[], object], seconds: float) -> float:
    count, start = 0, time.process_time()
    while (elapsed := time.process_time() - start) < seconds:
        for _ in range(100):
            work()
        count += 100
    return count / elapsed

"""`calculator`: amounts rated in a second of processor time by charge model, and what answers made of them cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from benchmarks import replays
from benchmarks.client import CPU_MILLISECONDS, STATEMENTS, Client
from benchmarks.figures import Figure, Reference, middle
from benchmarks.pages import CALCULATOR, FRAGMENT
from benchmarks.place import place, served
from market import rating
from market.kit import money
from market.rating import Share, Transactions

_QUANTITY = Decimal("1234.567891")
_TIERS = [{"up_to": str(1000 * (n + 1)) if n < 9 else None, "unit_price": f"0.{20 - n}"} for n in range(10)]
TERMS: dict[str, dict[str, Any]] = {
    "flat": {"model": "flat", "interval": "month", "amount": "99.00"},
    "per_unit": {"model": "per_unit", "unit_price": "0.0125", "included": "500"},
    "graduated": {"model": "graduated", "tiers": _TIERS, "included": "500"},
    "volume": {"model": "volume", "tiers": _TIERS, "included": "500"},
    "package": {"model": "package", "package_size": "1000", "package_price": "5.00", "included": "500"},
    "percentage": {"model": "percentage", "percent": "0.6", "fee": "0.10", "discount": "10", "maximum": "500.00"},
}
#: What a core rates in a second; the others are rarer and must not be much slower than the slowest of these.
TARGETS = {"per_unit": 100_000, "graduated": 50_000}
_OTHERS = 50_000
_ROUNDS = 5
#: The server's work for one answer of the calculator, in milliseconds.
ANSWER_TARGET = 5.0
_REQUESTS = 60


def run(*, quick: bool = False) -> Iterator[Figure]:
    """Rate one quantity under each model, in part of a month too; then whole answers."""
    seconds = 0.02 if quick else 0.3
    price = Decimal("0.0125")
    for name, raw in TERMS.items():
        terms = rating.parse(raw)
        used = Transactions.alike(1204, Decimal(88000)) if name == "percentage" else _QUANTITY
        ours, limit = [], []
        for _ in range(_ROUNDS):
            ours.append(_per_second(lambda: rating.rate(terms, used).fen, seconds))  # noqa: B023  # called at once
            limit.append(_per_second(lambda: money.fen(_QUANTITY * price), seconds))
        yield Figure(
            f"rate and round, {name}", middle(ours), "1/s", TARGETS.get(name, _OTHERS), at_least=True,
            reference=Reference("one multiplication, rounded", middle(limit)),
        )  # fmt: skip
    ten = rating.parse(TERMS["graduated"])
    part = Share(Fraction(20, 31), 20, 31)
    yield Figure(
        "rate and round, graduated, 20 of 31 days", _per_second(lambda: rating.rate(ten, _QUANTITY, share=part).fen, seconds), "1/s",
        TARGETS["graduated"], at_least=True,
    )  # fmt: skip
    yield Figure("the working of one graduated line in words", _per_second(lambda: _explained(ten), seconds), "1/s")
    if not quick:
        yield from _answers()
        yield from replays.figures()


def _explained(terms: rating.Terms) -> object:
    return rating.explain(rating.rate(terms, _QUANTITY).steps, "GB")


def _answers() -> Iterator[Figure]:
    """What the server works for a changed guess: plan, charges and meters read, amounts, words, the part of the page."""
    with place() as here:
        here.fill(1_000)
        with served("benchmarks.counted:app", here.folder, here.environment, ready="/healthz") as address:
            client, times = Client(address), []
            for _ in range(_REQUESTS):
                answer = client.get(CALCULATOR, FRAGMENT)
                times.append(float(answer.headers[CPU_MILLISECONDS]))
    yield Figure("calculator answer, processor time, p50", middle(times[2:]), "ms", ANSWER_TARGET)
    yield Figure("calculator answer, SQL statements", int(answer.headers[STATEMENTS]), "")


def _per_second(work: Callable[[], object], seconds: float) -> float:
    count, start = 0, time.process_time()
    while (elapsed := time.process_time() - start) < seconds:
        for _ in range(100):
            work()
        count += 100
    return count / elapsed

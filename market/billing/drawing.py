"""Drawing a line: what a due comes to with what was used, in the words of its plan. Pure."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from market import rating
from market.billing import usage
from market.billing.dues import Due
from market.billing.lines import Carried, LineDraft, exact_of, fen_after
from market.billing.wording import picked

_ZERO = Decimal(0)


class _Amount(NamedTuple):
    """What a fee comes to, however many subscriptions pay it."""

    exact: Fraction
    text: str
    steps: list[dict[str, Any]]
    transactions: list[list[str]] | None


class Drawer:
    """Draws the lines of one close, subscription by subscription; what many lines share is worked out once."""

    def __init__(self) -> None:
        self._carried = Carried()
        self._words: dict[tuple[object, ...], dict[str, str]] = {}
        self._terms: dict[int, tuple[rating.Terms, dict[str, Any]]] = {}
        self._fees: dict[tuple[object, ...], _Amount] = {}

    def line(self, due: Due, used: rating.Used | None) -> LineDraft:
        """One line, rounded together with those of its track that were drawn before."""
        amount = self._fee(due) if used is None else _amount(due, used)
        carried = self._carried.before(due, amount.exact)
        return LineDraft(
            kind=due.kind,
            provider_id=due.subscription.provider_id,
            subscription_id=due.subscription.id,
            charge_id=due.charge.id,
            service_start=due.service.start,
            service_end=due.service.end,
            label={"subscription": due.subscription.public_id} | self._label(due),
            quantity=None if used is None else usage.total_of(used),
            transactions=amount.transactions,
            units=due.units,
            full_days=due.full_days,
            terms=self._dumped(due.terms),
            steps=amount.steps,
            exact=amount.text,
            carried=str(carried),
            booked_fen=0,
            tax_rate=due.charge.tax_rate,
            gross_fen=fen_after(carried, amount.exact),
        )

    def _fee(self, due: Due) -> _Amount:
        key = id(due.terms), due.share, due.kind
        if key not in self._fees:
            self._dumped(due.terms)  # keeps the terms, so that no others get their number
            self._fees[key] = _amount(due, _ZERO)
        return self._fees[key]

    def _dumped(self, terms: rating.Terms) -> dict[str, Any]:
        if id(terms) not in self._terms:
            self._terms[id(terms)] = terms, rating.dump(terms)
        return self._terms[id(terms)][1]

    def _label(self, due: Due) -> dict[str, str]:
        """The words of a line, copied: a later change of names does not reach a bill."""
        key = due.subscription.revision_id, due.plan.id, due.charge.id, due.metered, due.trial, due.paused
        if key not in self._words:
            self._words[key] = _words(due)
        return self._words[key]


def _amount(due: Due, used: rating.Used) -> _Amount:
    rated = rating.rate(due.terms, used, share=due.share)
    exact = exact_of(due.kind, rated)
    transactions = rated.transactions.dump() if rated.transactions is not None else None
    return _Amount(exact, rating.exact_text(exact), rating.dump_steps(rated.steps), transactions)


def _words(due: Due) -> dict[str, str]:
    facts, plan, charge, meter = due.subscription.revision.facts, due.plan, due.charge, due.charge.meter
    words: dict[str, str] = {}
    for locale in ("zh", "en"):
        words |= {
            f"offering_{locale}": facts.get(f"name_{locale}") or "",
            f"plan_{locale}": getattr(plan, f"name_{locale}"),
            f"charge_{locale}": getattr(charge, f"name_{locale}"),
            f"unit_{locale}": getattr(meter, f"unit_{locale}") if meter and due.metered else "",
        }
        if charge.filter and due.metered:
            words[f"picked_{locale}"] = picked(charge.filter, locale)
    if due.plan.quantity_unit_zh:
        words |= {"units_zh": due.plan.quantity_unit_zh, "units_en": due.plan.quantity_unit_en}
    words |= {"trial": "1"} if due.trial else {}
    return words | ({"paused": "1"} if due.paused else {})

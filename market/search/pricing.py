"""What a month costs for somebody's own usage: one kind of use is theirs, all other charges count at what is usual."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import catalog, db
from market.catalog import Charge, Plan
from market.catalog.models import PlanStatus
from market.kit import money
from market.kit.period import Period
from market.search.starting import monthly

#: More offerings than this are not worked out for one visitor.
MOST = 2_000


@dataclass
class Usages:
    """The kinds of use that offerings are priced by, the most frequent first, and their months for one of them."""

    #: Key, Chinese and English unit.
    measures: list[tuple[str, str, str]] = field(default_factory=list)
    month_fen: dict[int, int] = field(default_factory=dict)


def for_usage(ids: Collection[int], measure: str, amount: Decimal | None, *, month: Period) -> Usages:
    """The cheapest plan of each for this much of a measure a month; without an amount only what could be asked for."""
    if not ids or len(ids) > MOST:
        return Usages()
    plans: defaultdict[int, defaultdict[int, list[Charge]]] = defaultdict(lambda: defaultdict(list))
    query = (
        select(Plan.offering_id, Charge)
        .join(Plan, Plan.id == Charge.plan_id)
        .where(Plan.offering_id.in_(ids), Plan.status == PlanStatus.PUBLISHED, ~Plan.private)
        .options(joinedload(Charge.meter))
        .order_by(Charge.plan_id, Charge.position)
    )
    for offering_id, charge in db.session.execute(query):
        plans[offering_id][charge.plan_id].append(charge)
    usages = Usages(_measures(charge for some in plans.values() for charges in some.values() for charge in charges))
    if amount is not None and measure in {key for key, _zh, _en in usages.measures}:
        for offering_id, some in plans.items():
            months = [_month(charges, measure, amount, month) for charges in some.values()]
            known = [fen for fen in months if fen is not None]
            if known:
                usages.month_fen[offering_id] = min(known)
    return usages


def _measures(charges: Iterable[Charge]) -> list[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    names: dict[str, tuple[str, str, str]] = {}
    for charge in charges:
        if charge.meter is not None:
            key = catalog.measure_of(charge.meter).key
            found[names.setdefault(key, (key, *catalog.unit_words(charge.meter)))] += 1
    return [name for name, _count in found.most_common()]


def _month(charges: list[Charge], measure: str, amount: Decimal, month: Period) -> int | None:
    """A month of one plan; None where it does not count that kind of use."""
    total, counted = Fraction(0), False
    for charge in charges:
        used = None
        if not counted and charge.meter is not None and catalog.measure_of(charge.meter).key == measure:
            used, counted = catalog.in_units_of(charge.meter, Fraction(amount), month), True
        total += monthly(charge, used)
    return money.fen(total) if counted else None

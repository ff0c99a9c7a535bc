"""What a new price means for subscriptions: a month like their last one, at both prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from market import billing, metering
from market.catalog import Charge, Plan
from market.kit.period import Period
from market.subscriptions import Subscription

_NONE = Decimal(0)
_INSTANT = timedelta(microseconds=1)

Guess = dict[str, Decimal]


@dataclass(frozen=True)
class Effect:
    """A whole month at the old and at the new price; `basis` says whose use it is.

    `used`: what was used last month, `guess`: what the order guessed, `usual`: what the provider calls usual.
    """

    old_fen: int
    new_fen: int
    basis: str

    @property
    def more_fen(self) -> int:
        """How much more a month costs; less than nothing when it is cheaper."""
        return self.new_fen - self.old_fen


def effects(subscriptions: Sequence[Subscription], old: Plan, new: Plan, now: datetime) -> dict[int, Effect]:
    """For each subscription by its id: the month before this one if it was used all through, else a guessed month.

    Needs the firms loaded, and both plans with charges and meters.
    """
    used = _used(subscriptions, old, now)
    return {one.id: _effect(one, old, new, used.get(one.id)) for one in subscriptions}


def _effect(subscription: Subscription, old: Plan, new: Plan, used: Guess | None) -> Effect:
    basis, guess = _basis(subscription, old, used)
    many = subscription.quantity
    return Effect(
        billing.estimate(old, guess, units=many).monthly_fen,
        billing.estimate(new, _carried(old, new, guess), units=many).monthly_fen,
        basis,
    )


def _basis(subscription: Subscription, plan: Plan, used: Guess | None) -> tuple[str, Guess]:
    if used is not None:
        return "used", used
    if subscription.estimate:
        return "guess", {key: Decimal(typed) for key, typed in subscription.estimate.items()}
    return "usual", {charge.slug: Decimal(charge.typical) for charge in plan.charges if charge.meter_id is not None}


def _used(subscriptions: Sequence[Subscription], plan: Plan, now: datetime) -> dict[int, Guess]:
    """What the charges' meters measured in the month before, of those that were live all through it."""
    months: dict[Period, list[int]] = defaultdict(list)
    for one in subscriptions:
        this = billing.period_of(one.organization, now)
        month = billing.period_of(one.organization, this.start - _INSTANT)
        if one.started_at is not None and one.started_at <= month.start:
            months[month].append(one.id)
    found: dict[int, Guess] = {id: {} for ids in months.values() for id in ids}
    for month, ids in months.items():
        for charge in (charge for charge in plan.charges if charge.meter_id is not None):
            measured = metering.quantities(ids, month, until=now, whole=month, only=charge.filter)
            for id in ids:
                found[id][charge.slug] = measured.get((id, charge.meter_id or 0), _NONE)
    return found


def _carried(old: Plan, new: Plan, guess: Mapping[str, Decimal]) -> Guess:
    """The same use by the new plan's charges: what prices the same meter, else what has the same slug."""
    by_use = {_use(charge): charge.slug for charge in old.charges if charge.meter is not None}
    found = dict(guess)
    for charge in new.charges:
        if charge.meter is not None and (slug := by_use.get(_use(charge))) in guess:
            found[charge.slug] = guess[slug or ""]
    return found


def _use(charge: Charge) -> tuple[str, object]:
    return (charge.meter.slug if charge.meter else "", charge.filter)

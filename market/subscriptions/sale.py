"""What can be bought now, at which terms, and what a month of it comes to for a buyer's guess."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from market import db, rating
from market.accounts.models import Organization
from market.catalog import count_key, guessed_use, may_buy
from market.catalog.models import (
    Charge,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Plan,
    PlanStatus,
    RevisionStatus,
)
from market.errors import Invalid, NotFound
from market.kit import quantity
from market.kit.refusal import Refusal
from market.providers.models import ProviderStatus
from market.subscriptions import refusals, span
from market.subscriptions.span import Held

#: No firm means a month of a trillion yuan; neither database could store much more.
MOST_FEN = 10**14
#: Where a plan sets no maximum.
MOST_UNITS = 1_000_000


def for_sale(plan_id: int, organization: Organization, *, hold: bool = True) -> tuple[Plan, OfferingRevision]:
    """The plan with its charges, and the published revision of its offering, as this firm can buy it.

    With `hold` they, the offering and the provider cannot change until the transaction ends.
    Raises NotForSale, OfferingNotLive, ProviderNotApproved, NotFound, also for what was agreed on with others.
    """
    query = select(Plan).where(Plan.id == plan_id)
    offering = joinedload(Plan.offering).joinedload(Offering.provider)
    plan = db.session.scalar(query.options(offering, selectinload(Plan.charges).joinedload(Charge.meter)))
    if plan is None or not may_buy(plan, organization):
        raise NotFound
    if hold:
        for thing in (plan.offering.provider, plan.offering, plan):
            db.lock(thing, shared=True)
    if plan.offering.status is not OfferingStatus.LIVE:
        raise refusals.OfferingNotLive
    if plan.offering.provider.status is not ProviderStatus.APPROVED:
        raise refusals.ProviderNotApproved
    if plan.status is not PlanStatus.PUBLISHED:
        raise refusals.NotForSale
    return plan, _published(plan.offering)


def _published(offering: Offering) -> OfferingRevision:
    query = select(OfferingRevision).where(
        OfferingRevision.offering_id == offering.id, OfferingRevision.status == RevisionStatus.PUBLISHED
    )
    revision = db.session.scalar(query)
    if revision is None:
        raise refusals.OfferingNotLive
    return revision


def suitable(plan: Plan, quantity: int) -> int:
    """The number of units, if the plan is sold in that number. Raises QuantityUnsuitable."""
    if not plan.quantity_unit_zh:
        if quantity != 1:
            raise refusals.QuantityUnsuitable
        return quantity
    low, most, step = plan.quantity_minimum, span.most_of(plan), plan.quantity_step
    if most is not None and quantity > most:
        raise _too_large(most, quantity)
    if quantity < low or quantity > (most or MOST_UNITS):
        raise refusals.QuantityOutside(low=low, high=most or MOST_UNITS)
    if (quantity - low) % step:
        raise refusals.QuantityBetween(low=low, step=step)
    return quantity


def check_room(plan: Plan, held: Held) -> None:
    """Nobody comes down to fewer without having said so. Raises QuantityTooLarge."""
    most = span.most_of(plan)
    if plan.quantity_unit_zh == held.plan.quantity_unit_zh != "" and most is not None and held.quantity > most:
        raise _too_large(most, held.quantity)


def _too_large(most: int, wanted: int) -> refusals.QuantityTooLarge:
    return refusals.QuantityTooLarge(high=f"{most:,}", many=f"{wanted:,}")


def guessed(plan: Plan, estimate: Mapping[str, str]) -> dict[str, str]:
    """The buyer's guess for the plan's metered charges; other keys are left out. Raises Invalid."""
    guesses: dict[str, str] = {}
    problems: dict[str, str] = {}
    keys = [key for charge in plan.charges if charge.meter_id is not None for key in (charge.slug, count_key(charge))]
    for key in keys:
        if not str(estimate.get(key, "")).strip():
            continue
        try:
            guess = quantity.parse(str(estimate[key]))
            guesses[key] = quantity.text(guess)
            if guess < 0:
                problems[key] = "用量不能小于 0。"
        except Refusal as refusal:
            problems[key] = str(refusal)
    if problems:
        raise Invalid(fields=problems)
    return guesses


def month_fen(plan: Plan, guesses: Mapping[str, str], units: int = 1) -> int:
    """The first whole month of so many units at this guess, yearly and one-off fees in it, tax included.

    It is the check page's total. Raises Invalid for an amount beyond reason.
    """
    use = {key: Decimal(guess) for key, guess in guesses.items()}
    terms = ((charge, rating.times(rating.parse(charge.terms), Decimal(units))) for charge in plan.charges)
    total = sum(rating.rate(priced, guessed_use(charge, use)).fen for charge, priced in terms)
    if total > MOST_FEN:
        raise Invalid("这样算出来超过一万亿元。请把用量改小一些。")
    return total

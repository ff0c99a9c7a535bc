"""Changing a subscription: another plan, another quantity; now, at the period's end, or on a day to come.

Whoever asks holds the subscription; what is due takes hold first. A change is a row with a midnight, and from that
midnight on every bill follows it. Nothing reaches behind today or into a month that is billed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import accounts, audit, db, rating
from market.accounts.models import Membership, Organization, OrganizationKind
from market.catalog.models import Offering, OfferingRevision, OfferingStatus, Plan
from market.errors import Invalid
from market.kit import period as periods
from market.providers.models import ProviderStatus
from market.subscriptions import agreement, contracts, effects, refusals, sale, span
from market.subscriptions.models import (
    CHANGE_LIFECYCLE,
    LIVE,
    OPENING,
    ChangeKind,
    ChangeStatus,
    Subscription,
    SubscriptionChange,
    SubscriptionStatus,
)
from market.subscriptions.span import Held

When = Literal["now", "period_end"] | date
#: Changes are planned so far ahead at most.
FURTHEST = timedelta(days=3 * 366)
LONGEST_REASON = 500
APPROVE = "orders.approve"


def change(
    subscription: Subscription,
    *,
    plan: Plan | None = None,
    quantity: int | None = None,
    when: When,
    terms_hash: str | None = None,
    reason: str = "",
    by: audit.Actor,
    at: datetime,
) -> SubscriptionChange:
    """Another plan of the offering, another quantity, or both, from a midnight on; the same again changes nothing.

    "now" takes today from 00:00, "period_end" the end of the month (year, trial) that runs, a date its 00:00.
    Without `quantity` a plan keeps the number, as far as it is sold in it. `terms_hash` is the fingerprint of the
    terms on the page that was confirmed.
    Raises NotRunning, HasEnded, IsSuspended, EndsBefore, NothingChanges, OtherOffering, QuantityUnsuitable,
    NotForSale, OfferingNotLive, ProviderNotApproved, TermsChanged, ApproverNeeded, Invalid.
    """
    take(subscription, at, by)
    midnight = effective_at(subscription, when, at)
    held = span.held_at(subscription, midnight)
    new = wanted(held, plan, quantity)
    if same(held, new):
        return _already(subscription, midnight)
    bought, revision = _check(subscription, held, new, terms_hash)
    new = Held(None, bought, new.quantity)
    _check_approval(subscription, held, new, by)
    kind = ChangeKind.PLAN if new.plan.id != held.plan.id else ChangeKind.QUANTITY
    asked = SubscriptionChange(
        kind=kind, plan=new.plan if kind is ChangeKind.PLAN else None, revision=revision,
        quantity=new.quantity if quantity is not None or kind is ChangeKind.QUANTITY else None,
        terms_hash=terms_hash or _fingerprint(new.plan, revision),
    )  # fmt: skip
    plan_for(subscription, asked, midnight, reason=reason, by=by, at=at)
    if revision is not None:
        contracts.accept(
            subscription, new.plan, revision, quantity=new.quantity, user_id=by.user_id, at=at, valid_from=midnight
        )
    return asked


def withdraw_change(change: SubscriptionChange, *, by: audit.Actor, at: datetime) -> None:
    """Take back what is planned and has not begun. A second time changes nothing. Raises ChangeBegun, PriceStands."""
    subscription = db.session.get_one(Subscription, change.subscription_id)
    db.lock(subscription)
    db.lock(change)
    if change.status is ChangeStatus.WITHDRAWN:
        return
    if change.kind is ChangeKind.PRICE:
        raise refusals.PriceStands
    if change.status is not ChangeStatus.PLANNED or change.effective_at <= at:
        raise refusals.ChangeBegun
    CHANGE_LIFECYCLE.move(change, ChangeStatus.WITHDRAWN)
    change.settled_at = at
    audit.record(
        "subscription.change_withdrawn", subscription, by=by, at=at, organization_id=subscription.organization_id,
        after={"change": change.kind, "on": change.effective_at.isoformat()},
    )  # fmt: skip


def changes_of(subscription: Subscription) -> Sequence[SubscriptionChange]:
    """Every change that was ever asked for, by midnight; with the plans and who asked."""
    query = select(SubscriptionChange).where(SubscriptionChange.subscription_id == subscription.id)
    people = (joinedload(SubscriptionChange.plan), joinedload(SubscriptionChange.before_plan))
    query = query.options(*people, joinedload(SubscriptionChange.asked_by))
    return db.session.scalars(query.order_by(SubscriptionChange.effective_at, SubscriptionChange.id)).all()


def change_of(subscription: Subscription, id: int) -> SubscriptionChange | None:
    """One of a subscription's changes; None for another's."""
    return next((one for one in changes_of(subscription) if one.id == id), None)


def default_when(subscription: Subscription, plan: Plan, quantity: int, *, at: datetime) -> Literal["now", "period_end"]:
    """Upgrades (a higher recurring fee a year) are best had now, downgrades when what is paid for is used up."""
    held = span.held_at(subscription, at)
    less = recurring(plan, quantity) < recurring(held.plan, held.quantity)
    return "period_end" if less else "now"


def recurring(plan: Plan, quantity: int) -> Decimal:
    """A year of the recurring fees, in yuan, whether they are paid by the month or by the year."""
    fees = (rating.parse(charge.terms) for charge in plan.charges)
    months = {"month": 12, "year": 1, "once": 0}
    flat = (fee.amount * months[fee.interval] for fee in fees if isinstance(fee, rating.Flat))
    return sum(flat, Decimal(0)) * quantity


# --- what pauses share -------------------------------------------------------------------


def take(subscription: Subscription, at: datetime, by: audit.Actor) -> None:
    """Hold it, let what is due take hold, and see that it can be changed at all.

    Raises NotRunning, HasEnded, IsSuspended.
    """
    effects.settle(subscription, at)
    check_state(subscription, at)


def check_state(subscription: Subscription, at: datetime) -> None:
    """Whether it can be changed at all. Raises NotRunning, HasEnded, IsSuspended."""
    if subscription.status in OPENING:
        raise refusals.NotRunning
    over = subscription.cancel_at is not None and subscription.cancel_at <= at
    if subscription.status not in LIVE or over:
        raise refusals.HasEnded
    if subscription.status is SubscriptionStatus.SUSPENDED:
        raise refusals.IsSuspended


def effective_at(subscription: Subscription, when: When, at: datetime) -> datetime:
    """The midnight from which it holds; never before today, the first day that is not billed, or what holds already.

    Raises EndsBefore, Invalid for a day that has passed or is too far off.
    """
    today = periods.local_midnight(periods.local_day(at))
    if when == "now":
        midnight = today
    elif when == "period_end":
        midnight = span.period_end(subscription, at)
    elif isinstance(when, date) and not isinstance(when, datetime):
        midnight = periods.local_midnight(when)
        if midnight < today:
            raise Invalid(fields={"on": "这一天已经过去了。选今天以后的日期。"})
    else:
        raise Invalid(fields={"when": "选择什么时候生效。"})
    if midnight > today + FURTHEST:
        raise Invalid(fields={"on": "最多能提前三年安排。选近一些的日期。"})
    applied = (one.effective_at for one in subscription.changes if one.status is ChangeStatus.APPLIED)
    # A clock that has gone back does not make the past another one.
    midnight = max([midnight, subscription.billed_until or midnight, *applied])
    if subscription.cancel_at is not None and midnight >= span.day_after(subscription.cancel_at):
        raise refusals.EndsBefore
    return midnight


def plan_for(
    subscription: Subscription,
    asked: SubscriptionChange,
    midnight: datetime,
    *,
    reason: str,
    by: audit.Actor,
    at: datetime,
) -> None:
    """Add the row, in the place of a planned one of its kind for the same midnight; due ones take hold at once."""
    if earlier := _planned(subscription, asked.kind, midnight):
        effects.supersede(earlier, at=at)
    asked.subscription_id, asked.effective_at = subscription.id, midnight
    asked.reason = _clean(reason)
    asked.asked_by_id, asked.asked_at = by.user_id, at
    said = _said(asked)
    db.session.add(asked)
    db.session.flush()
    if midnight > at:
        audit.record(
            "subscription.change_planned", subscription, by=by, at=at, reason=asked.reason,
            organization_id=subscription.organization_id,
            after={"change": asked.kind, "on": midnight.isoformat()} | said,
        )  # fmt: skip
    effects.settle(subscription, at, by=by)


def _planned(subscription: Subscription, kind: ChangeKind, midnight: datetime) -> SubscriptionChange | None:
    wanted = (ChangeStatus.PLANNED, kind, midnight)
    return next((one for one in subscription.changes if (one.status, one.kind, one.effective_at) == wanted), None)


def _said(asked: SubscriptionChange) -> dict[str, str | int]:
    said: dict[str, str | int] = {}
    if asked.plan is not None:
        said = {"plan": asked.plan.slug, "version": asked.plan.version_number}
    return said | ({} if asked.quantity is None else {"quantity": asked.quantity})


def _clean(reason: str) -> str:
    # Neither database keeps NUL or half of a surrogate pair.
    reason = reason.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
    if len(reason) > LONGEST_REASON:
        raise Invalid(fields={"reason": "原因最多 500 个字。"})
    return reason


# --- what may be had ---------------------------------------------------------------------


def wanted(held: Held, plan: Plan | None, quantity: int | None) -> Held:
    """What somebody asks for. Raises OtherOffering, QuantityUnsuitable."""
    target = plan or held.plan
    if plan is not None and plan.offering_id != held.plan.offering_id:
        raise refusals.OtherOffering
    if quantity is None:
        sale.check_room(target, held)
        return Held(None, target, span.fitted(target, held.quantity))
    return Held(None, target, sale.suitable(target, quantity))


def same(held: Held, new: Held) -> bool:
    """Whether nothing would be different."""
    return (held.plan.id, held.quantity) == (new.plan.id, new.quantity)


def _already(subscription: Subscription, midnight: datetime) -> SubscriptionChange:
    """The change that has brought this about, when it was for the same midnight: somebody clicked twice."""
    for one in reversed(subscription.changes):
        asked = one.kind in (ChangeKind.PLAN, ChangeKind.QUANTITY) and one.status in span.COUNTING
        if asked and one.effective_at == midnight:
            return one
    raise refusals.NothingChanges


def _check(
    subscription: Subscription, held: Held, new: Held, terms_hash: str | None
) -> tuple[Plan, OfferingRevision | None]:
    """Whether it can be bought: the plan, and the revision that comes with another one."""
    if new.plan.id != held.plan.id:
        firm = db.session.get_one(Organization, subscription.organization_id)
        sold, revision = sale.for_sale(new.plan.id, firm)
        if terms_hash and terms_hash != _fingerprint(sold, revision):
            raise refusals.TermsChanged
        return sold, revision
    if terms_hash and terms_hash != subscription.terms_hash:
        raise refusals.TermsChanged
    if new.quantity > held.quantity:
        _check_more(held.plan)
    return held.plan, None


def _check_more(plan: Plan) -> None:
    """More of a plan that is held is sold as long as its offering is, also when the plan is not any more."""
    query = select(Offering).where(Offering.id == plan.offering_id).options(joinedload(Offering.provider))
    offering = db.session.scalars(query).one()
    for thing in (offering.provider, offering):
        db.lock(thing, shared=True)
    if offering.status is not OfferingStatus.LIVE:
        raise refusals.OfferingNotLive
    if offering.provider.status is not ProviderStatus.APPROVED:
        raise refusals.ProviderNotApproved


def _fingerprint(plan: Plan, revision: OfferingRevision | None) -> str:
    return agreement.terms_hash(agreement.terms(plan, revision)) if revision else ""


def _check_approval(subscription: Subscription, held: Held, new: Held, by: audit.Actor) -> None:
    """What would have waited for an owner as an order is not had by way of a change, nor an amount beyond reason."""
    firm = db.session.get_one(Organization, subscription.organization_id)
    month, limit = sale.month_fen(new.plan, subscription.estimate, new.quantity), firm.approval_above_fen
    if limit is None or by.user_id is None:
        return
    if month <= max(limit, sale.month_fen(held.plan, subscription.estimate, held.quantity)):
        return
    query = select(Membership.role).where(Membership.organization_id == firm.id, Membership.user_id == by.user_id)
    role = db.session.scalar(query)
    if role is None or not accounts.may(OrganizationKind.BUYER, role, APPROVE):
        raise refusals.ApproverNeeded
